"""The alarms of one camera: decisions to events, armed hours, and a camera that is lost."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from live.alarms.cool_down import CoolDown
from live.alarms.detector import Detector
from live.alarms.event import Change
from live.alarms.rule import Rule
from live.alarms.schedule import Schedule, is_armed
from live.decision import Decision
from live.hub import Hub
from live.watching.event_desk import EventDesk
from video.frame import Frame

_TOUCH_SECONDS = 5.0


class CameraJudge:
    """Takes the decisions of one camera, and reports its events to the desk.

    Attributes:
        armed: Whether a person armed or disarmed the camera; None for its armed hours.
    """

    def __init__(
        self,
        number: int,
        name: str,
        desk: EventDesk,
        hub: Hub,
        cool_down: CoolDown,
        schedule: Schedule,
        bridge_seconds: float,
        lost_seconds: float,
        local_time: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        now: float | None = None,
    ) -> None:
        """Begin without rules.

        Args:
            number: Number of the camera in the hub.
            name: Name of the camera.
            desk: Takes its events.
            hub: Shows them.
            cool_down: When the last message about each camera and class was sent.
            schedule: Armed hours.
            bridge_seconds: Time that an open event waits for a lost camera.
            lost_seconds: Time after which a lost camera is told.
            local_time: Returns the local time with its zone.
            now: Present time of `time.monotonic`; None for that of the system.
        """
        self.armed: bool | None = None
        self._number, self._name, self._desk, self._hub = number, name, desk, hub
        self._cool_down, self._schedule, self._local_time = cool_down, schedule, local_time
        self._bridge_seconds, self._lost_seconds = bridge_seconds, lost_seconds
        self._detector: Detector | None = None
        self._rules: dict[str, Rule] = {}
        self._labels: tuple[str, ...] = ()
        self._session = 0
        self._frame: Frame | None = None
        self._last_live = time.monotonic() if now is None else now
        self._told_state: tuple[bool, bool] | None = None
        self._is_told_lost = False
        self._touched = 0.0

    def use(self, labels: Sequence[str], rules: Sequence[Rule]) -> None:
        """Take the classes of a model, and the rules of its alarms.

        Open events go on if the classes are the same; otherwise they end.
        """
        if tuple(labels) != self._labels:
            if self._detector is not None:
                self._report(self._detector.finish())
            self._labels = tuple(labels)
            self._detector = Detector(rules, labels, self._bridge_seconds)
        elif self._detector is not None:
            self._detector.set_rules(rules)
        self._rules |= {rule.label: rule for rule in rules}

    def on_decision(self, decision: Decision, frame: Frame, session: int) -> dict[str, float]:
        """See `live.watching.loop.Judge`."""
        if self._detector is None:
            return {}
        self._frame = frame
        changes: list[Change] = []
        if session != self._session:
            self._session = session
            changes += self._detector.restart(decision.seconds)
        changes += self._detector.push(decision.seconds, decision.probabilities, decision.full)
        self._report(changes)
        return self._detector.smoothed

    def on_time(self, now: float, state: str, reason: str) -> None:
        """See `live.watching.loop.Judge`."""
        self._tell_lost(now, state, reason)
        armed = self.is_armed()
        self._hub.update(self._number, armed=armed)
        if self._told_state != (state == "live", armed):
            self._told_state = (state == "live", armed)
            self._desk.camera_state(self._name, *self._told_state)
        if self._detector is None:
            return
        if state != "live":
            # Steps of a live camera may be far apart: one frame a second, or a slow network.
            self._report(self._detector.tick(now))
        if self._detector.open_events and now - self._touched >= _TOUCH_SECONDS:
            self._touched = now
            for event in self._detector.open_events:
                self._desk.still_open(self._name, event, now)

    def is_armed(self) -> bool:
        """Return whether events are told now."""
        if self.armed is not None:
            return self.armed
        return is_armed(self._schedule, self._local_time())

    def finish(self) -> None:
        """End the open events: there are no more decisions."""
        if self._detector is not None:
            self._report(self._detector.finish())

    def _report(self, changes: Sequence[Change]) -> None:
        for change in changes:
            event = change.event
            if change.kind == "ended":
                self._desk.ended(self._name, event)
                continue
            assert event.confirmed is not None
            assert self._frame is not None  # events are confirmed by decisions
            key, now = (self._name, event.label), event.confirmed
            seconds = self._rules[event.label].cool_down_seconds
            silent = not self.is_armed() or not self._cool_down.allows(key, seconds, now)
            self._desk.confirmed(
                self._name,
                event,
                self._frame,
                silent,
                lambda key=key, now=now: self._cool_down.sent(key, now),
            )
        if changes and self._detector is not None:
            names = tuple(event.label for event in self._detector.open_events)
            self._hub.update(self._number, open_events=names)

    def _tell_lost(self, now: float, state: str, reason: str) -> None:
        if state == "live":
            if self._is_told_lost:
                self._desk.camera_back(self._name, now - self._last_live)
            self._last_live, self._is_told_lost = now, False
        elif not self._is_told_lost and now - self._last_live >= self._lost_seconds:
            self._is_told_lost = True
            self._desk.camera_lost(self._name, self._last_live, reason)
