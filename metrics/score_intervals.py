"""Intervals of scores that are no mean over clips: macro F1, balanced accuracy, ROC AUC.

Each group is left out once, and the spread of the scores that remain gives the variance (jackknife
over groups: Efron and Stein 1981). The interval is Wilson's for the number of independent clips
whose share would vary as much, as for the accuracy.
"""

from collections.abc import Callable, Sequence

import numpy as np

from metrics.classification import class_areas, mean_area
from metrics.intervals import Interval, jackknife_interval

_MOST_BLOCKS = 200  # of more groups several are left out together
_MOST_BLOCKS_OF_AREAS = 50  # areas take longer


def score_intervals(
    probabilities: np.ndarray, targets: np.ndarray, groups: Sequence[str], areas: bool = True
) -> dict[str, Interval]:
    """Return the 95 % intervals of `macro_f1`, `balanced_accuracy` and `roc_auc`.

    A score that is not defined without some group, such as an area without clips of a class, is
    left out.

    Args:
        probabilities: Predicted probabilities: (n, K).
        targets: True classes, ints in 0..K-1: (n,).
        groups: Group of each clip, n names.
        areas: Whether areas are wanted, which take most of the time.
    """
    classes = probabilities.shape[1]
    names = np.unique(np.asarray(groups), return_inverse=True)[1]
    count = int(names.max()) + 1
    blocks = _blocks(names, count, _MOST_BLOCKS)
    size = int(blocks.max()) + 1
    parts = np.zeros((size, classes, classes))
    np.add.at(parts, (blocks, targets, probabilities.argmax(1)), 1)
    total = parts.sum(0)
    found = {}
    for name, score in (("macro_f1", macro_f1), ("balanced_accuracy", balanced_accuracy)):
        rest = [score(total - part) for part in parts] if size > 1 else []
        found[name] = jackknife_interval(score(total), rest, len(targets))
    if not areas:
        return found
    area = _area_interval(probabilities, targets, _blocks(names, count, _MOST_BLOCKS_OF_AREAS))
    return found | ({"roc_auc": area} if area else {})


def macro_f1(confusion: np.ndarray) -> float:
    """Return the mean F1 over the classes with clips of a confusion matrix (K, K), rows true."""
    true, predicted = confusion.sum(1), confusion.sum(0)
    present = true > 0
    return float((2 * confusion.diagonal()[present] / (true + predicted)[present]).mean())


def balanced_accuracy(confusion: np.ndarray) -> float:
    """Return the mean recall over the classes with clips of a confusion matrix (K, K)."""
    true = confusion.sum(1)
    present = true > 0
    return float((confusion.diagonal()[present] / true[present]).mean())


def _blocks(names: np.ndarray, count: int, most: int) -> np.ndarray:
    """Return the block of each clip: its group, or one of `most` blocks of whole groups."""
    if count <= most:
        return names
    order = np.random.default_rng(0).permutation(count)
    blocks: np.ndarray = order[names] % most
    return blocks


def _area_interval(
    probabilities: np.ndarray, targets: np.ndarray, blocks: np.ndarray
) -> Interval | None:
    classes = range(probabilities.shape[1])

    def area(kept: np.ndarray) -> float | None:
        return mean_area(class_areas(probabilities[kept], targets[kept], classes), "roc_auc")

    return _interval_of(area, blocks, len(targets))


def _interval_of(
    score: Callable[[np.ndarray], float | None], blocks: np.ndarray, clips: int
) -> Interval | None:
    """Return the interval of a score of the clips that a mask (n,) keeps; None if undefined."""
    whole = score(np.ones(clips, bool))
    size = int(blocks.max()) + 1
    rest = [score(blocks != block) for block in range(size)] if size > 1 else []
    known = [value for value in rest if value is not None]
    if whole is None or len(known) < len(rest):
        return None
    return jackknife_interval(whole, known, clips)
