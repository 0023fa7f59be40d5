"""The files of the events that one camera records; used by its recorder's thread alone."""

from collections.abc import Callable
from dataclasses import dataclass

from live.events.clock import utc_of
from live.events.store import EventStore
from live.recording.coded import Coded
from live.recording.disk import Disk
from live.recording.file_names import file_name
from live.recording.finisher import Finisher, Part
from live.recording.part import Opener, PartFile
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)


@dataclass
class _Event:
    number: int
    parts: int = 0
    file: PartFile | None = None
    recording_id: int | None = None
    path: str = ""
    started: float = 0.0


class EventFiles:
    """Writes the pictures of each event to files. Errors of the disk are told to `Disk` only."""

    def __init__(
        self,
        camera: str,
        store: EventStore,
        disk: Disk,
        finisher: Finisher,
        part_seconds: float,
        clock: Callable[[], float],
        utc: Callable[[], float],
        opener: Opener,
    ) -> None:
        """Begin without an event; see `live.recording.recorder.Recorder`."""
        self._camera, self._store, self._disk, self._finisher = camera, store, disk, finisher
        self._part_seconds, self._opener = part_seconds, opener
        self._clock, self._utc = clock, utc
        self._events: dict[int, _Event] = {}

    def begin(self, event_id: int) -> None:
        """Begin an event; its first file begins with the first key picture."""
        self._events[event_id] = _Event(event_id)

    def write(self, event_id: int, coded: Coded) -> None:
        """Write a picture of an event."""
        event = self._events[event_id]
        file = event.file
        if file is not None and coded.is_key:
            is_long = coded.seconds - file.first.seconds >= self._part_seconds
            if is_long or not file.fits(coded) or not self._disk.has_room():
                self._close_part(event)
        if event.file is None and not (coded.is_key and self._begin_part(event, coded)):
            return
        file = event.file
        if file is None or not file.fits(coded):
            return
        try:
            file.write(coded)
        except ValueError:  # of FFmpeg: a damaged picture
            self._close_part(event)
            return
        except OSError as error:
            self._disk.failed(error)
            self._close_part(event)
            return
        if coded.is_key and coded is not file.first:
            self._disk.worked()  # the fragment before this picture is on the disk

    def end(self, event_id: int) -> None:
        """End an event and have its files finished."""
        self._close_part(self._events.pop(event_id))
        self._finisher.end(event_id)

    def _begin_part(self, event: _Event, first: Coded) -> bool:
        if not self._disk.has_room():
            return False
        number = event.parts + 1
        started = utc_of(first.seconds, self._clock(), self._utc())
        path = f"recordings/{file_name(self._camera, event.number, started, number)}.mp4"
        try:
            event.file = PartFile(self._store.folder / path, first, self._opener)
        except ValueError:  # of FFmpeg: damaged parameter sets; the next key picture may be whole
            return False
        except OSError as error:
            self._disk.failed(error)
            return False
        event.parts, event.path, event.started = number, path, started
        event.recording_id = None
        try:
            event.recording_id = self._store.add_recording(event.number, number, path, started)
        except LookbackError as error:
            _LOG.error(str(error))
        return True

    def _close_part(self, event: _Event) -> None:
        file, event.file = event.file, None
        if file is None:
            return
        try:
            file.close()
        except ValueError as error:
            _LOG.debug(f"{event.path}: {error}")
        except OSError as error:
            self._disk.failed(error)
        ended = event.started + file.last_seconds - file.first.seconds
        self._finisher.add(Part(event.recording_id, event.number, event.path, ended))
