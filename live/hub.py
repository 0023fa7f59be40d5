"""The hub: what the page and the metrics show of the running cameras, safe between threads."""

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import takewhile

from live.decision import Decision
from video.frame import Frame

HISTORY_SECONDS = 600.0


@dataclass
class CameraStatus:
    """The state of one camera. Times are of `time.monotonic`.

    Attributes:
        id: Number of the camera, from 0.
        name: Name of the camera; never contains a password.
        labels: Names of the classes; empty as long as there is no model.
        state: `connecting`, `live`, `stalled` or `lost`.
        reason: Why the camera is not live, in one line; empty if it is.
        state_since: Time at which the state began.
        armed: Whether its events are reported.
        size: Width and height of the picture in pixels; (0, 0) before the first.
        session: Number of connections so far.
        frames: Number of frames read.
        steps: Number of decisions.
        skipped: Number of steps that were not computed in time.
        smoothed: Smoothed probability of each class with a rule.
        open_events: Names of the classes with a confirmed event that has not ended.
        history: Time, probabilities and smoothed probabilities of the last ten minutes' decisions.
    """

    id: int
    name: str
    labels: tuple[str, ...] = ()
    state: str = "connecting"
    reason: str = ""
    state_since: float = field(default_factory=time.monotonic)
    armed: bool = True
    size: tuple[int, int] = (0, 0)
    session: int = 0
    frames: int = 0
    steps: int = 0
    skipped: int = 0
    smoothed: dict[str, float] = field(default_factory=dict)
    open_events: tuple[str, ...] = ()
    history: deque[tuple[float, tuple[float, ...], tuple[float, ...]]] = field(
        default_factory=deque
    )


@dataclass(frozen=True)
class Picture:
    """The newest frame of a camera with the newest decision.

    Attributes:
        number: Number of the picture on its camera, from 1.
        arrived: Time of `time.monotonic` at which the frame arrived.
        frame: The frame, with the privacy polygons black.
        decision: The newest decision of the same session; None before the first.
    """

    number: int
    arrived: float
    frame: Frame
    decision: Decision | None


class Hub:
    """The newest picture and the status of every camera.

    The watching threads write, and any number of viewers read. Nothing is encoded here.

    Attributes:
        started: Time of `time.monotonic` at which the program began to watch.
        counters: Named totals, such as `events` and `messages_sent`.
    """

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.counters: dict[str, int] = {}
        self._statuses: list[CameraStatus] = []
        self._pictures: dict[int, Picture] = {}
        self._changed = threading.Condition()
        self._number = 0

    def add_camera(self, name: str, labels: tuple[str, ...] = ()) -> int:
        """Add a camera and return its number."""
        with self._changed:
            self._statuses.append(CameraStatus(len(self._statuses), name, labels))
            return len(self._statuses) - 1

    def update(self, camera: int, **values: object) -> None:
        """Set attributes of a camera's status."""
        with self._changed:
            status = self._statuses[camera]
            if values.get("state", status.state) != status.state:
                status.state_since = time.monotonic()
            if values.get("labels", status.labels) != status.labels:
                status.history.clear()  # of a model with other classes
                status.smoothed = {}
            for name, value in values.items():
                setattr(status, name, value)
            self._notify()

    def count(self, name: str, more: int = 1) -> None:
        """Add to a counter."""
        with self._changed:
            self.counters[name] = self.counters.get(name, 0) + more

    def show(
        self, camera: int, frame: Frame, decision: Decision | None, arrived: float | None = None
    ) -> None:
        """Set the newest picture of a camera; `arrived` is a time of `time.monotonic`, None for
        the present."""
        arrived = time.monotonic() if arrived is None else arrived
        with self._changed:
            before = self._pictures.get(camera)
            number = before.number + 1 if before else 1
            self._pictures[camera] = Picture(number, arrived, frame, decision)
            self._statuses[camera].frames += 1
            self._notify()

    def decided(self, camera: int, decision: Decision, smoothed: dict[str, float]) -> None:
        """Record a decision of a camera."""
        now = time.monotonic()
        with self._changed:
            status = self._statuses[camera]
            status.steps += 1
            status.smoothed = smoothed
            values = tuple(float(each) for each in decision.probabilities)
            smooth = tuple(smoothed.get(label, float("nan")) for label in decision.labels)
            status.history.append((now, values, smooth))
            while status.history and status.history[0][0] < now - HISTORY_SECONDS:
                status.history.popleft()
            self._notify()

    def statuses(self) -> list[CameraStatus]:
        """Return the status of every camera; the histories are shared, not copied."""
        with self._changed:
            return list(self._statuses)

    def history(
        self, camera: int, since: float = 0.0
    ) -> list[tuple[float, tuple[float, ...], tuple[float, ...]]]:
        """Return a copy of a camera's history after a time of `time.monotonic`."""
        with self._changed:
            # From the newest: a viewer asks several times a second for the last few.
            newest = takewhile(
                lambda each: each[0] > since, reversed(self._statuses[camera].history)
            )
            return list(newest)[::-1]

    def picture(self, camera: int) -> Picture | None:
        """Return the newest picture of a camera; None before the first."""
        with self._changed:
            return self._pictures.get(camera)

    def wait(self, number: int, timeout: float) -> int:
        """Wait until anything changed after change `number`; return the number of the newest
        change, which is the same after a time-out of `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._number != number, timeout)
            return self._number

    def _notify(self) -> None:
        self._number += 1
        self._changed.notify_all()
