"""Intervals of the mean average precision over groups."""

import numpy as np
import pytest
from scipy.stats import t

from metrics.multi_label import mean_average_precisions
from metrics.precision_intervals import (
    precision_difference,
    precision_interval,
    resampled_differences,
)


def drawn(
    groups: int, seed: int, strength: float = 1.5
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return truth (n, 2), values (n, 2) and groups of clips; four clips a group."""
    random = np.random.default_rng(seed)
    place = np.repeat(np.arange(groups), 4)
    truth = random.random((len(place), 2)) < 0.35
    hard = random.normal(0, 0.7, (groups, 2))[place]
    return truth, strength * truth + hard + random.normal(size=truth.shape), place.astype(str)


def value_of(values: np.ndarray, truth: np.ndarray) -> float:
    return float(mean_average_precisions(values, truth, np.ones((1, len(truth))))[0])


def test_few_groups_have_the_interval_of_the_jackknife():
    truth, values, groups = drawn(6, 1)
    without = [value_of(values[groups != g], truth[groups != g]) for g in np.unique(groups)]
    error = np.sqrt(5 / 6 * ((without - np.mean(without)) ** 2).sum())
    value = value_of(values, truth)
    assert error > np.sqrt(value * (1 - value) / (2 * len(truth)))  # else the lower limit counts
    half = t.ppf(0.975, 5) * error / (value * (1 - value))
    center = np.log(value / (1 - value))
    found = precision_interval([values], truth, groups.tolist(), 100, 0)
    assert found.method == "t jackknife"
    assert found.limits == pytest.approx(
        [1 / (1 + np.exp(half - center)), 1 / (1 + np.exp(-half - center))]
    )


def test_a_lucky_agreement_of_two_groups_gives_no_narrow_interval():
    truth = np.array([[1], [0], [1], [1], [0], [1]], bool)
    values = np.array([[0.5], [0.9], [0.4], [0.5], [0.9], [0.4]])  # both groups have 7/12
    found = precision_interval([values], truth, list("aaabbb"), 100, 0)
    assert found.high - found.low > 0.5


def test_where_nothing_was_wrong_the_groups_count_as_one_clip_each():
    truth, _, groups = drawn(8, 2)
    found = precision_interval([truth.astype(float)], truth, groups.tolist(), 100, 0)
    quantile = t.ppf(0.975, 7) ** 2
    assert found.high == 1.0
    assert found.low == pytest.approx(8 / (8 + quantile))
    assert precision_interval([truth + 0.0], truth, ["g"] * len(truth), 9, 0).limits == [0, 1]


def test_the_difference_is_paired():
    truth, values, groups = drawn(20, 3)
    better = values + 0.5 * truth
    gain, found = precision_difference([values], [better], truth, groups.tolist(), 100, 0)
    assert gain == pytest.approx(value_of(better, truth) - value_of(values, truth))
    assert 0 < found.low < gain < found.high
    single = precision_interval([values], truth, groups.tolist(), 100, 0)
    assert found.high - found.low < single.high - single.low
    same, none = precision_difference([values], [values], truth, groups.tolist(), 100, 0)
    assert (same, none.method) == (0.0, "exact")
    assert -0.2 < none.low < 0 < none.high < 0.2


def test_several_runs_count_by_the_mean_of_their_results():
    truth, values, groups = drawn(10, 4)
    other = values[::-1].copy()
    gain, _ = precision_difference([values], [values, other], truth, groups.tolist(), 100, 0)
    assert gain == pytest.approx((value_of(other, truth) - value_of(values, truth)) / 2)


def test_many_groups_have_a_bootstrap_of_whole_groups():
    truth, values, groups = drawn(220, 5)
    found = precision_interval([values], truth, groups.tolist(), 200, 0)
    assert found.method == "bootstrap"
    assert found.low < value_of(values, truth) < found.high
    gains = resampled_differences(values, values + truth, truth, groups.tolist(), 50, 1)
    assert gains.shape == (50,)
    assert (gains > 0).all()


def test_the_interval_contains_the_truth_as_often_as_it_says():
    truth, values, _ = drawn(4000, 6)
    wanted = value_of(values, truth)
    inside = 0
    for seed in range(200):
        truth, values, groups = drawn(20, 1000 + seed)
        found = precision_interval([values], truth, groups.tolist(), 10, 0)
        inside += found.low <= wanted <= found.high
    assert 0.92 <= inside / 200 <= 0.99  # three standard errors around 0.955
