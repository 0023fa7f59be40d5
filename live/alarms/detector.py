"""Detector of alarms: probabilities at the steps of one camera in, changes of events out."""

from collections.abc import Iterable, Sequence

import numpy as np

from live.alarms.event import Change, Event
from live.alarms.rule import Rule
from live.alarms.smoothing import Smoother, smoother
from live.alarms.tracker import Tracker


class Detector:
    """Smooths the probabilities of the classes with a rule, and follows their events.

    It has no clock: the caller gives all times, in seconds of one clock that does not go back. It
    belongs to one thread, which also calls `set_rules`.
    """

    def __init__(
        self, rules: Iterable[Rule], labels: Sequence[str], bridge_seconds: float = 30.0
    ) -> None:
        """Begin without an event.

        Args:
            rules: Rules, at most one per class. Classes without a rule have no events.
            labels: Names of the K classes, in the order of the probabilities.
            bridge_seconds: Time after the last step before a gap in which an open event waits for
                its class to reach `on` again.

        Raises:
            ValueError: A rule is for a class that does not exist, or two are for one class.
        """
        self._labels, self._bridge_seconds = tuple(labels), bridge_seconds
        self._classes: dict[str, _Class] = {}
        self._was_full = False
        self.set_rules(rules)

    @property
    def smoothed(self) -> dict[str, float]:
        """Smoothed probability of each class with a rule; empty before the first step and
        after a restart."""
        return {
            label: each.value for label, each in self._classes.items() if each.value is not None
        }

    @property
    def open_events(self) -> tuple[Event, ...]:
        """The confirmed events that have not ended."""
        events = (each.tracker.open_event for each in self._classes.values())
        return tuple(event for event in events if event)

    def set_rules(self, rules: Iterable[Rule]) -> None:
        """Replace the rules, from the next step on.

        Open events go on, also those of classes without a rule from now on: these end by their last
        rule.

        Args:
            rules: Rules, at most one per class.

        Raises:
            ValueError: A rule is for a class that does not exist, or two are for one class.
        """
        wanted: dict[str, Rule] = {}
        for rule in rules:
            if rule.label not in self._labels or rule.label in wanted:
                wrong = "there is already a rule" if rule.label in wanted else "no such class"
                raise ValueError(f"{rule.label}: {wrong}")
            wanted[rule.label] = rule
        before, self._classes = self._classes, {}
        for label, rule in wanted.items():
            kept = before.pop(label, None)
            self._classes[label] = kept or _Class(
                self._labels.index(label), rule, self._bridge_seconds
            )
            self._classes[label].set_rule(rule)
        for label, left in before.items():
            if left.tracker.open_event:
                left.ends = True
                self._classes[label] = left

    def push(self, seconds: float, probabilities: np.ndarray, full: bool = True) -> list[Change]:
        """Return what changes at a step.

        A step whose window is not full shows in `smoothed`, and nothing else: no event begins, goes
        on or ends by it. Smoothing begins anew after it. The same holds if a probability is not a
        number.

        Args:
            seconds: Time of the step.
            probabilities: Probabilities of the classes, 0 to 1: (K,).
            full: Whether the window consists of steps that were seen since the last restart.
        """
        values = [float(value) for value in probabilities]
        if not full or not np.isfinite(values).all():
            changes = self.restart(seconds) if self._was_full else self.tick(seconds)
            for each in self._classes.values():
                each.show(seconds, values[each.index])
            return changes
        changes = []
        for each in self._active():
            if not self._was_full:
                each.begin_anew()
            changes += each.push(seconds, values[each.index])
        self._was_full = True
        return self._without_ended(changes)

    def restart(self, seconds: float) -> list[Change]:
        """Begin anew after time that nobody saw, such as a reconnect.

        Smoothing and holds begin anew. Open events go on if their class reaches `on` again before
        the bridge is over; otherwise they ended with their last step at or above `off` before the
        gap.

        Args:
            seconds: Present time.
        """
        self._was_full = False
        changes = []
        for each in self._active():
            each.begin_anew()
            changes += each.tracker.restart(seconds)
        return self._without_ended(changes)

    def tick(self, seconds: float) -> list[Change]:
        """Return what changes as time passes without steps: bridges run out.

        Without a restart, too, open events wait for no longer than the bridge if steps have stopped
        for 1 s or three intervals.

        Args:
            seconds: Present time.
        """
        return self._without_ended(
            [change for each in self._active() for change in each.tracker.tick(seconds)]
        )

    def finish(self) -> list[Change]:
        """Return the ends of all open events: there are no more steps."""
        changes = [change for each in self._active() for change in each.tracker.finish()]
        return self._without_ended(changes)

    def _active(self) -> list["_Class"]:
        return list(self._classes.values())

    def _without_ended(self, changes: list[Change]) -> list[Change]:
        """Forget classes without a rule whose event has ended; return the changes."""
        if any(change.kind == "ended" for change in changes):
            self._classes = {
                label: each
                for label, each in self._classes.items()
                if not each.ends or each.tracker.open_event
            }
        return changes


class _Class:
    """One class: its smoother and its tracker.

    Attributes:
        index: Index of the class.
        tracker: Tracker of its events.
        value: Smoothed probability; None before the first step and after a restart.
        ends: Whether the class has no rule any more, and ends with its event.
    """

    def __init__(self, index: int, rule: Rule, bridge_seconds: float) -> None:
        self.index = index
        self.tracker = Tracker(rule, bridge_seconds)
        self.value: float | None = None
        self.ends = False
        self._seconds = 0.0
        self.begin_anew()

    def set_rule(self, rule: Rule) -> None:
        before, self.tracker.rule, self.ends = self.tracker.rule, rule, False
        smoothing = (rule.smoothing, rule.smoothing_seconds)
        if smoothing != (before.smoothing, before.smoothing_seconds):
            value = self.value
            self.begin_anew()
            if value is not None:  # goes on from the value that is shown
                self.show(self._seconds, value)

    def begin_anew(self) -> None:
        rule = self.tracker.rule
        self._smoother: Smoother = smoother(rule.smoothing, rule.smoothing_seconds)
        self.value = None

    def show(self, seconds: float, value: float) -> None:
        if np.isfinite(value):
            self.value = self._smoother.push(seconds, value)
            self._seconds = seconds

    def push(self, seconds: float, value: float) -> list[Change]:
        self.show(seconds, value)
        assert self.value is not None  # the value is finite
        return self.tracker.push(seconds, self.value)
