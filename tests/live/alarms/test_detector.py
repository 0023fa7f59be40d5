"""The detector, from tables of probabilities."""

import numpy as np
import pytest

from live.alarms.detector import Detector
from live.alarms.event import Change
from live.alarms.rule import Rule

LABELS = ("background", "fall", "jump")


def rule(label: str = "fall", **values) -> Rule:
    plain = {
        "on": 0.8,
        "off": 0.5,
        "smoothing": "none",
        "hold_seconds": 0.0,
        "hold_steps": 1,
        "release_seconds": 0.0,
    }
    return Rule(label, **{**plain, **values})


def push(detector: Detector, seconds: float, fall: float, jump: float = 0.0, full: bool = True):
    return detector.push(seconds, np.array([1 - fall - jump, fall, jump]), full)


def told(changes: list[Change], seconds: float) -> list[tuple]:
    """Return what the changes at a time say: (time, kind, label, start, confirmation or end)."""
    return [
        (
            round(seconds, 6),
            each.kind,
            each.event.label,
            round(each.event.started, 6),
            round(each.event.confirmed if each.kind == "confirmed" else each.event.ended, 6),
        )
        for each in changes
    ]


def run(detector: Detector, values, rate: float = 10.0, first: float = 0.0) -> list[tuple]:
    """Push values of the class `fall`; None is a step without a full window."""
    found = []
    for step, value in enumerate(values):
        seconds = first + step / rate
        found += told(push(detector, seconds, value or 0.99, full=value is not None), seconds)
    return found


H, M, L = 0.9, 0.6, 0.1  # above on, between off and on, below off
CASES = {
    "nothing": ({}, [L] * 20, []),
    "between the thresholds nothing begins": ({}, [L, M, M, M, L], []),
    "exactly at the thresholds": (
        {},
        [0.8, 0.5, 0.499],
        [(0.0, "confirmed", "fall", 0.0, 0.0), (0.2, "ended", "fall", 0.0, 0.1)],
    ),
    "flicker between the thresholds is one event": (
        {},
        [L, H, M, H, M, M, H, M, L, L],
        [(0.1, "confirmed", "fall", 0.1, 0.1), (0.8, "ended", "fall", 0.1, 0.7)],
    ),
    "flicker below off is one event if it is shorter than the release": (
        {"release_seconds": 0.3},
        [H, L, L, L, H, L, L, L, L, L],
        [(0.0, "confirmed", "fall", 0.0, 0.0), (0.8, "ended", "fall", 0.0, 0.4)],
    ),
    "a step between the thresholds starts the release anew": (
        {"release_seconds": 0.3},
        [H, L, L, L, M, L, L, L, L],
        [(0.0, "confirmed", "fall", 0.0, 0.0), (0.8, "ended", "fall", 0.0, 0.4)],
    ),
    "hold in seconds": (
        {"hold_seconds": 0.3},
        [L, H, H, H, H, L],
        [(0.4, "confirmed", "fall", 0.1, 0.4), (0.5, "ended", "fall", 0.1, 0.4)],
    ),
    "hold in steps": (
        {"hold_steps": 6},
        [H] * 6 + [L],
        [(0.5, "confirmed", "fall", 0.0, 0.5), (0.6, "ended", "fall", 0.0, 0.5)],
    ),
    "both holds: the steps are the longer one": (
        {"hold_steps": 5, "hold_seconds": 0.2},
        [H] * 5,
        [(0.4, "confirmed", "fall", 0.0, 0.4)],
    ),
    "both holds: the seconds are the longer one": (
        {"hold_steps": 2, "hold_seconds": 0.4},
        [H] * 5,
        [(0.4, "confirmed", "fall", 0.0, 0.4)],
    ),
    "a hold that is interrupted begins anew": (
        {"hold_seconds": 0.3},
        [H, H, H, M, H, H, H, H],
        [(0.7, "confirmed", "fall", 0.4, 0.7)],
    ),
    "five positive frames are too few, again and again": (
        {"hold_steps": 6, "on": 0.5},
        ([H] * 5 + [L]) * 4,
        [],
    ),
    "steps without a full window begin nothing": (
        {"hold_seconds": 0.2},
        [None] * 8 + [H, H, H],
        [(1.0, "confirmed", "fall", 0.8, 1.0)],
    ),
    "two events": (
        {},
        [H, L, H, L],
        [
            (0.0, "confirmed", "fall", 0.0, 0.0),
            (0.1, "ended", "fall", 0.0, 0.0),
            (0.2, "confirmed", "fall", 0.2, 0.2),
            (0.3, "ended", "fall", 0.2, 0.2),
        ],
    ),
}


