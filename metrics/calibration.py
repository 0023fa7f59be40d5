"""Confidence that fits: one temperature for the logits, fitted on the validation clips."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize_scalar


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return probabilities of logits (..., K), in float64 so that rows sum to 1 in a report."""
    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(-1, keepdims=True))
    probabilities: np.ndarray = powers / powers.sum(-1, keepdims=True)
    return probabilities


def clip_means(values: np.ndarray, clip_of: np.ndarray) -> np.ndarray:
    """Return the mean of `values` (n, K) over each clip; `clip_of` (n,) numbers their clips."""
    count = np.bincount(clip_of)
    sums = np.zeros((len(count), values.shape[1]))
    np.add.at(sums, clip_of, values)
    return sums / count[:, None]


def log_loss(probabilities: np.ndarray, classes: np.ndarray) -> float:
    """Return the mean of -log p of the true classes (n,), of probabilities (n, K)."""
    wanted = probabilities[np.arange(len(classes)), classes]
    return float(-np.log(np.maximum(wanted, 1e-12)).mean())


def fit_temperature(
    clip_probabilities: Callable[[float], np.ndarray], classes: np.ndarray
) -> float:
    """Return what the logits are to be divided by so that confidence fits the clips
    (Guo et al. 2017). It changes no window's label. Bounded: a small perfect validation set would
    ask for certainty, and a hopeless one for none.

    Args:
        clip_probabilities: maps a temperature to the clips' probabilities (n, K).
        classes: true classes (n,).
    """

    def loss(log_temperature: float) -> float:
        return log_loss(clip_probabilities(float(np.exp(log_temperature))), classes)

    found = minimize_scalar(loss, bounds=(np.log(0.5), np.log(5.0)), method="bounded")
    return round(float(np.exp(found.x)), 4)
