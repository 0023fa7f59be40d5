"""Smoothing in time: equal at any rate of steps, right at varying ones."""

import math

import numpy as np
import pytest

from live.alarms.smoothing import ExponentialAverage, MedianOverTime, smoother


@pytest.mark.parametrize("rate", [1, 5, 10, 50])
def test_an_average_rises_in_time_and_not_in_steps(rate: int):
    average = ExponentialAverage(0.5)
    average.push(0.0, 0.0)
    for step in range(1, 2 * rate + 1):
        value = average.push(step / rate, 1.0)
    assert value == pytest.approx(1 - math.exp(-2 / 0.5))


def test_an_average_is_the_same_with_a_step_divided():
    whole, divided = ExponentialAverage(2.0), ExponentialAverage(2.0)
    for each in (whole, divided):
        each.push(0.0, 0.2)
    divided.push(0.3, 0.9)
    divided.push(0.45, 0.9)
    assert whole.push(1.0, 0.9) == pytest.approx(divided.push(1.0, 0.9))


def test_the_first_value_is_taken_as_it_is():
    assert ExponentialAverage(1.0).push(1e5, 0.7) == 0.7
    assert MedianOverTime(1.0).push(1e5, 0.7) == 0.7


def test_a_step_at_the_same_time_changes_no_average():
    average = ExponentialAverage(1.0)
    average.push(5.0, 0.3)
    assert average.push(5.0, 1.0) == 0.3


def test_at_even_steps_a_median_is_that_of_the_steps():
    values = np.random.default_rng(0).uniform(0, 1, 200)
    for length in (4, 5):
        median = MedianOverTime(length / 10)
        # From the clock of a computer that has been running for weeks.
        found = [median.push(2e6 + step / 10, value) for step, value in enumerate(values)]
        for step in range(length - 1, 200):
            expected = np.median(values[step - length + 1 : step + 1])
            assert found[step] == pytest.approx(expected), step


def test_a_burst_of_steps_counts_by_its_time():
    median = MedianOverTime(1.0)
    for step in range(11):
        median.push(step / 10, 0.1)
    for step in range(1, 31):  # thirty steps in 0.3 s
        value = median.push(1.0 + step / 100, 0.9)
    assert value == 0.1
    assert median.push(1.55, 0.9) == 0.9  # more than half of the window


def test_a_step_longer_than_the_window_fills_it():
    median = MedianOverTime(0.5)
    for step in range(10):
        median.push(step / 10, 0.1)
    assert median.push(2.0, 0.8) == 0.8


@pytest.mark.parametrize(("kind", "seconds"), [("none", 0.5), ("median", 0.0), ("ema", 0.0)])
def test_no_smoothing_passes_values_on(kind: str, seconds: float):
    passes = smoother(kind, seconds)
    assert [passes.push(step / 10, value) for step, value in enumerate((0.0, 1.0, 0.3))] == [
        0.0,
        1.0,
        0.3,
    ]
