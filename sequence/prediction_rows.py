"""The rows of a CSV file of predictions: one a step, all labels or the likeliest ones.

run.py --csv, evaluate.py's predictions.csv and `lookback.Prediction.to_csv` share them.
"""

from collections.abc import Sequence

import numpy as np

# Nobody reads a column for each of the 400 classes of Kinetics.
MAX_COLUMNS, BEST_OF_MANY = 100, 5


def prediction_header(labels: list[str]) -> list[str]:
    """Return the column names of rows with all labels."""
    return ["step", "seconds", "label", "probability", *labels]


def prediction_row(
    step: int, seconds: float, probabilities: np.ndarray, labels: list[str]
) -> list[str]:
    """Return one row of a predictions CSV; probabilities with eight digits, seconds with three.

    >>> prediction_row(3, 0.3, np.array([0.25, 0.75]), ["down", "up"])
    ['3', '0.300', 'up', '0.75000000', '0.25000000', '0.75000000']
    """
    best = int(np.argmax(probabilities))
    numbers = [f"{value:.8f}" for value in probabilities]
    return [str(step), f"{seconds:.3f}", labels[best], numbers[best], *numbers]


def best_header(count: int) -> list[str]:
    """Return the column names of rows with the `count` likeliest labels."""
    numbered = [f"{name}_{n}" for n in range(2, count + 1) for name in ("label", "probability")]
    return ["step", "seconds", "label", "probability", *numbered]


def best_row(step: int, seconds: float, best: Sequence[tuple[str, float]]) -> list[str]:
    """Return one row of the likeliest labels with their probabilities, likeliest first.

    >>> best_row(3, 0.3, [("up", 0.75), ("down", 0.25)])
    ['3', '0.300', 'up', '0.75000000', 'down', '0.25000000']
    """
    pairs = [text for label, value in best for text in (label, f"{value:.8f}")]
    return [str(step), f"{seconds:.3f}", *pairs]


def likeliest(
    probabilities: np.ndarray, labels: Sequence[str], count: int
) -> list[tuple[str, float]]:
    """Return the `count` likeliest labels with their probabilities, likeliest first."""
    order = np.argsort(-probabilities, kind="stable")[:count]
    return [(labels[index], float(probabilities[index])) for index in order]
