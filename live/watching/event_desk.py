"""The desk of events: database, still, recording and messages of each, beside the watching loop."""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from live.alarms.event import Event
from live.events.clock import utc_of
from live.events.store import EventStore
from live.hub import Hub
from live.messages.messenger import Messenger
from live.messages.mqtt import Mqtt
from live.recording.file_names import file_name
from live.recording.pictures import write_still
from live.recording.recorder import Recorder
from video.console import logger
from video.errors import LookbackError
from video.frame import Frame

_LOG = logger(__name__)

# A locked database is tried again for this time before an event is lost.
_RETRY_SECONDS, _RETRY_PAUSE = 60.0, 0.5


@dataclass(frozen=True)
class Reports:
    """Where events are reported.

    Attributes:
        store: The database.
        recorders: The recorder of each camera, by name; none without recordings.
        messenger: Sends messages; None without targets.
        mqtt: Publishes states; None without a broker.
    """

    store: EventStore
    recorders: dict[str, Recorder]
    messenger: Messenger | None = None
    mqtt: Mqtt | None = None


class EventDesk:
    """Does what an event causes, in a thread of its own, in the order in which events change.

    Writing to a disk or a database can take long, so the watching loop only queues.
    """

    def __init__(
        self,
        reports: Reports,
        hub: Hub,
        utc: Callable[[float], float] = utc_of,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the thread.

        Args:
            reports: Where events are reported.
            hub: The hub that counts them.
            utc: Returns the UTC time of a time of `time.monotonic`.
            clock: Seconds that rise.
        """
        self._reports, self._hub, self._utc, self._clock = reports, hub, utc, clock
        self._numbers: dict[tuple[str, str], int] = {}
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._told, self._lacks_stills = "", False
        self._failing_since: float | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="events", daemon=True)
        self._thread.start()

    def confirmed(
        self, camera: str, event: Event, frame: Frame, silent: bool, sent: Callable[[], None]
    ) -> None:
        """Take a confirmed event.

        Args:
            camera: Name of the camera.
            event: The event; it is copied.
            frame: The frame of the confirmation.
            silent: Whether nobody is told.
            sent: Called, in the thread of the desk, when a message was queued, or is certain to be
                queued at the end of the event.
        """
        copied = replace(event)
        if recorder := self._reports.recorders.get(camera):
            recorder.expect(event.started)
        self._tasks.put(lambda: self._confirmed(camera, copied, frame, silent, sent))

    def ended(self, camera: str, event: Event) -> None:
        """Take the end of a confirmed event."""
        copied = replace(event)
        self._tasks.put(lambda: self._ended(camera, copied))

    def still_open(self, camera: str, event: Event, now: float) -> None:
        """Note that an event is open at `now` (`time.monotonic`): its end, after a kill."""
        copied = replace(event)
        self._tasks.put(lambda: self._touch(camera, copied, now))

    def recorded(self, event_id: int) -> None:
        """Take the end of an event's recording, from the thread that finished it."""
        self._tasks.put(lambda: self._tell_end(event_id))

    def camera_state(self, camera: str, live: bool, armed: bool) -> None:
        """Publish whether a camera is live, and whether it is armed."""
        if mqtt := self._reports.mqtt:
            self._tasks.put(lambda: mqtt.set_live(camera, live))
            self._tasks.put(lambda: mqtt.set_armed(camera, armed))

    def camera_lost(self, camera: str, since: float, why: str) -> None:
        """Tell that a camera is lost since a time of `time.monotonic`."""
        if messenger := self._reports.messenger:
            self._tasks.put(lambda: _ignore(messenger.camera_lost(camera, self._utc(since), why)))

    def camera_back(self, camera: str, seconds: float) -> None:
        """Tell that a camera is back after some seconds."""
        if messenger := self._reports.messenger:
            self._tasks.put(lambda: _ignore(messenger.camera_back(camera, seconds)))

    def close(self, timeout: float = 1.0) -> None:
        """Do what is queued, for `timeout` seconds."""
        self._closing.set()
        self._tasks.put(None)
        self._thread.join(timeout)

    def wait(self, timeout: float | None = None) -> None:
        """Wait until all that was queued before is done, for `timeout` seconds."""
        done = threading.Event()
        self._tasks.put(done.set)
        done.wait(timeout)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task()
            except (LookbackError, OSError) as error:
                self._tell(error)
            except Exception:
                _LOG.exception("an event could not be reported")

    def _tell(self, error: Exception) -> None:
        # A database that fails for a week is told once, and watching goes on.
        if str(error) != self._told:
            self._told = str(error)
            _LOG.warning(f"note: an event could not be stored: {error}")

    def _stored(self, add: Callable[[], int]) -> int:
        """Add a row and return its number; a database that another program locks is awaited.

        Raises:
            LookbackError: It could not be written for a minute, or was not the last time either.
        """
        while True:
            try:
                number = add()
            except LookbackError as error:
                now = self._clock()
                if self._failing_since is None:
                    self._failing_since = now
                self._tell(error)
                if now - self._failing_since >= _RETRY_SECONDS or self._closing.is_set():
                    raise
                self._closing.wait(_RETRY_PAUSE)
            else:
                if self._told:
                    _LOG.info("events are stored again")
                self._told, self._failing_since = "", None
                return number

    def _confirmed(
        self, camera: str, event: Event, frame: Frame, silent: bool, sent: Callable[[], None]
    ) -> None:
        assert event.confirmed is not None
        store, started = self._reports.store, self._utc(event.started)
        confirmed = started + event.confirmed - event.started
        number = self._stored(
            lambda: store.add_event(camera, event.label, started, confirmed, event.peak, silent)
        )
        self._numbers[camera, event.label] = number
        self._hub.count("events")
        recorder = self._reports.recorders.get(camera)
        if recorder is not None:
            recorder.begin(number, event.started)
        self._write_still(number, camera, started, frame)
        if self._reports.mqtt is not None:
            self._reports.mqtt.set_event(camera, event.label, True)
        quiet = " (not armed, or cooling down: nobody is told)" if silent else ""
        _LOG.info(f"{camera}: event {number}, {event.label} ({event.peak:.2f}){quiet}")
        messenger = self._reports.messenger
        if messenger is not None and not silent:
            row = store.event(number)
            if row is not None and (messenger.confirmed(row) or not messenger.tells_starts):
                sent()

    def _write_still(self, number: int, camera: str, started: float, frame: Frame) -> None:
        name = file_name(camera, number, started) + ".jpg"
        path = Path("stills") / name
        try:
            write_still(frame, self._reports.store.folder / path)
        except (OSError, LookbackError) as error:
            if not self._lacks_stills:  # a disk that is full for a week is told once
                _LOG.warning(f"note: {path}: no still could be written ({error})")
            self._lacks_stills = True
            return
        self._lacks_stills = False
        self._reports.store.set_still(number, path.as_posix())

    def _ended(self, camera: str, event: Event) -> None:
        number = self._numbers.pop((camera, event.label), None)
        if number is None or event.ended is None:
            return
        duration = event.ended - event.started
        self._reports.store.end_event(number, duration, event.peak, event.mean)
        if self._reports.mqtt is not None:
            self._reports.mqtt.set_event(camera, event.label, False)
        _LOG.info(f"{camera}: event {number} has ended after {duration:.1f} s")
        recorder = self._reports.recorders.get(camera)
        if recorder is None:
            self._tell_end(number)
        else:
            recorder.end(number, event.ended)

    def _tell_end(self, number: int) -> None:
        row = self._reports.store.event(number)
        if self._reports.messenger is not None and row is not None and not row.silent:
            self._reports.messenger.ended(row)

    def _touch(self, camera: str, event: Event, now: float) -> None:
        number = self._numbers.get((camera, event.label))
        if number is not None:
            self._reports.store.touch_event(number, now - event.started, event.peak)


def _ignore(_: object) -> None:
    """Discard the result of a method that is queued."""
