"""Rows of a CSV file of predictions: one row per step, with all labels or the most probable ones.

`run.py --csv`, predictions.csv of `evaluate.py` and `lookback.Prediction.to_csv` share this format.
"""

from collections.abc import Sequence

import numpy as np

from metrics.label_sets import chosen_text

# With more than MAX_COLUMNS labels (Kinetics has 400), only the BEST_OF_MANY most probable ones.
MAX_COLUMNS, BEST_OF_MANY = 100, 5


def prediction_header(labels: list[str]) -> list[str]:
    """Return the column names of rows with all labels, see `prediction_row`."""
    return ["step", "seconds", "label", "probability", *labels]


def prediction_row(
    step: int,
    seconds: float,
    probabilities: np.ndarray,
    labels: list[str],
    thresholds: Sequence[float] = (),
) -> list[str]:
    """Return a row with the probabilities of all labels.

    Args:
        step: Index of the step.
        seconds: Time of the step in the video.
        probabilities: Probability of each label: (K,).
        labels: Names of the K classes.
        thresholds: Probability from which each label is found, of a multi-label model: K numbers.

    Returns:
        Step, seconds with three decimals, predicted label, its probability, and all probabilities
        with eight decimals. The label of a multi-label model has all that are found, such as
        `run|wave`, and the probability is the highest one.

    >>> prediction_row(3, 0.3, np.array([0.25, 0.75]), ["down", "up"])
    ['3', '0.300', 'up', '0.75000000', '0.25000000', '0.75000000']
    """
    best = int(np.argmax(probabilities))
    numbers = [f"{value:.8f}" for value in probabilities]
    label = label_text(probabilities, labels, thresholds)
    return [str(step), f"{seconds:.3f}", label, numbers[best], *numbers]


def label_text(
    probabilities: np.ndarray, labels: Sequence[str], thresholds: Sequence[float] = ()
) -> str:
    """Return the most probable label, or all that reach their threshold: `run|wave`.

    Args:
        probabilities: Probability of each label: (K,).
        labels: Names of the K classes.
        thresholds: Threshold of each label; empty for a single label.
    """
    if len(thresholds):
        return chosen_text(probabilities >= np.asarray(thresholds), labels)
    return labels[int(np.argmax(probabilities))]


def best_header(count: int) -> list[str]:
    """Return the column names of rows with the `count` most probable labels, see `best_row`."""
    numbered = [f"{name}_{n}" for n in range(2, count + 1) for name in ("label", "probability")]
    return ["step", "seconds", "label", "probability", *numbered]


def best_row(step: int, seconds: float, best: Sequence[tuple[str, float]]) -> list[str]:
    """Return a row with the most probable labels.

    Args:
        step: Index of the step.
        seconds: Time of the step in the video.
        best: Labels with their probabilities, the most probable first.

    >>> best_row(3, 0.3, [("up", 0.75), ("down", 0.25)])
    ['3', '0.300', 'up', '0.75000000', 'down', '0.25000000']
    """
    pairs = [text for label, value in best for text in (label, f"{value:.8f}")]
    return [str(step), f"{seconds:.3f}", *pairs]


def likeliest(
    probabilities: np.ndarray, labels: Sequence[str], count: int
) -> list[tuple[str, float]]:
    """Return the `count` most probable labels with their probabilities, the most probable first."""
    order = np.argsort(-probabilities, kind="stable")[:count]
    return [(labels[index], float(probabilities[index])) for index in order]
