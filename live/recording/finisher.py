"""The thread that finishes recordings, for all cameras, so that encoding delays no camera."""

import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import av

from live.events.store import EventStore
from live.recording.disk import why
from live.recording.part import Unfinished, finish
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)

_NICE = 10  # encoding must not delay the watching

OnFinished = Callable[[int, list[str]], None]


@dataclass(frozen=True)
class Part:
    """A file of a recording that is to be finished.

    Attributes:
        recording_id: Number in the database; None if it could not be added.
        event_id: Number of the event.
        path: Path of the finished file, relative to the folder of the database.
        ended: Time of the last frame, seconds since 1970 (UTC).
    """

    recording_id: int | None
    event_id: int
    path: str
    ended: float


class Finisher:
    """Finishes recordings one after another, and tells when an event's last one can be played."""

    def __init__(self, store: EventStore, on_finished: OnFinished | None = None) -> None:
        """Start the thread.

        Args:
            store: The database.
            on_finished: Called in the thread of this object with the number of an event and the
                paths of its recordings, relative to the folder of the database, when all can be
                played. The list is empty if nothing was recorded.
        """
        self._store, self._on_finished = store, on_finished
        self._jobs: queue.SimpleQueue[Part | int | None] = queue.SimpleQueue()
        self._deadline: float | None = None
        self._thread = threading.Thread(target=self._run, name="finish recordings", daemon=True)
        self._thread.start()

    def add(self, part: Part) -> None:
        """Add a closed file."""
        self._jobs.put(part)

    def end(self, event_id: int) -> None:
        """Record that an event has no more files than those that were added."""
        self._jobs.put(event_id)

    def close(self, timeout: float = 1.5) -> None:
        """Finish what can be finished in `timeout` seconds; the next start does the rest."""
        self._deadline = time.monotonic() + timeout
        self._jobs.put(None)
        self._thread.join(timeout + 0.5)

    def _run(self) -> None:
        if sys.platform == "linux":  # where a thread has a priority of its own
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        while (job := self._jobs.get()) is not None:
            if not self._may_encode():
                continue
            try:
                if isinstance(job, Part):
                    finish_part(self._store, job, self._may_encode)
                else:
                    self._tell(job)
            except Unfinished:
                continue
            except Exception as error:  # one recording must not end the others'
                _LOG.error(f"a recording could not be finished ({why(error)})")

    def _tell(self, event_id: int) -> None:
        try:
            event = self._store.event(event_id)
            paths = [] if event is None else list(event.paths)
        except LookbackError as error:
            _LOG.error(str(error))
            paths = []
        if self._on_finished is not None:
            self._on_finished(event_id, paths)

    def _may_encode(self) -> bool:
        return self._deadline is None or time.monotonic() < self._deadline


def finish_part(
    store: EventStore, part: Part, may_encode: Callable[[], bool] = lambda: True
) -> bool:
    """Finish a file and record it in the database; return whether it can be played.

    Args:
        store: The database.
        part: The file.
        may_encode: See `live.recording.part.finish`.

    Raises:
        Unfinished: `may_encode` returned False.
        LookbackError: The database cannot be written.
    """
    path: Path = store.folder / part.path
    try:
        there = finish(path, may_encode)
    except (OSError, LookbackError, av.FFmpegError) as error:
        _LOG.error(f"{path}: cannot be finished ({why(error)}); the next start tries again")
        return False
    if part.recording_id is None:
        return False  # a file that the database does not know; the retention counts it
    if not there:
        store.drop_recording(part.recording_id)
        return False
    if not store.finish_recording(part.recording_id, part.ended, path.stat().st_size):
        path.unlink(missing_ok=True)  # the event was deleted meanwhile
        return False
    return True
