"""Smoothing of a probability over time, right at any and at varying distance between the steps.

The value of a step stands for the time since the step before it.
"""

import math
from collections import deque
from typing import Protocol

import numpy as np

from live.alarms.rule import Smoothing


class Smoother(Protocol):
    """Smooths the values of one class."""

    def push(self, seconds: float, value: float) -> float:
        """Return the smoothed value at a step.

        Args:
            seconds: Time of the step, not before the previous one.
            value: Probability, 0 to 1.
        """


class NoSmoothing:
    """Passes values on."""

    def push(self, seconds: float, value: float) -> float:
        """See `Smoother`."""
        return value


class ExponentialAverage:
    """Exponential moving average: after `time_constant` seconds, a value counts 1/e as much."""

    def __init__(self, time_constant: float) -> None:
        """Begin without a value: the first one is taken as it is.

        Args:
            time_constant: Time constant in seconds, more than 0.
        """
        self._time_constant = time_constant
        self._seconds, self._average = 0.0, math.nan

    def push(self, seconds: float, value: float) -> float:
        """See `Smoother`."""
        if math.isnan(self._average):
            self._average = value
        else:
            elapsed = max(0.0, seconds - self._seconds)
            self._average += (value - self._average) * -math.expm1(-elapsed / self._time_constant)
        self._seconds = seconds
        return self._average


class MedianOverTime:
    """Median over the last `window` seconds, in which every value counts by the time it stands for.

    At even distances this is the median of the steps in the window. A burst of steps counts no more
    than the time that it took.
    """

    def __init__(self, window: float) -> None:
        """Begin without a value: the first one is taken as it is.

        Args:
            window: Length of the window in seconds, more than 0.
        """
        self._window = window
        self._values: deque[tuple[float, float]] = deque()  # (time, value)
        self._before = math.nan  # time of the step before the first value

    def push(self, seconds: float, value: float) -> float:
        """See `Smoother`."""
        if len(self._values) == 1 and math.isnan(self._before):
            # Nothing came before the first step: it stands for as long as the second one.
            self._before = 2 * self._values[0][0] - seconds
        self._values.append((seconds, value))
        begin = seconds - self._window
        while len(self._values) > 1 and self._values[0][0] <= begin:
            self._before = self._values.popleft()[0]
        if len(self._values) == 1:
            return value
        times, values = np.array(self._values).T
        lengths = np.diff(times, prepend=max(begin, self._before))
        return _weighted_median(values, lengths)


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the median of values (n,) with weights (n,); between two values, their mean."""
    order = np.argsort(values, kind="stable")
    values, reached = values[order], np.cumsum(weights[order])
    half = reached[-1] / 2
    tolerance = 1e-6 * reached[-1]  # times are rounded: half may be missed by a little
    low = values[np.searchsorted(reached, half - tolerance)]
    high = values[min(np.searchsorted(reached, half + tolerance), len(values) - 1)]
    return float((low + high) / 2)


def smoother(kind: Smoothing, seconds: float) -> Smoother:
    """Return a new smoother.

    Args:
        kind: `none`, `median` or `ema`.
        seconds: Length of the median's window, or time constant of the average; 0 is none.
    """
    if kind == "none" or seconds <= 0:
        return NoSmoothing()
    return MedianOverTime(seconds) if kind == "median" else ExponentialAverage(seconds)
