"""Importance of each step of the look-back window, by occlusion."""

import numpy as np

from sequence.prediction import Predictor

_MAX_WINDOWS = 200


def step_importance(predictor: Predictor, windows: np.ndarray) -> np.ndarray:
    """Return how much probability the predicted class loses when a step is hidden: float64 (L,).

    A hidden step repeats the step before it, as if nothing new had been seen; the oldest step
    repeats the one after it. Steps that show the same as their neighbors have no importance of
    their own.

    Args:
        predictor: Predictor of the sequence model.
        windows: Windows of features: float32 (n, L, D).
    """
    if len(windows) > _MAX_WINDOWS:
        windows = windows[np.linspace(0, len(windows) - 1, _MAX_WINDOWS).astype(int)]
    before = predictor.probabilities(windows)
    rows, predicted = np.arange(len(windows)), before.argmax(1)
    lost = []
    for step in range(windows.shape[1]):
        hidden = windows.copy()
        neighbor = step - 1 if step else min(1, windows.shape[1] - 1)
        hidden[:, step] = windows[:, neighbor]
        lost.append((before - predictor.probabilities(hidden))[rows, predicted].mean())
    return np.array(lost, float)
