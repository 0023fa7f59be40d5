"""Messages about events and cameras: queued in the database at once, sent by other threads."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Literal

from live.events.rows import EventRow, MessageKind
from live.events.store import EventStore
from live.messages import texts
from live.messages.delivery import Deliver, deliver
from live.messages.policy import GIVE_UP_AFTER, HOUR
from live.messages.sender import TIMES, Sender, Times
from live.messages.targets import Target
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)
When = Literal["start", "end", "both"]
STOP_SECONDS = 2.0
# Messages that are kept in memory while the database cannot be written.
_MOST_KEPT = 1000


@dataclass(frozen=True)
class _Kept:
    """Arguments of `Outbox.queue_all`, of a message that could not be stored yet."""

    kind: MessageKind
    text: texts.Text
    camera: str
    event_id: int | None
    attachment: str | None
    now: float


class Messenger:
    """Sends messages about events and cameras to all targets.

    Methods that queue a message write it into the database and return; they never wait for a
    target. They return whether a message was queued, which begins the cool-down of a class. If only
    ends are told, it begins at the confirmation as well, for the message is certain then.

    Attributes:
        tells_starts: Whether confirmed events are told at once.
    """

    def __init__(
        self,
        store: EventStore,
        targets: Sequence[Target],
        when: When = "both",
        per_hour: int = 20,
        clock: Callable[[], float] = time.time,
        zone: tzinfo | None = None,
        deliver: Deliver = deliver,
        times: Times = TIMES,
        count: Callable[[str], None] = lambda name: None,
    ) -> None:
        """Create a messenger; `start` begins to send.

        Args:
            store: The database; queued messages of an earlier run are sent as well.
            targets: The targets.
            when: Whether the start of an event is told, its end, or both.
            per_hour: Maximum number of messages per target and hour; the others are summed up.
            clock: Clock of the database, UTC epoch seconds.
            zone: Time zone of the texts; None for the local one.
            deliver: Sends one message.
            times: Times of the senders.
            count: Function that is called with `messages_sent`, `messages_failed` or
                `messages_given_up` for each; for example, `Hub.count`.
        """
        self._store = store
        self._when = when
        self.tells_starts = when != "end"
        self._clock = clock
        self._zone = zone
        self._kept: list[_Kept] = []
        self._trouble = ""
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._watch = threading.Thread(target=self._watching, name="messages", daemon=True)

        def told(name: str) -> None:
            count(f"messages_{name}")

        self._senders = [
            Sender(each, store, store.folder, per_hour, deliver, clock, times, told)
            for each in targets
        ]

    def start(self) -> None:
        """Begin to send."""
        self._look_for_strays(warn=True)
        for each in self._senders:
            each.start()
        self._watch.start()

    def stop(self) -> None:
        """End within `STOP_SECONDS`. What is not sent stays in the database for the next run."""
        self._stopped.set()
        for each in self._senders:
            each.stop()
        until = time.monotonic() + STOP_SECONDS
        for each in self._senders:
            each.join(until - time.monotonic())
        if self._watch.is_alive():
            self._watch.join(max(until - time.monotonic(), 0.1))
        self._store_kept()

    def confirmed(self, event: EventRow) -> bool:
        """Queue the message about a confirmed event, with its still.

        Args:
            event: The event, with the path of its still; a silent one sends nothing.
        """
        if event.silent or not self.tells_starts:
            return False
        text = texts.start(
            event.id, event.camera, event.label, event.started, event.peak, self._zone
        )
        return self._queue("start", text, event.camera, event.id, event.still)

    def ended(self, event: EventRow) -> bool:
        """Queue the message about an event that has ended, with its recording.

        Args:
            event: The event after its recording exists; a silent one sends nothing. The first part
                of the recording is attached, which contains the start; else the still.
        """
        if event.silent or self._when == "start":
            return False
        text = texts.end(
            event.id,
            event.camera,
            event.label,
            event.started,
            event.duration,
            event.mean,
            event.peak,
            len(event.paths),
            self._zone,
        )
        attachment = event.paths[0] if event.paths else event.still
        return self._queue("end", text, event.camera, event.id, attachment)

    def camera_lost(self, camera: str, since: float, reason: str = "") -> bool:
        """Queue the message about a camera that is lost.

        Args:
            camera: Name of the camera.
            since: Time of its last frame, UTC epoch seconds.
            reason: Why it is lost, in one line without secrets.
        """
        return self._queue("lost", texts.lost(camera, since, reason, self._zone), camera)

    def camera_back(self, camera: str, length: float) -> bool:
        """Queue the message about a camera that is back.

        Args:
            camera: Name of the camera.
            length: Time without frames in seconds.
        """
        return self._queue("back", texts.back(camera, self._clock(), length, self._zone), camera)

    def test(self) -> bool:
        """Queue a test message."""
        return self._queue("test", texts.test(self._clock(), self._zone))

    def failing(self) -> dict[str, str]:
        """Return the reason of the last failure of each target that fails."""
        return {each.target.name: each.failing for each in self._senders if each.failing}

    def _queue(
        self,
        kind: MessageKind,
        text: texts.Text,
        camera: str = "",
        event_id: int | None = None,
        attachment: str | None = None,
    ) -> bool:
        if not self._senders:
            return False
        queued = self._stored(_Kept(kind, text, camera, event_id, attachment, self._clock()))
        for each in self._senders:
            each.wake()
        return queued

    def _stored(self, row: _Kept) -> bool:
        """Store a message; keep it in memory if the database cannot be written."""
        try:
            return self._write(row)
        except LookbackError as error:
            with self._lock:
                if not self._kept:
                    _LOG.warning("messages are kept in memory: %s", error)
                if len(self._kept) < _MOST_KEPT:
                    self._kept.append(row)
                    return True
            _LOG.warning("a message is lost: %s", row.text.subject)
            return False

    def _write(self, row: _Kept) -> bool:
        queued = self._store.queue_all(
            row.kind,
            [each.target.name for each in self._senders],
            row.text.subject,
            row.text.body,
            row.camera,
            row.event_id,
            row.attachment,
            row.now,
        )
        return queued > 0

    def _store_kept(self) -> None:
        with self._lock:
            rows = list(self._kept)
        for row in rows:
            try:
                self._write(row)
            except LookbackError:
                return
            with self._lock:
                self._kept.remove(row)
        if rows:
            for each in self._senders:
                each.wake()

    def _look_for_strays(self, warn: bool = False) -> None:
        """Give messages up whose target is not in the file for as long as others are tried."""
        names = {each.target.name for each in self._senders}
        strays = [row for row in self._store.waiting() if row.target not in names]
        now = self._clock()
        for row in strays:
            if now - row.created >= GIVE_UP_AFTER:
                self._store.mark_given_up(row.id, "the target is not in the file of targets")
        for name in sorted({row.target for row in strays}) if warn else ():
            _LOG.warning("messages wait for the target %s, which is not in the file", name)

    def _watching(self) -> None:
        strays_at = time.monotonic() + HOUR
        while not self._stopped.wait(1.0):
            now = time.monotonic()
            try:
                for each in self._senders:
                    each.check(now)
                if now > strays_at:
                    strays_at = now + HOUR
                    self._look_for_strays()
            except LookbackError as error:
                if str(error) != self._trouble:
                    _LOG.warning("messages: %s", error)
                self._trouble = str(error)
            self._store_kept()
