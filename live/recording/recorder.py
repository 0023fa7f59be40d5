"""The recorder of one camera: the last seconds in memory, and a file for each event."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av

from live.events.store import EventStore
from live.recording.clip import Cut, cut_clip
from live.recording.coded import Coded, Coding, newest_run
from live.recording.disk import Disk, why
from live.recording.event_files import EventFiles
from live.recording.finisher import Finisher
from live.recording.intake import Intake
from live.recording.part import Opener, open_file
from live.recording.pictures import PictureRate, jpeg_of
from live.recording.ring import Ring
from recipes.schema import Recording as RecordingSettings
from video.console import logger
from video.errors import LookbackError
from video.frame import Frame

_LOG = logger(__name__)

# A frame leaves the decoder somewhat later than its packet arrives.
_DECODING_SECONDS = 0.5
# The confirmation comes later than the hold is over: by a step, and by the step's computation.
_LATE_SECONDS = 2.0
_TICK_SECONDS = 0.25
_QUEUE_BYTES = 32_000_000
_QUEUE_FRAMES = 4


@dataclass(frozen=True)
class _Job:
    kind: Literal["begin", "write", "end"]
    event_id: int
    pictures: Sequence[Coded] = ()


class Recorder:
    """Records the events of one camera.

    H.264 packets are copied. Other cameras, and those with privacy polygons, are kept as JPEGs, at
    most 15 a second, and encoded after the event. Events that overlap have a file each. Files are
    written on a thread of this object; a disk that fails stops recording and nothing else.

    Attributes:
        dropped: Number of pictures that were not recorded, as the disk or this computer was slow.
    """

    def __init__(
        self,
        camera: str,
        store: EventStore,
        settings: RecordingSettings,
        disk: Disk,
        finisher: Finisher,
        hold_seconds: float = 1.0,
        keep_seconds: float = 0.0,
        copies: bool = True,
        clock: Callable[[], float] = time.monotonic,
        utc: Callable[[], float] = time.time,
        opener: Opener = open_file,
    ) -> None:
        """Start the thread.

        Args:
            camera: Name of the camera.
            store: The database; recordings are in its folder.
            settings: Section `live.recording` of the recipe.
            disk: The disk.
            finisher: Finishes the files.
            hold_seconds: Longest time from an event's start to its confirmation.
            keep_seconds: Seconds that `cut` can reach back, if more than the events need.
            copies: Whether packets may be recorded; False with privacy polygons, which packets do
                not have.
            clock: Seconds that rise, on which packets and frames arrive.
            utc: Present time in seconds since 1970.
            opener: Opens files for writing.
        """
        self.dropped = 0
        self._camera, self._settings, self._clock = camera, settings, clock
        needed = settings.preroll_seconds + hold_seconds + _LATE_SECONDS + _DECODING_SECONDS
        self._ring = Ring(max(needed, keep_seconds), settings.ring_megabytes)
        self._intake = Intake(copies)
        self._rate = PictureRate()
        self._files = EventFiles(
            camera, store, disk, finisher, settings.part_seconds, clock, utc, opener
        )
        self._condition = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._queued = 0
        self._frames: deque[tuple[Frame, float, int]] = deque()
        self._stops: dict[int, float | None] = {}  # events being recorded, and when they stop
        self._blind: set[int] = set()  # those that wait for a key picture after a full queue
        self._told_overflow = False
        self._is_closing = False
        self._thread = threading.Thread(target=self._work, name=f"record {camera}", daemon=True)
        self._thread.start()

    def on_packet(self, packet: av.Packet, seconds: float, session: int | None = None) -> None:
        """Take a packet of the video stream before it is decoded; called in the reading thread.

        Packets of another connection begin a new file.

        Args:
            packet: The packet; it is copied.
            seconds: Time of arrival.
            session: Number of the camera's session, if known; another one begins a new file.
        """
        coded = self._intake.coded(packet, seconds, session)
        if coded is not None:
            self._take(coded)

    def on_frame(self, frame: Frame, seconds: float, session: int | None = None) -> None:
        """Take a decoded frame with its privacy polygons black; called in the reading thread.

        Args:
            frame: The frame.
            seconds: Time of arrival.
            session: Number of the camera's session, if known; another one begins a new file.
        """
        if not self._intake.wants_frame(frame, seconds, session) or not self._rate.wants(seconds):
            return
        with self._condition:
            if len(self._frames) >= _QUEUE_FRAMES:
                self.dropped += 1
                return
            self._frames.append((frame, seconds, self._intake.run))
            self._condition.notify()

    def restart(self) -> None:
        """Begin a new file with the next key picture: nothing was seen for a while.

        A new connection, another picture size and other parameters of the camera are noticed
        without it.
        """
        self._intake.restart()

    def expect(self, started: float) -> None:
        """Keep the seconds before an event in memory until `begin`, for which a slow database may
        let it wait.

        Args:
            started: Start of the event.
        """
        with self._condition:
            self._ring.wait_for(self._since(started))

    def _since(self, started: float) -> float:
        return started - self._settings.preroll_seconds - _DECODING_SECONDS

    def begin(self, event_id: int, started: float) -> None:
        """Record an event, from the seconds before it on.

        Args:
            event_id: Number of the event in the database.
            started: Its start.
        """
        since = self._since(started)
        with self._condition:
            self._ring.stop_waiting(since)
            if event_id in self._stops or self._is_closing:
                return
            self._stops[event_id] = None
            self._add(_Job("begin", event_id, self._ring.since(since)))

    def end(self, event_id: int, ended: float) -> None:
        """Record an event until the seconds after its end, then finish its files.

        Args:
            event_id: Number of the event.
            ended: Its end.
        """
        with self._condition:
            if event_id in self._stops:
                self._stops[event_id] = ended + self._settings.postroll_seconds

    def cut(self, since: float, until: float, path: str | Path) -> Cut:
        """Write the seconds from `since` to `until` as a clip that begins exactly there.

        It is decoded and encoded in the calling thread. Where the seconds in memory begin later,
        the clip does too.

        Args:
            since: Start, on the clock of the packets and frames.
            until: End, likewise.
            path: The mp4 file.

        Returns:
            What was cut.

        Raises:
            LookbackError: Nothing of this time is in memory, or the file cannot be written.
        """
        with self._condition:
            pictures = self._ring.since(since)
        # A connection that began after this time has nothing of it.
        wanted = [coded for coded in pictures if coded.seconds <= until]
        try:
            return cut_clip(newest_run(wanted), since, until, Path(path))
        except (LookbackError, OSError) as error:
            raise LookbackError(f"camera {self._camera}: no clip ({why(error)})") from None

    @property
    def covered(self) -> float:
        """Seconds in memory."""
        with self._condition:
            return self._ring.covered

    def close(self, timeout: float = 1.0) -> None:
        """End all recordings and wait for the files to be closed, for `timeout` seconds.

        The finisher is closed after it.
        """
        with self._condition:
            self._is_closing = True
            self._condition.notify()
        self._thread.join(timeout)

    def _take(self, coded: Coded) -> None:
        """Keep a picture in the ring, and queue it for each event that is being recorded."""
        with self._condition:
            self._ring.add(coded)
            overflows = self._ring.overflows
            for event_id, stop in list(self._stops.items()):
                if stop is not None and coded.seconds > stop:
                    self._stop(event_id)
                elif self._has_place(event_id, coded):
                    self._add(_Job("write", event_id, [coded]))
        if overflows and not self._told_overflow:
            self._told_overflow = True
            _LOG.warning(
                f"{self._camera}: {self._settings.ring_megabytes:g} MB are too few for the "
                "pictures between two key frames, so recordings begin late; set a shorter "
                "key-frame interval in the camera, or increase live.recording.ring_megabytes"
            )

    def _has_place(self, event_id: int, coded: Coded) -> bool:
        """Return whether the queue takes a picture; after a full queue, from a key picture on."""
        if event_id in self._blind and coded.is_key and self._queued < _QUEUE_BYTES // 2:
            self._blind.discard(event_id)
        if event_id not in self._blind and self._queued + len(coded.data) > _QUEUE_BYTES:
            self._blind.add(event_id)
        self.dropped += event_id in self._blind
        return event_id not in self._blind

    def _stop(self, event_id: int) -> None:
        del self._stops[event_id]
        self._blind.discard(event_id)
        self._add(_Job("end", event_id))

    def _add(self, job: _Job) -> None:
        if job.kind == "write":
            self._queued += len(job.pictures[0].data)
        self._jobs.append(job)
        self._condition.notify()

    def _work(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(
                    lambda: self._jobs or self._frames or self._is_closing, _TICK_SECONDS
                )
                is_closing = self._is_closing
                self._stop_late(is_closing and not self._frames)
                jobs, frames = list(self._jobs), list(self._frames)
                self._jobs.clear()
                self._frames.clear()
                self._queued = 0
            for job in jobs:
                self._do(job)
            for frame, seconds, run in frames:
                self._keep(frame, seconds, run)
            if is_closing and not jobs and not frames:
                return

    def _stop_late(self, is_closing: bool) -> None:
        """Stop the events whose time is over although the camera gives no picture."""
        now = self._clock()
        for event_id, stop in list(self._stops.items()):
            if is_closing or (stop is not None and now > stop + _DECODING_SECONDS):
                self._stop(event_id)

    def _keep(self, frame: Frame, seconds: float, run: int) -> None:
        try:
            data = jpeg_of(frame)
        except LookbackError as error:
            _LOG.warning(str(error))
            return
        self._take(Coded(data, True, seconds, None, None, Coding("mjpeg", b"", frame.size, run)))

    def _do(self, job: _Job) -> None:
        try:
            if job.kind == "begin":
                self._files.begin(job.event_id)
            for coded in job.pictures:
                self._files.write(job.event_id, coded)
            if job.kind == "end":
                self._files.end(job.event_id)
        except Exception:  # the thread must survive, for the events to come
            _LOG.exception(f"{self._camera}: event {job.event_id} is not recorded")
