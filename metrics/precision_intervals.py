"""Intervals of the mean average precision over groups of clips that are alike.

    below 200 groups   jackknife over groups, with Student's t
    from 200           percentile bootstrap over groups

The mean average precision is no mean over clips, so the intervals of `metrics.intervals` do not
hold for it. Its variance is that between the results without one group each (Efron 1982). The
interval of a single model is computed on the scale of the logit, which keeps it between 0 and 1.
"""

from collections.abc import Callable, Sequence

import numpy as np

from metrics.intervals import MANY_GROUPS, MOST_EFFECTIVE, Interval, share_interval
from metrics.multi_label import mean_average_precisions
from metrics.rates import CONFIDENCE

_CELLS_AT_ONCE = 4_000_000  # weights of clips in memory

# Function from weights of the clips (R, n) to the statistic under each weighting (R,).
_Statistic = Callable[[np.ndarray], np.ndarray]


def precision_interval(
    runs: Sequence[np.ndarray], truth: np.ndarray, groups: Sequence[str], resamples: int, seed: int
) -> Interval:
    """Return the 95 % confidence interval of the mean average precision.

    Args:
        runs: Probabilities of a model, (n, K); of several runs, the mean of their results counts.
        truth: Whether each class holds: bool (n, K).
        groups: Group of each clip, n names.
        resamples: Number of bootstrap resamples.
        seed: Seed of the random numbers.
    """

    def statistic(weights: np.ndarray) -> np.ndarray:
        means: np.ndarray = np.mean(
            [mean_average_precisions(run, truth, weights) for run in runs], axis=0
        )
        return means

    names, place = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) == 1:
        return Interval(0.0, 1.0, "one group")
    if len(names) >= MANY_GROUPS:
        return _percentiles(_resampled(statistic, place, len(names), resamples, seed))
    value, error = _jackknife(statistic, place, len(names))
    if error == 0 or not 0 < value < 1:
        # Nothing varies between the groups: they count as one clip each.
        return share_interval(np.full(len(names), value), names.tolist(), resamples, seed)
    # As in `share_interval`: with few groups a small variance is often luck.
    error = max(error, float(np.sqrt(value * (1 - value) / (MOST_EFFECTIVE * len(place)))))
    center = np.log(value / (1 - value))
    half = _student(len(names)) * error / (value * (1 - value))
    low, high = (1 / (1 + np.exp(-(center + sign * half))) for sign in (-1, 1))
    return Interval(float(low), float(high), "t jackknife")


def precision_difference(
    heads: Sequence[np.ndarray],
    runs: Sequence[np.ndarray],
    truth: np.ndarray,
    groups: Sequence[str],
    resamples: int,
    seed: int,
) -> tuple[float, Interval]:
    """Return how much higher the mean average precision of other predictions is, and its interval.

    Args:
        heads: Probabilities of the model, (n, K); of several runs, the mean of the results counts.
        runs: The same of the other model for the same clips.
        truth: Whether each class holds: bool (n, K).
        groups: Group of each clip, n names.
        resamples: Number of bootstrap resamples.
        seed: Seed of the random numbers.
    """

    def statistic(weights: np.ndarray) -> np.ndarray:
        theirs, mine = (
            np.mean([mean_average_precisions(run, truth, weights) for run in each], axis=0)
            for each in (runs, heads)
        )
        gain: np.ndarray = theirs - mine
        return gain

    names, place = np.unique(np.asarray(groups), return_inverse=True)
    value = float(statistic(np.ones((1, len(place))))[0])
    if len(names) == 1:
        return value, Interval(-1.0, 1.0, "one group")
    if len(names) >= MANY_GROUPS:
        return value, _percentiles(_resampled(statistic, place, len(names), resamples, seed))
    _, error = _jackknife(statistic, place, len(names))
    if error == 0:
        widest = 1 - ((1 - CONFIDENCE) / 2) ** (1 / len(names))
        return value, Interval(max(-1.0, value - widest), min(1.0, value + widest), "exact")
    half = _student(len(names)) * error
    return value, Interval(max(-1.0, value - half), min(1.0, value + half), "t jackknife")


def _jackknife(statistic: _Statistic, place: np.ndarray, count: int) -> tuple[float, float]:
    """Return a statistic and its standard error over `count` groups."""
    value = float(statistic(np.ones((1, len(place))))[0])
    without = _in_parts(statistic, place, 1.0 - np.eye(count))
    error = np.sqrt((count - 1) / count * ((without - without.mean()) ** 2).sum())
    return value, float(error)


def resampled_differences(
    head: np.ndarray,
    other: np.ndarray,
    truth: np.ndarray,
    groups: Sequence[str],
    resamples: int,
    seed: int,
) -> np.ndarray:
    """Return the difference of `precision_difference` in each resample of whole groups: (R,).

    Args:
        head: Probabilities of the model: (n, K).
        other: Probabilities of the other model for the same clips: (n, K).
        truth: Whether each class holds: bool (n, K).
        groups: Group of each clip, n names.
        resamples: Number of resamples.
        seed: Seed of the random numbers.
    """

    def statistic(weights: np.ndarray) -> np.ndarray:
        mine, theirs = (mean_average_precisions(each, truth, weights) for each in (head, other))
        gain: np.ndarray = theirs - mine
        return gain

    names, place = np.unique(np.asarray(groups), return_inverse=True)
    return _resampled(statistic, place, len(names), resamples, seed)


def _resampled(
    statistic: _Statistic, place: np.ndarray, count: int, resamples: int, seed: int
) -> np.ndarray:
    drawn = np.random.default_rng(seed).multinomial(
        count, np.full(count, 1 / count), size=resamples
    )
    return _in_parts(statistic, place, drawn)


def _percentiles(values: np.ndarray) -> Interval:
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(float(low), float(high), "bootstrap")


def _in_parts(statistic: _Statistic, place: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return a statistic under weightings of the groups, (R, groups): (R,)."""
    rows = max(1, _CELLS_AT_ONCE // len(place))
    parts = [
        statistic(weights[start : start + rows][:, place].astype(float))
        for start in range(0, len(weights), rows)
    ]
    return np.concatenate(parts)


def _student(groups: int) -> float:
    from scipy.stats import t

    return float(t.ppf(1 - (1 - CONFIDENCE) / 2, groups - 1))
