"""Whether there is room for recordings; a full disk is told once."""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from video.console import logger
from video.errors import LookbackError
from video.libav import reason

_LOG = logger(__name__)

_CHECK_SECONDS = 1.0
_RETRY_SECONDS = 10.0
# Recording begins again only with somewhat more space, so that it does not stop at once.
_RESUME_SHARE = 1.05


class Disk:
    """The disk of the recordings. Safe between threads.

    Attributes:
        problem: Why nothing is recorded, in one line; empty if all is well.
    """

    def __init__(
        self,
        folder: Path,
        free_gigabytes: float,
        on_change: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        free_bytes: Callable[[Path], int] | None = None,
    ) -> None:
        """Watch a folder's disk.

        Args:
            folder: Folder of the recordings; it is created when something is written.
            free_gigabytes: Free space below which nothing is recorded.
            on_change: Called with the problem when recording stops, and with an empty text when it
                goes on.
            clock: Seconds that rise.
            free_bytes: Returns the free space of a folder; None for that of the system.
        """
        self.folder = folder
        self.least = free_gigabytes * 1e9
        self.problem = ""
        self._on_change, self._clock = on_change, clock
        self._free_bytes = free_bytes or _free_bytes
        self._lock = threading.Lock()
        self._checked: float | None = None
        self._room = True
        self._failed: float | None = None

    def free(self) -> int:
        """Return the free space in bytes."""
        return self._free_bytes(self.folder)

    def has_room(self) -> bool:
        """Return whether to record. The free space is looked up once a second; after a failed write
        this is False for ten seconds."""
        now = self._clock()
        with self._lock:
            if self._failed is not None and now - self._failed < _RETRY_SECONDS:
                return False
            if self._checked is not None and now - self._checked < _CHECK_SECONDS:
                return self._room
            self._checked = now
            free = self.free()
            least = self.least if self._room else self.least * _RESUME_SHARE
            self._room = free >= least
            if self._room:
                told = self._tell("") if self._failed is None else None
            else:
                told = self._tell(
                    f"only {free / 1e9:.3g} GB of disk space are free, "
                    f"less than {self.least / 1e9:.3g} GB"
                )
            room = self._room
        self._call(told)
        return room

    def failed(self, error: Exception) -> None:
        """Record that a write failed. Recording is tried again after ten seconds."""
        with self._lock:
            self._failed = self._clock()
            told = self._tell(f"files cannot be written ({why(error)})")
        self._call(told)

    def worked(self) -> None:
        """Record that a file was written."""
        with self._lock:
            if self._failed is None:
                return
            self._failed = None
            told = self._tell("")
        self._call(told)

    def _tell(self, problem: str) -> str | None:
        """Return the problem if it has begun or ended, and not only its text has changed."""
        changed = bool(problem) != bool(self.problem)
        self.problem = problem
        if not changed:
            return None
        if problem:
            _LOG.error(f"{self.folder}: recording has stopped: {problem}; watching goes on")
        else:
            _LOG.info(f"{self.folder}: recording goes on")
        return problem

    def _call(self, told: str | None) -> None:
        if told is not None and self._on_change is not None:
            self._on_change(told)


def why(error: Exception) -> str:
    """Return the reason of a failure in one line."""
    if isinstance(error, LookbackError):
        return str(error)
    # Raised while our own file is written, which is no fault of ours.
    return getattr(error, "strerror", None) or reason(error)


def _free_bytes(folder: Path) -> int:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0
