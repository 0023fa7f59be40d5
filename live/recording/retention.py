"""Deletion of old stills and recordings: by age, by total size and by free space."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from live.events.store import EventStore
from live.recording.disk import Disk, why
from live.recording.part import OPEN_PREFIX
from recipes.schema import Recording as RecordingSettings
from video.console import logger

_LOG = logger(__name__)

_FOLDERS = ("recordings", "stills")
_SUFFIXES = (".mp4", ".jpg")
_TEMPORARY = "part."
_DAY = 86_400.0
_GIGABYTE = 1e9
# More than the least free space is made free, so that recording can go on for a while.
_FREE_SHARE = 1.1


@dataclass(frozen=True)
class Cleaning:
    """What a run of the retention did.

    Attributes:
        deleted: Number of files that were deleted.
        freed: Their size in bytes.
        kept: Number of files that are left.
        size: Their size in bytes.
        unknown: Number of files that are left and that the database does not know.
    """

    deleted: int
    freed: int
    kept: int
    size: int
    unknown: int


@dataclass(frozen=True)
class _File:
    path: str
    time: float
    size: int
    is_known: bool


class Retention:
    """Deletes the oldest stills and recordings of a folder.

    Rows of events stay in the database. Files that a waiting message names, and recordings that
    are open, are spared.
    """

    def __init__(
        self,
        store: EventStore,
        settings: RecordingSettings,
        disk: Disk,
        utc: Callable[[], float] = time.time,
    ) -> None:
        """Prepare the deletion.

        Args:
            store: The database.
            settings: Section `live.recording` of the recipe.
            disk: The disk.
            utc: Present time in seconds since 1970.
        """
        self._store, self._settings, self._disk, self._utc = store, settings, disk, utc
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, seconds: float = 60.0) -> None:
        """Run at once and then every so many seconds, in a thread."""
        self._thread = threading.Thread(
            target=self._work, args=(seconds,), name="delete recordings", daemon=True
        )
        self._thread.start()

    def close(self, timeout: float = 1.0) -> None:
        """End the thread."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def run(self) -> Cleaning:
        """Delete once.

        Raises:
            LookbackError: The database cannot be read or written.
        """
        files, spared = self._files(), self._store.attachments()
        files.sort(key=lambda file: (file.time, file.path))
        total = sum(file.size for file in files)
        missing = self._missing(total)
        oldest = self._utc() - self._settings.keep_days * _DAY
        surplus = total - self._settings.keep_gigabytes * _GIGABYTE
        deleted: list[_File] = []
        freed = 0
        for file in files:
            is_old = file.time < oldest
            if not is_old and freed >= surplus and freed >= missing:
                break
            if file.path not in spared and self._store.delete_file(file.path):
                deleted.append(file)
                freed += file.size
        if deleted:
            self._store.mark_deleted([file.path for file in deleted])
            self._remove_empty_folders()
        unknown = sum(not file.is_known for file in files)
        unknown -= sum(not file.is_known for file in deleted)
        return Cleaning(len(deleted), freed, len(files) - len(deleted), total - freed, unknown)

    def _missing(self, total: int) -> float:
        """Return the bytes to delete for the least free space.

        Where everything is not enough, because others fill the disk, nothing is deleted for it.
        """
        free = self._disk.free()
        if free >= self._disk.least or free + total < self._disk.least:
            return 0.0
        return self._disk.least * _FREE_SHARE - free

    def _files(self) -> list[_File]:
        """Return the files that may be deleted."""
        times = {row.path: row.started for row in self._store.recordings() if row.complete}
        times.update(self._store.stills())
        is_open = {row.path for row in self._store.recordings(only_open=True)}
        found = []
        for folder in _FOLDERS:
            for path in sorted((self._store.folder / folder).rglob("*")):
                name = path.relative_to(self._store.folder).as_posix()
                final = name.replace(OPEN_PREFIX, "", 1) if OPEN_PREFIX in path.name else name
                is_ours = path.suffix in _SUFFIXES and not path.name.startswith(_TEMPORARY)
                if not is_ours or path.is_symlink() or final in is_open:
                    continue
                with suppress(OSError):  # it was deleted meanwhile
                    status = path.stat()
                    found.append(
                        _File(name, times.get(name, status.st_mtime), status.st_size, name in times)
                    )
        return found

    def _remove_empty_folders(self) -> None:
        for folder in _FOLDERS:
            for path in (self._store.folder / folder).glob("*/"):
                with suppress(OSError):  # not empty
                    path.rmdir()

    def _work(self, seconds: float) -> None:
        while True:
            try:
                self.run()
            except Exception as error:
                _LOG.error(f"{self._store.folder}: old files cannot be deleted ({why(error)})")
            if self._closing.wait(seconds):
                return
