"""Proposed thresholds, and rates that the hours shown cannot support."""

import math

import pytest

from live.alarms.measurement import Watching, replay
from live.alarms.proposal import THRESHOLDS, Sweep, propose, sweep
from live.alarms.rule import Rule
from tests.live.alarms.test_measurement import LABELS, RULE, clip, recording

WATCHING = Watching(LABELS)


def swept(false_alarm_below: list[float], found_up_to: list[float], label: str = "fall") -> Sweep:
    """Return a sweep: each false alarm and each clip vanishes above its own threshold."""
    return Sweep(
        Rule(label, 0.8, 0.5),
        tuple(sum(on <= each for each in false_alarm_below) for on in THRESHOLDS),
        tuple(sum(on <= each for each in found_up_to) for on in THRESHOLDS),
        len(found_up_to),
    )


def test_the_middle_between_false_alarms_and_missed_clips():
    proposal = propose({"fall": swept([0.3, 0.5], [0.7, 0.9, 0.9])}, hours=40.0, wanted=0.1)
    choice = proposal.choices["fall"]
    assert proposal.supported
    assert choice.on == pytest.approx(0.61, abs=0.01)
    assert (choice.false_alarms, choice.recall, choice.off) == (0, 1.0, 0.5)
    assert proposal.upper == pytest.approx(-math.log(0.05) / 40)


def test_clips_are_given_up_for_the_wanted_rate():
    one = swept([0.8], [0.7, 0.9])
    assert propose({"fall": one}, hours=40.0, wanted=0.1).choices["fall"].hits == 1
    # 50 h with one false alarm: below 4.74 / 50 per hour.
    more = propose({"fall": one}, hours=50.0, wanted=0.1)
    assert (more.supported, more.false_alarms, more.choices["fall"].hits) == (True, 1, 2)


def test_classes_share_the_false_alarms():
    sweeps = {"fall": swept([0.8], [0.5, 0.9]), "jump": swept([0.8], [0.5, 0.5, 0.9], "jump")}
    proposal = propose(sweeps, hours=50.0, wanted=0.1)
    assert proposal.supported
    # One false alarm is allowed: it is worth 1/2 of the clips of fall or 2/3 of those of jump.
    assert [each.false_alarms for each in proposal.choices.values()] == [0, 1]


def test_off_follows_a_lower_on():
    choice = propose({"fall": swept([], [0.2])}, hours=40.0, wanted=0.1).choices["fall"]
    assert choice.on == choice.off == pytest.approx(0.15, abs=0.01)


def test_too_few_hours_are_refused():
    proposal = propose({"fall": swept([0.5], [0.9])}, hours=29.9, wanted=0.1)
    assert not proposal.supported
    assert proposal.hours_needed == pytest.approx(29.957, abs=1e-3)
    assert propose({"fall": swept([0.5], [0.9])}, hours=30.0, wanted=0.1).supported
    choice = proposal.choices["fall"]  # nevertheless the best that was seen
    assert (choice.false_alarms, choice.hits) == (0, 1)


def test_false_alarms_at_every_threshold_are_refused():
    proposal = propose({"fall": swept([1.0] * 9, [0.9])}, hours=100.0, wanted=0.01)
    assert not proposal.supported
    assert proposal.false_alarms == 9
    assert proposal.upper > 0.09


def test_a_sweep_counts_both():
    quiet, loud = [0.05] * 50, [0.6] * 50
    video = replay(recording(quiet + loud + quiet), [RULE], WATCHING)
    test = replay(recording([0.85] * 30), [RULE], WATCHING)
    counted = sweep(RULE, [video], [clip(test)], WATCHING)
    assert [int(on <= 0.6) for on in THRESHOLDS] == list(counted.false_alarms)
    assert [int(on <= 0.85) for on in THRESHOLDS] == list(counted.hits)
