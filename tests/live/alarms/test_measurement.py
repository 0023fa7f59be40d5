"""False alarms, recall and delay of recorded probabilities."""

import numpy as np
import pytest

from clips.manifest.segments import Segment
from live.alarms.event import Event
from live.alarms.measurement import (
    Clip,
    Recording,
    Watching,
    false_alarms,
    recall,
    replay,
    replay_with,
)
from live.alarms.proposal import THRESHOLDS, lowered
from live.alarms.rule import Rule

LABELS = ("background", "fall")
WATCHING = Watching(LABELS)
RULE = Rule("fall", 0.8, 0.5, "none", hold_seconds=0.3, release_seconds=0.5)


def recording(values, rate: float = 10.0, early: int = 0, seconds=None) -> Recording:
    falls = np.asarray(values, float)
    times = np.arange(len(falls)) / rate if seconds is None else np.asarray(seconds, float)
    both = np.stack([1 - falls, falls], axis=1)
    return Recording("a.mp4", times, both, np.arange(len(falls)) >= early)


def with_events(*times: tuple[float, float], length: float = 60.0) -> Recording:
    """Return a recording with probability 0.9 from one second up to another, else 0.1."""
    steps = np.arange(round(length * 10)) / 10
    high = np.zeros(len(steps), bool)
    for begin, end in times:
        high |= (steps >= begin - 1e-6) & (steps < end - 1e-6)
    return recording(np.where(high, 0.9, 0.1))


def marks(events: list[Event]) -> list[tuple]:
    return [(each.started, each.confirmed, each.ended, each.peak) for each in events]


def clip(done, start: float = 0.0, end: float = np.inf) -> Clip:
    return Clip(Segment("a.mp4", "fall", "test", "a", start, end), done)


def test_events_of_a_recording():
    done = replay(with_events((1, 2), (10, 10.2), (20, 25)), [RULE], WATCHING)
    times = [(event.started, event.confirmed, event.ended) for event in done.events]
    assert times == [pytest.approx((1, 1.3, 1.9)), pytest.approx((20, 20.3, 24.9))]
    assert done.watched == pytest.approx(59.9)


def test_time_without_a_full_window_or_without_steps_is_not_watched():
    values = np.full(100, 0.9)
    assert replay(recording(values, early=20), [RULE], WATCHING).watched == pytest.approx(7.9)
    seconds = np.arange(100) / 10 + np.where(np.arange(100) >= 50, 600.0, 0.0)
    assert recording(values, seconds=seconds).watched(1.0) == pytest.approx(9.8)


def test_a_hold_is_not_filled_across_a_gap():
    seconds = [0.0, 0.1, 0.2, 9.0, 9.1, 9.2]
    assert replay(recording([0.9] * 6, seconds=seconds), [RULE], WATCHING).events == []


def test_messages_are_held_back_by_the_cool_down_of_their_video():
    done = replay(with_events((1, 2), (10, 11), (50, 51)), [RULE], WATCHING)
    rule = Rule(**{**vars(RULE), "cool_down_seconds": 30.0})
    counted = false_alarms([done, done], [rule])["fall"]
    assert (counted.events, counted.messages) == (6, 4)


@pytest.mark.parametrize("kind", ["none", "median", "ema"])
@pytest.mark.parametrize("seed", range(2))
def test_a_sweep_has_the_events_of_the_detector(kind: str, seed: int):
    random = np.random.default_rng(seed)
    values = np.clip(np.cumsum(random.normal(0, 0.15, 1000)) % 2, 0, 2)
    values = np.where(values > 1, 2 - values, values)  # a walk between 0 and 1
    steps = random.choice([0.05, 0.1, 0.2, 5.0, 50.0], 1000, p=[0.3, 0.4, 0.28, 0.01, 0.01])
    made = recording(values, seconds=np.cumsum(steps))
    made.full[random.integers(0, 1000, 10)] = False
    made.full[:16] = False
    smooth = Rule("fall", 0.7, 0.4, kind, 0.4, hold_seconds=0.2, hold_steps=2, release_seconds=0.3)
    done = replay(made, [smooth], WATCHING)
    found = 0
    for on in THRESHOLDS[::9]:
        tried = lowered(smooth, on)
        expected = replay(made, [tried], WATCHING).events
        assert marks(replay_with(done, tried, WATCHING)) == marks(expected), on
        found += len(expected)
    assert found > 10


def test_recall_and_delay():
    done = replay(with_events((5, 9), (30, 31)), [RULE], WATCHING)
    clips = [clip(done, 4.5, 9.0), clip(done, 15.0, 20.0), clip(done, 0.0, 0.2)]
    measured = recall(clips, [done], RULE)
    assert (measured.hits, measured.clips, measured.too_short) == (1, 2, 1)
    assert measured.delays == (pytest.approx(5.3 - 4.5),)
    assert measured.elsewhere == 1  # at 30 s, in no clip


def test_a_clip_is_too_short_if_not_even_a_perfect_model_could_alert():
    done = replay(recording([0.1] * 20, early=15), [RULE], WATCHING)
    assert clip(done).is_long_enough(RULE)
    assert not clip(done).is_long_enough(Rule(**{**vars(RULE), "hold_seconds": 0.5}))
    assert not clip(done).is_long_enough(Rule(**{**vars(RULE), "hold_steps": 6}))


def test_an_alarm_that_began_before_its_clip_has_no_negative_delay():
    done = replay(with_events((5, 9)), [RULE], WATCHING)
    assert recall([clip(done, 7.0, 12.0)], [done], RULE).delays == (0.0,)