@pytest.mark.parametrize("first", [0.0, 12345.6], ids=["file", "clock"])
@pytest.mark.parametrize("case", CASES)
def test_a_table_of_probabilities(case: str, first: float):
    values, probabilities, expected = CASES[case]
    found = run(Detector([rule(**values)], LABELS), probabilities, first=first)
    moved = [(first + a, kind, label, first + b, first + c) for a, kind, label, b, c in expected]
    assert found == [pytest.approx(each) for each in moved]


def test_a_hold_is_a_time_at_any_rate_of_steps():
    for rate in (2.0, 7.0, 30.0, 100.0):
        found = run(Detector([rule(hold_seconds=1.0)], LABELS), [H] * 300, rate=rate)
        (confirmed,) = found
        assert 1.0 <= confirmed[0] + 1e-6 < 1.0 + 1 / rate, rate


def test_peak_mean_and_steps_of_an_event():
    detector = Detector([rule(release_seconds=0.2)], LABELS)
    run(detector, [0.3, 0.8, 0.9, 0.4, 0.6])
    (event,) = detector.open_events
    assert (event.peak, event.peak_at, event.steps) == (0.9, pytest.approx(0.2), 4)
    assert event.mean == pytest.approx((0.8 + 0.9 + 0.4 + 0.6) / 4)
    run(detector, [0.1, 0.2, 0.3], first=0.5)  # after its end: no part of it
    assert event.ended == pytest.approx(0.4)
    assert (event.steps, event.mean) == (4, pytest.approx((0.8 + 0.9 + 0.4 + 0.6) / 4))


def test_two_classes_at_once_do_not_mix():
    rules = [rule("fall", hold_seconds=0.2), rule("jump", on=0.4, off=0.3)]
    detector = Detector(rules, LABELS)
    falls = [0.0, 0.5, 0.85, 0.85, 0.85, 0.85, 0.1]
    jumps = [0.0, 0.45, 0.1, 0.1, 0.1, 0.1, 0.5]
    found = []
    for step, values in enumerate(zip(falls, jumps, strict=True)):
        found += told(push(detector, step / 10, *values), step / 10)
    assert found == [
        (0.1, "confirmed", "jump", 0.1, 0.1),
        (0.2, "ended", "jump", 0.1, 0.1),
        (0.4, "confirmed", "fall", 0.2, 0.4),
        (0.6, "ended", "fall", 0.2, 0.5),
        (0.6, "confirmed", "jump", 0.6, 0.6),
    ]
    assert detector.smoothed == {"fall": 0.1, "jump": 0.5}


def test_smoothing_keeps_a_single_high_step_from_an_event():
    values = [L] * 10 + [1.0] + [L] * 10
    assert run(Detector([rule()], LABELS), values)
    for kind in ("ema", "median"):
        smooth = rule(smoothing=kind, smoothing_seconds=0.5)
        assert run(Detector([smooth], LABELS), values) == [], kind


def test_an_early_window_leaves_nothing_in_the_average():
    detector = Detector([rule(smoothing="ema", smoothing_seconds=5.0)], LABELS)
    assert run(detector, [None] * 10) == []
    assert detector.smoothed["fall"] == pytest.approx(0.99)  # shown
    assert run(detector, [L], first=1.0) == []
    assert detector.smoothed["fall"] == L


def test_after_a_gap_the_hold_begins_anew():
    detector = Detector([rule(hold_seconds=1.0, smoothing="ema")], LABELS)
    assert run(detector, [H] * 10) == []
    assert detector.restart(6.0) == []
    assert detector.smoothed == {}
    assert run(detector, [H] * 10, first=6.0) == []
    assert run(detector, [H], first=7.0) == [(7.0, "confirmed", "fall", 6.0, 7.0)]


def bridged(bridge_seconds: float = 30.0, **values) -> Detector:
    """Return a detector with an open event and its last step at 0.9, of which 0.8 is above off."""
    detector = Detector([rule(release_seconds=1.0, **values)], LABELS, bridge_seconds)
    assert len(run(detector, [H] * 9 + [L])) == 1
    return detector


def test_an_open_event_goes_on_after_a_gap():
    detector = bridged()
    assert detector.restart(20.0) == []
    assert run(detector, [None, None, L, M, M], first=20.0) == []  # not yet at on again
    assert run(detector, [H, M, M], first=30.9) == []  # 30 s after the last step
    (event,) = detector.open_events
    assert (event.started, event.ended) == (0.0, None)
    assert event.steps == 16
    assert detector.tick(32.0) == []
    assert run(detector, [L] * 12, first=31.5) == [(32.5, "ended", "fall", 0.0, 31.1)]


