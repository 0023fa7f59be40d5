"""Clips of a mirror: an empty file stands for each, and its content comes when it is read.

A clip is staged by one request, hashed, read, and emptied again. What is read many times is kept.
"""

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from storage import copies, trees
from storage.mirror import with_urls
from storage.remote import Entry, MissingError
from video.errors import VideoError
from video.staging import Stage, stage_with


def entry_of(path: Path) -> Entry | None:
    """Return what the storage has of a clip; None if a path is none of a mirror's clips."""
    found = trees.tree_of(path)
    return found[0].listing.get(found[1]) if found else None


@dataclass
class _Staged:
    """A clip that is there for some readers."""

    readers: int = 0
    was_stub: bool = False
    ready: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class ClipStage(Stage):
    """Stages clips in their places in the mirror. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._staged: dict[Path, _Staged] = {}
        self._hashes: dict[Path, tuple[str, str]] = {}

    def size(self, path: Path) -> int | None:
        entry = entry_of(path)
        return entry.size if entry else None

    def tag(self, path: Path) -> str | None:
        entry = entry_of(path)
        return entry.tag if entry else None

    @contextmanager
    def staged(self, path: Path) -> Iterator[None]:
        """See `Stage`.

        Raises:
            VideoError: There is no such clip any more.
            LookbackError: The storage cannot be read.
        """
        entry = entry_of(path)
        if entry is None:
            yield
            return
        with self._lock:
            clip = self._staged.setdefault(path, _Staged())
            clip.readers += 1
        try:
            with clip.lock:
                if not clip.ready:
                    self._fetch(path, entry, clip)
            yield
        finally:
            with self._lock:
                clip.readers -= 1
                if not clip.readers:
                    del self._staged[path]
                    if clip.was_stub:
                        with suppress(FileNotFoundError):  # the mirror was emptied
                            os.truncate(path, 0)

    def _fetch(self, path: Path, entry: Entry, clip: _Staged) -> None:
        clip.was_stub = not copies.is_copy(path, entry)
        clip.ready = not clip.was_stub
        if clip.ready:
            return
        try:
            copies.fetch(path, entry)
        except MissingError:
            raise VideoError(f"{path}: there is no such file any more") from None
        with path.open("rb") as file:
            self._hashes[path] = entry.tag, hashlib.file_digest(file, "sha256").hexdigest()
        clip.ready = True

    def sha256(self, path: Path) -> str | None:
        """Return the hash of a clip that was staged in this process; None if it was not."""
        tag, sha256 = self._hashes.get(path, ("", ""))
        return sha256 if sha256 and tag == self.tag(path) else None

    def keep(self, paths: Iterable[Path]) -> None:
        """Copy clips down that are read many times, some at a time; they stay in the mirror.

        Raises:
            LookbackError: The storage cannot be read, or the disk is full.
        """
        found = {path: entry for path in paths if (entry := entry_of(path))}
        try:
            copies.fetch_all(found)
        except MissingError as error:
            raise VideoError(with_urls(str(error))) from None


CLIPS = ClipStage()
stage_with(CLIPS)
