"""The events of one class: two thresholds, a hold before an event and a release after it."""

from live.alarms.event import Change, Event
from live.alarms.rule import Rule

# A step every tenth of a second is at 0.30000000000000004: durations are compared with a tolerance.
_TOLERANCE = 1e-6

# Without word of a gap, steps have stopped when none came for this time or for three intervals.
_GAP_SECONDS, _GAP_STEPS = 1.0, 3


class Tracker:
    """Follows the smoothed probability of one class.

    An event begins at a step at or above `on`. It is confirmed when all steps were at or above `on`
    for the hold; a lower step before that discards it. A confirmed event ends when all steps were
    below `off` for the release.

    Attributes:
        rule: Rule of the class. It may be replaced at any time; a confirmed event goes on.
    """

    def __init__(self, rule: Rule, bridge_seconds: float) -> None:
        """Begin without an event.

        Args:
            rule: Rule of the class.
            bridge_seconds: Time after the last step before a gap in which a confirmed event waits
                for its class to reach `on` again.
        """
        self.rule = rule
        self._bridge_seconds = bridge_seconds
        self._event: Event | None = None
        self._held = 0  # steps in a row at or above on
        self._last_step = 0.0
        self._interval = 0.0  # from the step before to the last one; 0 if a gap lies between
        self._after_gap = True
        self._last_above = 0.0  # the last step at or above off
        self._below_since: float | None = None
        self._bridge_until: float | None = None
        # Steps below off are part of the event if it rises again, and not if it ends.
        self._pending: list[float] = []

    @property
    def open_event(self) -> Event | None:
        """The confirmed event that has not ended."""
        return self._event if self._event and self._event.confirmed is not None else None

    def push(self, seconds: float, value: float) -> list[Change]:
        """Return what changes at a step.

        Args:
            seconds: Time of the step.
            value: Smoothed probability, 0 to 1.
        """
        changes = self._end_bridge(seconds)
        self._interval = 0.0 if self._after_gap else seconds - self._last_step
        self._last_step, self._after_gap = seconds, False
        event = self._event
        if event and event.confirmed is not None:
            return changes + self._follow(event, seconds, value)
        return changes + self._hold(seconds, value)

    def restart(self, seconds: float) -> list[Change]:
        """Begin anew after time that nobody saw.

        An event that is not confirmed is discarded. A confirmed one stays open, and goes on if its
        class reaches `on` before the bridge ends. Otherwise it ended before the gap.

        Args:
            seconds: Present time.
        """
        self._held, self._below_since, self._after_gap = 0, None, True
        if self.open_event is None:
            self._event = None
        elif self._bridge_until is None:
            self._bridge_until = self._last_step + self._bridge_seconds
        return self._end_bridge(seconds)

    def tick(self, seconds: float) -> list[Change]:
        """Return what changes as time passes without a step.

        Args:
            seconds: Present time.
        """
        gap = max(_GAP_SECONDS, _GAP_STEPS * self._interval)
        if self._bridge_until is None and seconds - self._last_step > gap + _TOLERANCE:
            return self.restart(seconds)
        return self._end_bridge(seconds)

    def finish(self) -> list[Change]:
        """Return the end of the open event."""
        return self._end() if self.open_event else []

    def _hold(self, seconds: float, value: float) -> list[Change]:
        if value < self.rule.on:
            self._event, self._held = None, 0
            return []
        event = self._event
        if event is None:
            event = self._event = Event(self.rule.label, seconds)
        self._held += 1
        self._add(event, seconds, value)
        long_enough = seconds - event.started >= self.rule.hold_seconds - _TOLERANCE
        if not long_enough or self._held < self.rule.hold_steps:
            return []
        event.confirmed = seconds
        return [Change("confirmed", event)]

    def _follow(self, event: Event, seconds: float, value: float) -> list[Change]:
        bridging = self._bridge_until is not None
        if value >= (self.rule.on if bridging else self.rule.off):
            self._bridge_until = self._below_since = None
            self._add(event, seconds, value)
            return []
        self._pending.append(value)
        if bridging:
            return []
        if self._below_since is None:
            self._below_since = seconds
        released = seconds - self._below_since >= self.rule.release_seconds - _TOLERANCE
        return self._end() if released else []

    def _add(self, event: Event, seconds: float, value: float) -> None:
        event.total += sum(self._pending) + value
        event.steps += len(self._pending) + 1
        self._pending.clear()
        if event.steps == 1 or value > event.peak:
            event.peak, event.peak_at = value, seconds
        self._last_above = seconds

    def _end_bridge(self, seconds: float) -> list[Change]:
        over = self._bridge_until is not None and seconds > self._bridge_until + _TOLERANCE
        return self._end() if over else []

    def _end(self) -> list[Change]:
        event = self._event
        assert event is not None  # a bridge and a release belong to an open event
        event.ended = self._last_above
        self._event = self._below_since = self._bridge_until = None
        self._held = 0
        self._pending.clear()
        return [Change("ended", event)]
