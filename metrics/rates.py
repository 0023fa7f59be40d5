"""Intervals of rates and shares: exact Poisson limits, and Wilson's interval."""

import math

CONFIDENCE = 0.95


def poisson_interval(count: int, duration: float) -> tuple[float, float]:
    """Return the exact 95 % confidence interval of a rate (Garwood 1936).

    Without an event the lower limit is 0, and all of the 5 % are at the upper one: it is
    -log(0.05) = 3.0 events in the duration.

    Args:
        count: Number of events.
        duration: Time in which they were counted, more than 0.

    Returns:
        Lower and upper limit, in events per unit of `duration`.

    >>> [round(limit, 2) for limit in poisson_interval(0, 10.0)]
    [0.0, 0.3]
    """
    from scipy.stats import chi2

    if count == 0:
        return 0.0, poisson_upper(0, duration)
    tail = (1 - CONFIDENCE) / 2
    low, high = chi2.ppf(tail, 2 * count) / 2, chi2.ppf(1 - tail, 2 * count + 2) / 2
    return float(low) / duration, float(high) / duration


def poisson_upper(count: int, duration: float) -> float:
    """Return the one-sided 95 % upper limit of a rate: the true one is below it with 95 %.

    Args:
        count: Number of events.
        duration: Time in which they were counted, more than 0.
    """
    from scipy.stats import chi2

    return float(chi2.ppf(CONFIDENCE, 2 * count + 2)) / 2 / duration


def wilson_interval(hits: int, count: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share (Wilson 1927).

    Args:
        hits: Number of hits.
        count: Number of trials, at least 1.

    >>> [round(limit, 3) for limit in wilson_interval(10, 10)]
    [0.722, 1.0]
    """
    z = 1.959963984540054  # 97.5 % of the normal distribution
    share, spread = hits / count, z * z / count
    center = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    return max(0.0, center - half), min(1.0, center + half)
