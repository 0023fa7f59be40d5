"""Gradient of a class through the second stage: how much each step's feature raises its score.

The score is the log odds of the class, log p / (1 - p): its logit minus the logarithm of the summed
exponentials of the others. Grad-CAM's paper takes the logit alone. Softmax fixes logits only up to
a number that all classes share, and a network with one logit has none for its first class; the log
odds have neither problem, and in a multi-label model they are the logit. The score of a clip is the
mean over its windows, with the shares that the model's pooling gives them.
"""

from collections.abc import Sequence

import numpy as np

from metrics.pooling import window_shares
from metrics.task import Task
from sequence.prediction import WINDOWS_AT_ONCE, Predictor
from sequence.windows import window_rows
from training.gradients import gradients
from training.keras_backend import keras


def step_slopes(
    predictor: Predictor, features: np.ndarray, newest: Sequence[int], target: int
) -> np.ndarray:
    """Return the gradient of a clip's score with respect to the features of its video.

    Args:
        predictor: Predictor of the second stage.
        features: Features of the video's steps: float32 (N, D).
        newest: Newest step of each window of the clip.
        target: Index of the class.

    Returns:
        Gradients, float32 (N, D); 0 for the steps of no window.
    """
    steps = np.asarray(newest, np.int64)
    rows = window_rows(steps, np.zeros_like(steps), predictor.look_back)
    shares = _shares(predictor, features[rows], target)
    slopes = np.zeros_like(features)
    for start in range(0, len(rows), WINDOWS_AT_ONCE):
        part = slice(start, start + WINDOWS_AT_ONCE)
        weights = shares[part].astype(np.float32)

        def score(windows, weights=weights):
            logits = predictor.traced_logits(windows) / predictor.temperature
            return keras.ops.sum(_log_odds(logits, target, predictor.task) * weights), []

        (change,) = gradients(score, [features[rows[part]]])[1]
        np.add.at(slopes, rows[part], change)  # a step is in several windows
    return slopes


def _shares(predictor: Predictor, windows: np.ndarray, target: int) -> np.ndarray:
    probabilities, scores = predictor.scored(windows)
    return window_shares(probabilities, predictor.pooling, target, scores)


def _log_odds(logits, target: int, task: Task):
    if task.several:  # a sigmoid of each class
        return logits[:, target]
    ops, count = keras.ops, logits.shape[-1]
    others = [place for place in range(count) if place != target]
    return logits[:, target] - ops.logsumexp(ops.take(logits, others, axis=-1), axis=-1)