def test_an_open_event_ends_before_the_gap_if_the_bridge_runs_out():
    expected = (0.0, 0.8, 9)
    by_tick, by_step, at_once = bridged(), bridged(), bridged()
    assert by_tick.restart(5.0) == []
    assert by_tick.tick(30.9) == []
    ends = [by_tick.tick(31.0)]
    assert by_tick.tick(32.0) == []
    assert by_step.restart(5.0) == []
    assert run(by_step, [M] * 250, first=5.0) == []
    # The class comes back too late, so this is the next event.
    late = push(by_step, 31.0, H)
    assert [each.kind for each in late] == ["ended", "confirmed"]
    assert late[1].event.started == 31.0
    ends += [late[:1], at_once.restart(60.0)]
    for changes in ends:
        (change,) = changes
        event = change.event
        assert (event.started, event.ended, event.steps) == pytest.approx(expected)


def test_without_a_bridge_an_event_ends_at_the_gap():
    (change,) = bridged(bridge_seconds=0.0).restart(3.0)
    assert change.event.ended == pytest.approx(0.8)


def test_a_second_gap_does_not_prolong_the_bridge():
    detector = bridged()
    detector.restart(20.0)
    run(detector, [M] * 10, first=20.0)
    detector.restart(25.0)
    assert detector.tick(30.8) == []
    assert [each.kind for each in detector.tick(31.0)] == ["ended"]


def test_steps_that_stop_without_a_restart_are_a_gap():
    detector = bridged(bridge_seconds=0.0)
    assert detector.tick(1.8) == []  # less than a second after the last step
    assert [each.kind for each in detector.tick(2.0)] == ["ended"]


def test_slow_steps_are_no_gap():
    detector = Detector([rule()], LABELS, bridge_seconds=0.0)
    run(detector, [H] * 5, rate=0.5)
    assert detector.tick(8.0 + 5.9) == []
    assert [each.kind for each in detector.tick(8.0 + 6.1)] == ["ended"]


def test_a_window_that_is_not_full_again_is_a_gap():
    detector = Detector([rule(hold_seconds=0.5)], LABELS)
    assert run(detector, [H] * 4 + [None] + [H] * 5) == []


def test_the_end_of_the_steps_ends_events():
    detector = bridged()
    (change,) = detector.finish()
    assert (change.kind, change.event.ended) == ("ended", pytest.approx(0.8))
    assert detector.finish() == []
    detector = Detector([rule(hold_seconds=1.0)], LABELS)
    run(detector, [H] * 5)
    assert detector.finish() == []  # an event that was not confirmed is none


def test_a_probability_that_is_no_number_does_no_harm():
    detector = Detector([rule(smoothing="ema", smoothing_seconds=0.5)], LABELS)
    push(detector, 0.0, L)
    push(detector, 0.1, float("nan"))
    push(detector, 0.2, L)
    assert detector.smoothed == {"fall": L}


def test_new_rules_act_at_the_next_step():
    detector = Detector([rule(on=0.95)], LABELS)
    assert run(detector, [H] * 3) == []
    detector.set_rules([rule(on=0.85)])
    assert run(detector, [H], first=0.3) == [(0.3, "confirmed", "fall", 0.3, 0.3)]
    detector.set_rules([rule(on=0.95, off=0.9)])  # at 0.9 it still goes on
    assert run(detector, [H], first=0.4) == []
    detector.set_rules([rule(on=0.95, off=0.91)])
    assert run(detector, [H], first=0.5) == [(0.5, "ended", "fall", 0.3, 0.4)]


def test_new_smoothing_goes_on_from_the_value():
    detector = Detector([rule(smoothing="ema", smoothing_seconds=1.0)], LABELS)
    run(detector, [L] * 10)
    for smooth in ({"smoothing": "ema", "smoothing_seconds": 2.0}, {"smoothing": "median"}):
        detector.set_rules([rule(**smooth)])
        assert detector.smoothed["fall"] == pytest.approx(L)


def test_a_class_that_loses_its_rule_ends_its_event_first():
    detector = Detector([rule("fall"), rule("jump")], LABELS)
    run(detector, [H])
    detector.set_rules([rule("jump")])
    assert [event.label for event in detector.open_events] == ["fall"]
    assert run(detector, [M, L], first=0.1) == [(0.2, "ended", "fall", 0.0, 0.1)]
    assert run(detector, [H], first=0.3) == []
    assert set(detector.smoothed) == {"jump"}


def test_rules_for_unknown_or_repeated_classes_are_refused():
    with pytest.raises(ValueError, match="swim: no such class"):
        Detector([rule("swim")], LABELS)
    with pytest.raises(ValueError, match="fall: there is already a rule"):
        Detector([rule(), rule()], LABELS)
