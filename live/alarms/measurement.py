"""Measurement of rules on recorded probabilities: false alarms, recall and delay.

The events are those of `live.alarms.detector.Detector`, which runs over the recording as it does
over a camera.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clips.manifest.segments import Segment
from live.alarms.cool_down import CoolDown
from live.alarms.detector import Detector
from live.alarms.event import Event
from live.alarms.rule import Rule
from live.alarms.tracker import Tracker

# Steps further apart than this many usual intervals, and than the gap's seconds, were not seen.
_GAP_STEPS = 3


@dataclass(frozen=True, eq=False)
class Recording:
    """The probabilities at the steps of one video.

    Attributes:
        name: Name of the video.
        seconds: Time of each step: (N,).
        probabilities: Probabilities of the classes, 0 to 1: (N, K).
        full: Whether the window of the step is full: (N,).
    """

    name: str
    seconds: np.ndarray
    probabilities: np.ndarray
    full: np.ndarray

    def gaps(self, gap_seconds: float) -> np.ndarray:
        """Return whether time that was not recorded lies before each step: bool (N,).

        Args:
            gap_seconds: Least length of a gap; three steps, if that is more.
        """
        intervals = np.diff(self.seconds)
        usual = float(np.median(intervals)) if len(intervals) else 0.0
        long = intervals > max(gap_seconds, _GAP_STEPS * usual)
        return np.concatenate([[False], long])

    def watched(self, gap_seconds: float) -> float:
        """Return the seconds in which an event could have begun: between full windows."""
        both = self.full[1:] & self.full[:-1] & ~self.gaps(gap_seconds)[1:]
        return float(np.diff(self.seconds)[both].sum())


@dataclass(frozen=True)
class Watching:
    """Settings of a detector that are not part of a rule.

    Attributes:
        labels: Names of the K classes.
        bridge_seconds: Time that an open event waits after a gap.
        gap_seconds: Least length of a gap.
    """

    labels: tuple[str, ...]
    bridge_seconds: float = 30.0
    gap_seconds: float = 1.0


@dataclass(frozen=True, eq=False)
class Replay:
    """What a detector made of a recording.

    Attributes:
        recording: The recording.
        events: Confirmed events of all classes, in the order of their confirmation.
        smoothed: Smoothed probability of each class with a rule at every step: (N,) each.
        gaps: Whether the detector began anew before each step: bool (N,).
        watched: Seconds in which an event could have begun.
    """

    recording: Recording
    events: list[Event]
    smoothed: dict[str, np.ndarray]
    gaps: np.ndarray
    watched: float

    def events_of(self, label: str) -> list[Event]:
        """Return the events of one class."""
        return [event for event in self.events if event.label == label]

    @cached_property
    def begins_anew(self) -> np.ndarray:
        """Whether a tracker begins anew at each step, bool (N,): after a gap, and where the window
        is no longer full."""
        full = self.recording.full
        lost = ~full & np.concatenate([[False], full[:-1]])
        begins: np.ndarray = lost | self.gaps
        return begins


def replay(recording: Recording, rules: Sequence[Rule], watching: Watching) -> Replay:
    """Run a detector over a recording.

    Args:
        recording: The recording.
        rules: Rules of the classes.
        watching: Settings of the detector.
    """
    detector = Detector(rules, watching.labels, watching.bridge_seconds)
    gaps = recording.gaps(watching.gap_seconds)
    changes = []
    smoothed = {rule.label: np.zeros(len(gaps)) for rule in rules}
    for step, seconds in enumerate(recording.seconds.tolist()):
        if gaps[step]:
            changes += detector.restart(seconds)
        changes += detector.push(seconds, recording.probabilities[step], bool(recording.full[step]))
        for label, value in detector.smoothed.items():
            smoothed[label][step] = value
    changes += detector.finish()
    events = [change.event for change in changes if change.kind == "confirmed"]
    return Replay(recording, events, smoothed, gaps, recording.watched(watching.gap_seconds))


def replay_with(done: Replay, rule: Rule, watching: Watching) -> list[Event]:
    """Return the events of one class by a rule with other thresholds or another hold.

    The smoothed probabilities are those of the replay: smoothing has to be the same. The means of
    the events leave out steps that no threshold can depend on.

    Args:
        done: A replay with a rule for the class.
        rule: Rule to try.
        watching: Settings of the detector.
    """
    recording = done.recording
    seconds, smoothed = recording.seconds, done.smoothed[rule.label]
    tracker = Tracker(rule, watching.bridge_seconds)
    changes = []
    for step in _steps_that_matter(done, rule).tolist():
        at = float(seconds[step])
        if done.begins_anew[step]:
            changes += tracker.restart(at)
        if recording.full[step]:
            changes += tracker.push(at, float(smoothed[step]))
    changes += tracker.finish()
    return [change.event for change in changes if change.kind == "confirmed"]


def _steps_that_matter(done: Replay, rule: Rule) -> np.ndarray:
    """Return the indices of the steps at or above `off`, and of those after them up to the end of
    the release. At all others a tracker has no event, or one that waits."""
    seconds = done.recording.seconds
    hot = np.flatnonzero(done.recording.full & (done.smoothed[rule.label] >= rule.off))
    matter = np.zeros(len(seconds) + 1, int)
    after = np.minimum(hot + 1, len(seconds) - 1)
    # Up to and including the first step at which the release is over, and every later gap's mark.
    last = np.searchsorted(seconds, seconds[after] + rule.release_seconds + 1e-3) + 1
    np.add.at(matter, hot, 1)
    np.add.at(matter, np.minimum(last, len(seconds)), -1)
    kept = np.cumsum(matter[:-1]) > 0
    kept |= done.begins_anew
    return np.flatnonzero(kept)


@dataclass(frozen=True)
class FalseAlarms:
    """False alarms of one class, or of all.

    Attributes:
        events: Number of confirmed events.
        messages: Number of them whose message no cool-down would hold back.
    """

    events: int
    messages: int


def false_alarms(replays: Iterable[Replay], rules: Sequence[Rule]) -> dict[str, FalseAlarms]:
    """Return the false alarms of each class in videos without events.

    Args:
        replays: Replays of the videos.
        rules: Rules of the classes.
    """
    cool_downs = {rule.label: rule.cool_down_seconds for rule in rules}
    events, messages = dict.fromkeys(cool_downs, 0), dict.fromkeys(cool_downs, 0)
    for each in replays:
        cool_down = CoolDown()
        for event in each.events:
            assert event.confirmed is not None
            events[event.label] += 1
            if cool_down.allows(event.label, cool_downs[event.label], event.confirmed):
                cool_down.sent(event.label, event.confirmed)
                messages[event.label] += 1
    return {label: FalseAlarms(events[label], messages[label]) for label in cool_downs}


@dataclass(frozen=True)
class Clip:
    """A labeled clip of an alarm class, in a replayed video.

    Attributes:
        segment: Part of the video, with its label.
        replay: Replay of the video.
    """

    segment: Segment
    replay: Replay

    def found(self, events: Iterable[Event]) -> Event | None:
        """Return the first event that lies in the clip, in whole or in part."""
        for event in events:
            ended = np.inf if event.ended is None else event.ended
            if event.started < self.segment.end and ended >= self.segment.start:
                return event
        return None

    def delay(self, event: Event) -> float:
        """Return the seconds from the start of the clip to the confirmation of an event."""
        assert event.confirmed is not None
        return max(0.0, event.confirmed - self.segment.start)

    def is_long_enough(self, rule: Rule) -> bool:
        """Return whether a perfect model could raise the alarm: probability 1 in the whole clip."""
        recording = self.replay.recording
        tracker = Tracker(rule, 0.0)
        for seconds, full in zip(recording.seconds.tolist(), recording.full, strict=True):
            if full and self.segment.holds(seconds) and tracker.push(seconds, 1.0):
                return True
        return False


@dataclass(frozen=True)
class Recall:
    """Recall of one class.

    Attributes:
        clips: Number of clips that are long enough for the rule.
        too_short: Number of the others, which are not counted.
        delays: Seconds from the start of each clip that was found to the confirmation.
        elsewhere: Number of events outside of all clips of the class.
    """

    clips: int
    too_short: int
    delays: tuple[float, ...]
    elsewhere: int

    @property
    def hits(self) -> int:
        """Number of clips with an event."""
        return len(self.delays)


def recall(clips: Sequence[Clip], replays: Sequence[Replay], rule: Rule) -> Recall:
    """Return the recall of one class.

    Args:
        clips: Test clips of the class.
        replays: Replays of all test videos.
        rule: Rule of the class.
    """
    long_enough = [clip for clip in clips if clip.is_long_enough(rule)]
    found = [(clip, clip.found(clip.replay.events_of(rule.label))) for clip in long_enough]
    delays = tuple(clip.delay(event) for clip, event in found if event)
    elsewhere = 0
    for each in replays:
        mine = [clip for clip in clips if clip.replay is each]
        elsewhere += sum(
            not any(clip.found([event]) for clip in mine) for event in each.events_of(rule.label)
        )
    return Recall(len(long_enough), len(clips) - len(long_enough), delays, elsewhere)
