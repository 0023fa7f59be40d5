"""Several classes per clip: each is found or not, by a threshold of its own.

The mean average precision (mAP) needs no thresholds: it tells how well the probabilities of a class
rank the clips. A class that no clip has is left out of the means over classes.
"""

from collections.abc import Sequence

import numpy as np

from metrics.calibration import calibration_error

DEFAULT_THRESHOLD = 0.5
_LEAST, _MOST = 0.01, 0.99  # of a threshold
_LEAST_PROBABILITY = 1e-12


def sigmoid(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return the probabilities of logits (..., K), each class by itself: float64."""
    scaled = np.asarray(logits, np.float64) / temperature
    # Both forms are exact where the other one overflows.
    powers = np.exp(-np.abs(scaled))
    probabilities: np.ndarray = np.where(scaled >= 0, 1.0, powers) / (1 + powers)
    return probabilities


def cross_entropies(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the binary cross-entropy of each clip, the mean over its classes: (n,).

    Args:
        probabilities: Predicted probabilities: (n, K).
        targets: Indicators of the classes that hold: (n, K).
    """
    right = np.where(targets > 0, probabilities, 1 - probabilities)
    losses: np.ndarray = -np.log(np.maximum(right, _LEAST_PROBABILITY)).mean(1)
    return losses


def average_precisions(truth: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the average precision of one class under several weightings of the clips: (R,).

    It is the mean of the precisions at the thresholds of the values, weighted by the gain in
    recall, as in scikit-learn. NaN where no clip of the class has a weight.

    Args:
        truth: Whether the class holds: bool (n,).
        values: Probability of the class: (n,).
        weights: Weight of each clip in each weighting: (R, n).
    """
    order = np.argsort(-values, kind="stable")
    last = np.append(np.diff(values[order]) != 0, True)  # of clips of equal values
    weighted = weights[:, order]
    right = np.cumsum(weighted * truth[order], axis=1)
    found = np.cumsum(weighted, axis=1)[:, last]
    right = right[:, last]
    precision = np.divide(right, found, out=np.zeros_like(right), where=found > 0)
    gains = np.diff(right, axis=1, prepend=0.0)
    total = right[:, -1]
    areas: np.ndarray = np.divide(
        (gains * precision).sum(1), total, out=np.full(len(total), np.nan), where=total > 0
    )
    return areas


def mean_average_precisions(
    probabilities: np.ndarray, truth: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Return the mean average precision under several weightings of the clips: (R,).

    The mean is over the classes that some, but not all, clips have; without any it is 0. A class
    that has lost all of its clips by the weights counts as in all clips, so that every mean is over
    the same classes.

    Args:
        probabilities: Predicted probabilities: (n, K).
        truth: Whether each class holds: bool (n, K).
        weights: Weight of each clip in each weighting: (R, n).
    """
    alike = np.ones((1, len(truth)))
    rows = []
    for number in _measurable(truth):
        column = truth[:, number], probabilities[:, number]
        areas = average_precisions(*column, weights)
        rows.append(np.where(np.isnan(areas), average_precisions(*column, alike)[0], areas))
    means: np.ndarray = np.mean(rows, axis=0) if rows else np.zeros(len(weights))
    return means


def _measurable(truth: np.ndarray) -> list[int]:
    counts = truth.sum(0)
    return np.flatnonzero((counts > 0) & (counts < len(truth))).tolist()


def best_thresholds(probabilities: np.ndarray, targets: np.ndarray) -> tuple[float, ...]:
    """Return the threshold of each class with the best F1, in the middle between two probabilities.

    Of equally good ones it is the one closest to 0.5. A class that no clip has, or all have, gets
    0.5.

    Args:
        probabilities: Probabilities of validation clips: (n, K).
        targets: Indicators of the classes that hold: (n, K).

    >>> best_thresholds(np.array([[0.2], [0.4], [0.8]]), np.array([[0], [1], [1]]))
    (0.3,)
    """
    truth = targets > 0
    chosen = [DEFAULT_THRESHOLD] * truth.shape[1]
    for number in _measurable(truth):
        chosen[number] = _best_threshold(probabilities[:, number], truth[:, number])
    return tuple(chosen)


def _best_threshold(values: np.ndarray, truth: np.ndarray) -> float:
    steps = np.unique(values)  # ascending
    found = np.array([(values >= step).sum() for step in steps])
    right = np.array([((values >= step) & truth).sum() for step in steps])
    f1 = 2 * right / (found + truth.sum())
    middles = (np.append(0.0, steps[:-1]) + steps) / 2
    best = middles[f1 >= f1.max() - 1e-12]
    nearest = best[np.argmin(np.abs(best - DEFAULT_THRESHOLD))]
    return round(float(np.clip(nearest, _LEAST, _MOST)), 4)


def decided(probabilities: np.ndarray, thresholds: np.ndarray | Sequence[float]) -> np.ndarray:
    """Return whether each class is found: bool (n, K).

    Args:
        probabilities: Predicted probabilities: (n, K).
        thresholds: Threshold of each class (K,), or of each clip and class (n, K).
    """
    found: np.ndarray = probabilities >= np.asarray(thresholds)
    return found


def class_calibration_error(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Return the mean over the classes of their calibration errors, each class against the rest.

    Args:
        probabilities: Predicted probabilities: (n, K).
        targets: Indicators of the classes that hold: (n, K).
    """
    return float(np.mean(calibration_errors(probabilities, targets > 0)))


def calibration_errors(probabilities: np.ndarray, truth: np.ndarray) -> list[float]:
    """Return the calibration error of each class against the rest: K numbers.

    Args:
        probabilities: Predicted probabilities: (n, K).
        truth: Whether each class holds: bool (n, K).
    """
    columns = zip(probabilities.T, truth.T, strict=True)
    return [calibration_error(column, holds) for column, holds in columns]
