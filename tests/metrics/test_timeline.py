"""Timelines: the rules one by one, on probabilities written by hand."""

from itertools import pairwise

import numpy as np
import pytest

from metrics.timeline import TimelineRules, TimelineSegment, timeline, timeline_of

LABELS = ("a", "b", "c")
PLAIN = TimelineRules(smoothing_seconds=0, min_seconds=0)


def rows(text: str, sure: float = 0.8) -> np.ndarray:
    """Return a row per letter, with the letter's label as the most probable one."""
    rest = (1 - sure) / 2
    return np.array([[sure if letter == label else rest for label in LABELS] for letter in text])


def said(found: list[TimelineSegment]) -> list[tuple[str, float, float]]:
    return [(each.label, round(each.start, 3), round(each.end, 3)) for each in found]


def of(text: str, rules: TimelineRules = PLAIN, **options) -> list[tuple[str, float, float]]:
    return said(timeline(LABELS, np.arange(len(text)) / 10, rows(text), rules=rules, **options))


def test_a_step_stands_for_the_time_up_to_the_next():
    assert of("aabbbc") == [("a", 0, 0.2), ("b", 0.2, 0.5), ("c", 0.5, 0.6)]
    assert of("aab", end=0.25) == [("a", 0, 0.2), ("b", 0.2, 0.25)]
    uneven = timeline(LABELS, [0, 1, 1.5], rows("aab"), rules=PLAIN)
    assert said(uneven) == [("a", 0, 1.5), ("b", 1.5, 2.25)]


def test_the_probability_is_the_mean_over_time_of_what_was_not_smoothed():
    probabilities = np.array([[0.6, 0.4, 0], [0.9, 0.1, 0], [0.2, 0.8, 0]])
    (first, second) = timeline(LABELS, [0, 1, 1.5], probabilities, end=2.0, rules=PLAIN)
    assert first.probability == pytest.approx((0.6 * 1 + 0.9 * 0.5) / 1.5)
    assert second.probability == pytest.approx(0.8)


def test_steps_before_the_first_full_window_have_its_label():
    full = [False, False, True, True]
    assert of("ccab", full=full) == [("a", 0, 0.3), ("b", 0.3, 0.4)]
    assert of("ccab", full=[False] * 4) == [("b", 0, 0.4)]  # as the report has it


def test_smoothing_removes_what_a_centered_average_outweighs():
    smooth = TimelineRules(smoothing_seconds=0.3, min_seconds=0)
    assert of("aaabaaabbb", smooth) == [("a", 0, 0.7), ("b", 0.7, 1.0)]
    assert of("aaabaaabbb") != of("aaabaaabbb", smooth)


def test_smoothing_is_by_time_not_by_steps():
    # Between 0.9 and 1 s there are ten steps of b; within a second they are a tenth.
    seconds = [*np.arange(9) / 10, *(0.9 + np.arange(10) / 100), *(1 + np.arange(9) / 10)]
    text = "a" * 9 + "b" * 10 + "a" * 9
    rules = TimelineRules(smoothing_seconds=1.0, min_seconds=0)
    assert said(timeline(LABELS, seconds, rows(text), rules=rules)) == [("a", 0, 1.9)]


def test_short_segments_are_merged_into_the_likelier_neighbor():
    rules = TimelineRules(smoothing_seconds=0, min_seconds=0.3)
    probabilities = rows("aaaaccbbbb")
    assert said(timeline(LABELS, np.arange(10) / 10, probabilities, rules=rules))[0][0] == "a"
    probabilities[4:6] = [0.1, 0.4, 0.5]
    found = said(timeline(LABELS, np.arange(10) / 10, probabilities, rules=rules))
    assert found == [("a", 0, 0.4), ("b", 0.4, 1.0)]
    # The neighbors on both sides become one.
    assert of("aaaabaaaa", rules) == [("a", 0, 0.9)]
    assert of("aaabbbccc", rules) == [("a", 0, 0.3), ("b", 0.3, 0.6), ("c", 0.6, 0.9)]
    assert of("b", rules) == [("b", 0, 0)]  # without a neighbor


def test_below_the_threshold_there_is_a_pause_and_a_short_one_is_filled():
    rules = TimelineRules(smoothing_seconds=0, min_seconds=0.3, threshold=0.5)
    unsure = rows("c", sure=0.4)
    probabilities = np.vstack([rows("aaaa"), *[unsure] * 5, rows("bbbb")])
    found = said(timeline(LABELS, np.arange(13) / 10, probabilities, rules=rules))
    assert found == [("a", 0, 0.4), ("b", 0.9, 1.3)]
    # A short sure label between pauses is one, too: nothing around it is as probable as it must be.
    probabilities = np.vstack([*[unsure] * 5, rows("b"), *[unsure] * 5])
    assert timeline(LABELS, np.arange(11) / 10, probabilities, rules=rules) == []


def test_nothing_joins_across_a_gap():
    seconds = [0, 0.1, 0.2, 100, 100.1, 100.2]
    rules = TimelineRules(smoothing_seconds=500, min_seconds=0.2)
    found = said(timeline(LABELS, seconds, rows("aaabbb"), rules=rules))
    assert found == [("a", 0, 0.3), ("b", 100, 100.3)]
    found = said(timeline(LABELS, seconds, rows("aaaaaa"), rules=rules))
    assert found == [("a", 0, 0.3), ("a", 100, 100.3)]


@pytest.mark.parametrize("seed", range(3))
def test_segments_cover_the_video_and_are_long_enough(seed):
    random = np.random.default_rng(seed)
    seconds = np.cumsum(random.uniform(0.05, 0.2, 500))
    probabilities = random.dirichlet([0.3] * 3, 500)
    found = timeline(LABELS, seconds, probabilities)
    assert found[0].start == seconds[0]
    assert all(one.end == two.start for one, two in pairwise(found))
    assert all(one.label != two.label for one, two in pairwise(found))
    assert min(each.end - each.start for each in found) >= 0.5 - 1e-6
    assert 10 < len(found) < 200


@pytest.mark.parametrize(
    "values", [{"smoothing_seconds": -1}, {"min_seconds": float("nan")}, {"threshold": 1.5}]
)
def test_rules_out_of_range_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        TimelineRules(**values)


def test_several_labels_at_once_have_a_timeline_each():
    rows = np.zeros((40, 2))
    rows[5:30, 0], rows[20:40, 1] = 0.6, 0.9
    found = timeline_of(
        ("run", "wave"), np.arange(40) / 10, rows, rules=PLAIN, thresholds=(0.5, 0.8)
    )
    assert [(each.label, each.start, each.end) for each in found] == [
        ("run", 0.5, 3.0),
        ("wave", 2.0, 4.0),
    ]
    assert [each.probability for each in found] == pytest.approx([0.6, 0.9])
    high = timeline_of(
        ("run", "wave"), np.arange(40) / 10, rows, rules=PLAIN, thresholds=(0.7, 0.8)
    )
    assert [each.label for each in high] == ["wave"]
    # Without thresholds one label holds at a time, as in `timeline`.
    rules = TimelineRules(0, 0, 0.5)
    alone = timeline_of(("run", "wave"), np.arange(40) / 10, rows, rules=rules)
    assert alone == timeline(("run", "wave"), np.arange(40) / 10, rows, rules=rules)
