"""Intervals of shares and of paired differences over groups of clips that are alike.

    groups      share of correct clips      difference of two models on the same clips
    below 200   Wilson's interval           Student's t interval
    from 200    percentile bootstrap        percentile bootstrap
    no mistake  Wilson's, group by group    exact, group by group

A bootstrap knows only the groups that it resamples. With few of them, or where nothing was wrong,
its interval is too narrow: `python -m benchmarks.intervals` measures how often each method contains
the true value.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from metrics.bootstrap import bootstrap_interval
from metrics.rates import CONFIDENCE

Method = Literal["bootstrap", "wilson", "jackknife", "t", "t jackknife", "exact", "one group"]
MANY_GROUPS = 200

# Clips in groups can count for more than as many independent ones, if every group has easy and hard
# clips. With few groups such an estimate is often luck.
MOST_EFFECTIVE = 2.0

METHODS: dict[Method, str] = {
    "bootstrap": "percentile bootstrap over groups",
    "wilson": "Wilson over groups, for the effective number of clips",
    "jackknife": "Wilson over groups, with the variance of the jackknife",
    "t": "Student's t over groups",
    "t jackknife": "Student's t over groups, with the variance of the jackknife",
    "exact": "exact over groups, because all clips are alike",
    "one group": "all that is possible, because there is one group only",
}


@dataclass(frozen=True)
class Interval:
    """A 95 % confidence interval.

    Attributes:
        low: Lower limit.
        high: Upper limit.
        method: Name of the method, a key of `METHODS`.
    """

    low: float
    high: float
    method: Method

    @property
    def limits(self) -> list[float]:
        """Both limits, as in a JSON file."""
        return [self.low, self.high]


def share_interval(
    values: np.ndarray, groups: Sequence[str], resamples: int, seed: int
) -> Interval:
    """Return the 95 % confidence interval of a share, the mean of values between 0 and 1.

    Below 200 groups, and where the share is 0 or 1, it is Wilson's interval (1927) for the
    effective number of clips: as many independent clips as would have the variance that is found
    between the groups (Korn and Graubard 1998), with the quantile of Student's t for the groups in
    place of the normal one. Where the share is 0 or 1 there is no variance to be found, and the
    groups count as one clip each.

    Args:
        values: One value per clip, 1 if its prediction is correct: (n,).
        groups: Group of each clip, n names.
        resamples: Number of bootstrap resamples.
        seed: Seed of the random numbers.
    """
    count, share, variance = _spread(values, groups)
    if count == 1:
        return Interval(0.0, 1.0, "one group")
    surprise = 0 < share < 1
    if count >= MANY_GROUPS and surprise:
        return Interval(*bootstrap_interval(values, list(groups), resamples, seed), "bootstrap")
    most = MOST_EFFECTIVE * len(values)
    if not surprise:
        effective = float(count)
    else:
        effective = min(share * (1 - share) / variance, most) if variance > 0 else most
    return _wilson(share, effective, count, "wilson")


def jackknife_interval(score: float, without: Sequence[float], clips: int) -> Interval:
    """Return the 95 % confidence interval of a score between 0 and 1 that is no mean over clips.

    It is that of `share_interval` with the variance of the jackknife over groups.

    Args:
        score: Score of all clips.
        without: Score without each of the groups; none if there is one group only.
        clips: Number of clips.
    """
    count = len(without)
    if count < 2:
        return Interval(0.0, 1.0, "one group")
    if not 0 < score < 1:
        return _wilson(score, float(count), count, "jackknife")
    variance = (count - 1) * float(np.var(without))
    most = MOST_EFFECTIVE * clips
    effective = min(score * (1 - score) / variance, most) if variance > 0 else most
    return _wilson(score, effective, count, "jackknife")


def _wilson(share: float, effective: float, groups: int, method: Method) -> Interval:
    """Return Wilson's interval for a number of clips, with Student's quantile for the groups."""
    quantile = _student(groups)
    spread = quantile**2 / effective
    center = (share + spread / 2) / (1 + spread)
    inner = share * (1 - share) / effective + spread / (4 * effective)
    half = quantile * np.sqrt(inner) / (1 + spread)
    return Interval(max(0.0, float(center - half)), min(1.0, float(center + half)), method)


def difference_interval(
    values: np.ndarray, groups: Sequence[str], resamples: int, seed: int
) -> Interval:
    """Return the 95 % confidence interval of the mean difference of two models on the same clips.

    Below 200 groups it is Student's t interval with the linearized variance of a ratio (Cochran
    1977, section 6.4). Where all clips have the same difference, such as none, it is the largest
    share of other groups that would leave so many alike in 2.5 % of all cases, in both directions.

    Args:
        values: Difference of each clip, from -1 to 1: (n,).
        groups: Group of each clip, n names.
        resamples: Number of bootstrap resamples.
        seed: Seed of the random numbers.
    """
    count, mean, variance = _spread(values, groups)
    if count == 1:
        return Interval(-1.0, 1.0, "one group")
    if np.ptp(values) == 0:
        widest = 1 - ((1 - CONFIDENCE) / 2) ** (1 / count)
        return Interval(max(-1.0, mean - widest), min(1.0, mean + widest), "exact")
    if count >= MANY_GROUPS:
        return Interval(*bootstrap_interval(values, list(groups), resamples, seed), "bootstrap")
    least = float(np.var(values)) / (MOST_EFFECTIVE * len(values))
    half = _student(count) * float(np.sqrt(max(variance, least)))
    return Interval(max(-1.0, mean - half), min(1.0, mean + half), "t")


def methods_line(methods: Sequence[Method]) -> str:
    """Return a line that names the methods of the intervals of a table.

    Args:
        methods: Method of each interval.
    """
    named = [METHODS[method] for method in dict.fromkeys(methods)]
    return f"95 % intervals: {'; '.join(named)}."


def _spread(values: np.ndarray, groups: Sequence[str]) -> tuple[int, float, float]:
    """Return the number of groups, the mean over all clips and the variance of this mean."""
    names, indices = np.unique(np.asarray(groups), return_inverse=True)
    sums, sizes = np.bincount(indices, weights=values), np.bincount(indices)
    count, mean = len(names), float(sums.sum() / sizes.sum())
    residuals = sums - mean * sizes
    scale = count / max(count - 1, 1) / sizes.sum() ** 2
    return count, mean, float((residuals**2).sum() * scale)


def _student(groups: int) -> float:
    from scipy.stats import t

    return float(t.ppf(1 - (1 - CONFIDENCE) / 2, groups - 1))
