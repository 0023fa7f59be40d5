"""Pooling: from the outputs of a clip's windows to the probabilities of the clip.

    mean        mean over the windows
    top         an event by its highest quarter of windows, the other classes by the rest
    attention   mean over the windows, weighted by the softmax of a score of each window

`top` is for labels that hold for a moment only: a clip with the label `fall` is one fall among
seconds without. Such rules are known from multiple-instance learning, as surveyed by Carbonneau et
al. (2018); the weighted mean follows Ilse, Tomczak and Welling (2018). A clip of one window has the
probabilities of that window under every rule, so a live step needs no rule.

In a multi-label model the classes do not share a sum of 1: with `top`, each event has the mean of
its own highest quarter of windows, and each other class the mean over all.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from metrics.calibration import clip_means
from metrics.task import SINGLE_LABEL, Task

Rule = Literal["mean", "top", "attention"]
RULES: tuple[Rule, ...] = ("mean", "top", "attention")

_LEAST = 1e-300  # avoids 0 / 0, where both terms are 0 and so is their quotient


@dataclass(frozen=True)
class Pooling:
    """A rule with its classes.

    Attributes:
        rule: Name of the rule.
        events: Indices of the classes that are events; used by `top` only.
        task: Whether a clip has one class or several.
    """

    rule: Rule = "mean"
    events: tuple[int, ...] = ()
    task: Task = SINGLE_LABEL

    def split(self, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return logits and scores of windows.

        Args:
            outputs: Outputs of a sequence model: logits (n, K), or with `attention` (n, K + 1),
                whose last column is the score.

        Returns:
            logits: (n, K).
            scores: (n,); 0 without `attention`.
        """
        if self.rule == "attention":
            return outputs[:, :-1], outputs[:, -1]
        return outputs, np.zeros(len(outputs), outputs.dtype)

    def window_probabilities(self, outputs: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        """Return the probabilities of windows, float64 (n, K).

        Args:
            outputs: Outputs of a sequence model, see `split`.
            temperature: Temperature that divides the logits.
        """
        return self.task.probabilities(self.split(outputs)[0], temperature)

    def clip_probabilities(
        self, outputs: np.ndarray, clip_indices: np.ndarray, temperature: float = 1.0
    ) -> np.ndarray:
        """Return the probabilities of clips, float64 (clips, K).

        Args:
            outputs: Outputs of a sequence model for n windows, see `split`.
            clip_indices: Clip of each window, numbered from 0 without gaps: (n,).
            temperature: Temperature that divides the logits.
        """
        scores = self.split(outputs)[1]
        return pool(self.window_probabilities(outputs, temperature), clip_indices, self, scores)


MEAN = Pooling()


def pool(
    probabilities: np.ndarray,
    clip_indices: np.ndarray,
    pooling: Pooling = MEAN,
    scores: np.ndarray | None = None,
) -> np.ndarray:
    """Return the probabilities of clips from those of their windows: float64 (clips, K).

    Args:
        probabilities: Probabilities of windows, (n, K); for a single label, rows sum to 1.
        clip_indices: Clip of each window, numbered from 0 without gaps: (n,).
        pooling: Rule.
        scores: Scores of the windows for `attention`: (n,); None for equal scores.

    >>> rows = np.array([[0.9, 0.1], [0.2, 0.8], [0.8, 0.2], [0.9, 0.1]])
    >>> clip = np.zeros(4, int)
    >>> [pool(rows, clip, rule).round(3).tolist() for rule in (MEAN, Pooling("top", (1,)))]
    [[[0.7, 0.3]], [[0.2, 0.8]]]
    """
    if pooling.rule == "mean":
        return clip_means(probabilities, clip_indices)
    if pooling.rule == "attention":
        if scores is None:
            scores = np.zeros(len(probabilities))
        return _weighted(probabilities, clip_indices, np.asarray(scores, np.float64))
    order = np.argsort(clip_indices, kind="stable")
    ends = np.cumsum(np.bincount(clip_indices))[:-1]
    top = _top_of_several if pooling.task.several else _top
    return np.stack([top(rows, pooling.events) for rows in np.split(probabilities[order], ends)])


def quarter(windows: int) -> int:
    """Return a quarter of a number of windows, rounded down, at least 1."""
    return max(1, windows // 4)


def window_shares(
    probabilities: np.ndarray,
    pooling: Pooling,
    target: int,
    scores: np.ndarray | None = None,
) -> np.ndarray:
    """Return the share that each window of one clip has in a class: float64 (n,), sum 1.

    Args:
        probabilities: Probabilities of the clip's windows: (n, K).
        pooling: Rule. With `top`, the windows that count have equal shares.
        target: Index of the class.
        scores: Scores of the windows for `attention`: (n,); None for equal scores.

    >>> rows = np.array([[0.9, 0.1], [0.2, 0.8], [0.8, 0.2], [0.9, 0.1]])
    >>> window_shares(rows, Pooling("top", (1,)), 1).tolist()
    [0.0, 1.0, 0.0, 0.0]
    """
    weights = np.ones(len(probabilities))
    if pooling.rule == "attention" and scores is not None:
        weights = np.exp(scores.astype(np.float64) - scores.max())
    elif pooling.rule == "top" and (target in pooling.events or not pooling.task.several):
        classes = [target] if target in pooling.events else list(pooling.events)
        chosen = probabilities[:, classes]
        # Both count where events are most probable: the other classes are least probable there.
        order = np.argsort(chosen.sum(1), kind="stable")
        weights[order[: -quarter(len(weights))]] = 0.0
    shares: np.ndarray = weights / weights.sum()
    return shares


def _top(rows: np.ndarray, events: tuple[int, ...]) -> np.ndarray:
    """Return the probabilities (K,) of a clip with windows (m, K) under `top`.

    The other classes together have the mean of their lowest quarter of windows, so with one event
    class the event has the mean of its highest quarter. They share it in proportion to their
    means, and the events share what is left in proportion to the means of their highest quarters.
    """
    count, happens = quarter(len(rows)), np.zeros(rows.shape[1], bool)
    happens[list(events)] = True
    nothing = np.sort(rows[:, ~happens].sum(1))[:count].mean()
    highest = np.sort(rows[:, happens], axis=0)[-count:].mean(0)
    others = rows[:, ~happens].mean(0)
    clip = np.empty(rows.shape[1])
    clip[happens] = (1 - nothing) * highest / max(highest.sum(), _LEAST)
    clip[~happens] = nothing * others / max(others.sum(), _LEAST)
    return clip


def _top_of_several(rows: np.ndarray, events: tuple[int, ...]) -> np.ndarray:
    """Return the probabilities (K,) of a clip with windows (m, K) under `top`, class by class."""
    clip: np.ndarray = rows.mean(0)
    highest = np.sort(rows, axis=0)[-quarter(len(rows)) :].mean(0)
    clip[list(events)] = highest[list(events)]
    return clip


def _weighted(rows: np.ndarray, clip_indices: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the means (clips, K) of rows (n, K), weighted by the softmax of scores (n,)."""
    highest = np.full(clip_indices.max() + 1, -np.inf)
    np.maximum.at(highest, clip_indices, scores)
    weights = np.exp(scores - highest[clip_indices])[:, None]
    means: np.ndarray = clip_means(weights * rows, clip_indices) / clip_means(weights, clip_indices)
    return means
