"""Intervals over groups: by hand, and by simulation of how often they contain the truth."""

import numpy as np
import pytest
from scipy.stats import t

from benchmarks.intervals import Case, chosen, coverage
from metrics.bootstrap import bootstrap_interval
from metrics.intervals import Interval, difference_interval, methods_line, share_interval
from metrics.rates import wilson_interval


def named(count: int, size: int) -> list[str]:
    return [f"g{number}" for number in range(count) for _ in range(size)]


def test_where_nothing_was_wrong_every_group_counts_as_one_clip():
    found = share_interval(np.ones(32), named(8, 4), 100, 0)
    q = t.ppf(0.975, 7)
    assert (found.high, found.method) == (1.0, "wilson")
    assert found.low == pytest.approx(8 / (8 + q * q))
    wrong = share_interval(np.zeros(32), named(8, 4), 100, 0)
    assert (wrong.low, wrong.high) == pytest.approx((0, 1 - found.low))
    many = share_interval(np.ones(100), named(100, 1), 100, 0)
    assert many.method == "wilson"
    assert many.low == pytest.approx(wilson_interval(100, 100)[0], abs=2e-3)


def test_few_groups_have_wilsons_interval_for_the_effective_number_of_clips():
    # Groups of two clips: four with both right, one with one, one with none. By hand: the share is
    # 9/12, the residuals 0.5 (4 times), -0.5 and -1.5, their squares sum to 3.5.
    hits = np.array([1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0.0])
    variance = 6 / 5 * 3.5 / 12**2
    effective, q = 0.75 * 0.25 / variance, t.ppf(0.975, 5)
    center = (0.75 + q * q / (2 * effective)) / (1 + q * q / effective)
    half = q * np.sqrt(0.1875 / effective + q * q / (4 * effective**2)) / (1 + q * q / effective)
    found = share_interval(hits, named(6, 2), 100, 0)
    assert found.limits == pytest.approx([center - half, center + half])
    assert found.method == "wilson"


def test_groups_that_are_all_the_same_do_not_make_the_interval_vanish():
    found = share_interval(np.tile([1.0, 0.0], 8), named(8, 2), 100, 0)
    assert found.low < 0.4
    assert found.high > 0.6


def test_many_groups_have_the_bootstrap():
    hits = (np.arange(200) % 4 > 0).astype(float)
    found = share_interval(hits, named(200, 1), 200, 3)
    assert found == Interval(*bootstrap_interval(hits, named(200, 1), 200, 3), "bootstrap")
    gains = hits - 0.5
    assert difference_interval(gains, named(200, 1), 200, 3).method == "bootstrap"


def test_one_group_tells_nothing():
    assert share_interval(np.ones(9), ["a"] * 9, 100, 0).limits == [0, 1]
    assert difference_interval(np.ones(9), ["a"] * 9, 100, 0).limits == [-1, 1]


def test_a_difference_of_few_groups_has_students_interval():
    gains = np.array([1, 0, 0, 0, -1, 0, 1, 1.0])
    groups = named(4, 2)
    means = gains.reshape(4, 2).mean(1)
    half = t.ppf(0.975, 3) * means.std(ddof=1) / 2
    found = difference_interval(gains, groups, 100, 0)
    assert found.limits == pytest.approx([max(-1, 0.25 - half), min(1, 0.25 + half)])
    assert found.method == "t"


def test_models_that_never_differ_may_still_differ():
    found = difference_interval(np.zeros(16), named(8, 2), 100, 0)
    assert found.method == "exact"
    assert (1 - found.high) ** 8 == pytest.approx(0.025)
    assert found.low == -found.high


def test_groups_that_are_all_the_same_do_not_make_the_difference_certain():
    alike = difference_interval(np.tile([1.0, 0.0], 20), named(20, 2), 100, 0)
    half = t.ppf(0.975, 19) * np.sqrt(0.25 / 80)  # as if the clips were twice as many
    assert alike.limits == pytest.approx([0.5 - half, 0.5 + half])
    always = difference_interval(np.ones(16), named(8, 2), 100, 0)
    assert always.limits == pytest.approx([0.025 ** (1 / 8), 1])


def test_the_line_names_each_method_once():
    assert methods_line(["wilson", "t", "wilson"]) == (
        "95 % intervals: Wilson over groups, for the effective number of clips; Student's t over "
        "groups."
    )


MIXED = (1, 2, 3, 4, 6, 9)


@pytest.mark.parametrize("groups", [8, 20, 100])
@pytest.mark.parametrize("shares", [(0.75,), (0.1, 0.2)], ids=["share", "difference"])
def test_the_interval_contains_the_truth_in_93_to_97_percent(groups: int, shares):
    cases = [Case(groups, MIXED, correlation, shares) for correlation in (0.0, 0.2)]
    interval = chosen(difference=len(shares) == 2)
    found = [coverage(case, interval, 700, seed) for seed, case in enumerate(cases)]
    assert 0.93 <= np.mean([inside for inside, _ in found]) <= 0.97


def test_the_bootstrap_alone_is_too_narrow_with_eight_groups():
    case = Case(8, MIXED, 0.2, (0.85,))
    inside, _ = coverage(case, lambda v, g: bootstrap_interval(v, g, 200, 0), 300, 0)
    assert inside < 0.92
