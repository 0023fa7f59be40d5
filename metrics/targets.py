"""Targets: what is true of a clip, as numbers.

one class per clip       the index of the class               (n,)
any number of classes    1 for each class that holds, else 0  (n, K)
"""

from collections.abc import Sequence

import numpy as np

# The index of a class, or the indices of all classes that hold, in ascending order.
Target = int | tuple[int, ...]


def classes_of(target: Target) -> tuple[int, ...]:
    """Return the indices of the classes that hold."""
    return (target,) if isinstance(target, int) else target


def indicators(targets: Sequence[Target], count: int) -> np.ndarray:
    """Return 1 for each class that holds and 0 for the others: float32 (n, K).

    Args:
        targets: Targets of n clips.
        count: Number of classes, K.

    >>> indicators([(0, 2), ()], 3).tolist()
    [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    """
    rows = np.zeros((len(targets), count), np.float32)
    for row, target in zip(rows, targets, strict=True):
        row[list(classes_of(target))] = 1
    return rows


def truth_of(targets: np.ndarray, count: int) -> np.ndarray:
    """Return whether each class holds, one class against the rest: bool (n, K).

    Args:
        targets: Class indices (n,), or indicators (n, K).
        count: Number of classes, K.
    """
    if targets.ndim == 2:
        return targets > 0
    truth: np.ndarray = targets[:, None] == np.arange(count)
    return truth
