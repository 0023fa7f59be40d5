"""Label sets: several labels of one clip in one text, `run|wave`."""

from collections.abc import Iterable, Sequence

import numpy as np

SEPARATOR = "|"
BACKGROUND = "background"  # the label of a clip in which no class holds


def labels_in(text: str) -> tuple[str, ...]:
    """Return the labels of a text, each once, in alphabetical order.

    >>> labels_in("wave|run"), labels_in("wave")
    (('run', 'wave'), ('wave',))
    """
    return tuple(sorted({part.strip() for part in text.split(SEPARATOR)}))


def joined(labels: Iterable[str]) -> str:
    """Return the text of labels; that of none is `background`.

    >>> joined(["wave", "run", "wave"]), joined([])
    ('run|wave', 'background')
    """
    return SEPARATOR.join(sorted(set(labels))) or BACKGROUND


def chosen_text(chosen: np.ndarray, labels: Sequence[str]) -> str:
    """Return the text of the labels that are chosen.

    Args:
        chosen: Whether each label is chosen: bool (K,).
        labels: Names of the K classes.
    """
    return joined(labels[number] for number in np.flatnonzero(chosen).tolist())
