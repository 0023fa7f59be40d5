"""Intervals of rates and shares, against tables and the distributions themselves."""

import pytest
from scipy.stats import binomtest, poisson

from metrics.rates import poisson_interval, poisson_upper, wilson_interval


@pytest.mark.parametrize(("count", "low", "high"), [(1, 0.0253, 5.572), (10, 4.795, 18.39)])
def test_poisson_intervals_of_the_tables(count: int, low: float, high: float):
    assert poisson_interval(count, 1.0) == pytest.approx((low, high), rel=1e-3)
    assert poisson_interval(count, 4.0) == pytest.approx((low / 4, high / 4), rel=1e-3)


@pytest.mark.parametrize("count", [0, 1, 2, 17])
def test_at_the_upper_limit_so_few_events_have_five_percent(count: int):
    assert poisson.cdf(count, poisson_upper(count, 2.0) * 2.0) == pytest.approx(0.05)


def test_the_rule_of_three():
    assert poisson_interval(0, 10.0) == (0.0, pytest.approx(0.29957, abs=1e-5))


@pytest.mark.parametrize(("hits", "count"), [(0, 1), (0, 12), (5, 6), (12, 12), (40, 90)])
def test_wilson_is_that_of_scipy(hits: int, count: int):
    expected = binomtest(hits, count).proportion_ci(method="wilson")
    assert wilson_interval(hits, count) == pytest.approx((expected.low, expected.high), abs=1e-12)
