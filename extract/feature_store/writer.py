"""Writing the feature store in parts, which are there whole or not at all.

`part.py` describes a part, `folder.py` the folder. A program that is killed loses the part that it
was filling, at most half a minute, and computes those videos again.
"""

import json
import math
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import numpy as np

from extract.feature_store import folder
from extract.feature_store.earlier_file import take_over
from extract.feature_store.part import Part, VideoRows
from recipes.commands import command
from video.errors import LookbackError

_PART_SECONDS, _PART_BYTES = 30.0, 2**28
_MEMORY_BYTES = 2**24  # of the features of one video; those of a longer one are in a file
_STALE_SECONDS = 3600.0  # a part is written in less, so an older file has no writer any more


@dataclass
class _Unfinished:
    """A video that is being computed."""

    source: dict
    features: IO[bytes]
    seconds: list[np.ndarray] = field(default_factory=lambda: [np.empty(0)])
    motion: list[np.ndarray] = field(default_factory=list)


class FeatureWriter:
    """Writer of a store, a context manager. Several programs may write one folder."""

    def __init__(self, path: Path, spec: dict, manifest_sha256: str = "", shard: str = "") -> None:
        """Read which videos the store has.

        Features of another spec go to the store `<stem>.previous`, and come back when their spec
        is asked for again.

        Args:
            path: The store: a folder, or a file.
            spec: Description of the features, as JSON-compatible values.
            manifest_sha256: Hash of the manifest, for index.json.
            shard: Name of this writer's shard; empty without shards. A shard adds parts only, and
                refuses those of another spec or manifest.

        Raises:
            LookbackError: The store cannot be read or written, or is of another program.
        """
        self.path, self.spec = path, json.loads(json.dumps(spec))
        self._manifest_sha256, self._folder = manifest_sha256, folder.parts_folder(path)
        self._marks = {"shard": shard, "manifest_sha256": manifest_sha256} if shard else {}
        self._dtype, self._size = np.dtype(spec["dtype"]), int(spec["feature_size"])
        with self._explained():
            take_over(path)
            self._folder.mkdir(parents=True, exist_ok=True)
            for each in self._folder.glob(folder.WRITING):
                if time.time() - each.stat().st_mtime > _STALE_SECONDS:
                    each.unlink()
            if shard:
                folder.refuse_others(path, self.spec, manifest_sha256)
            else:
                folder.set_aside_other_spec(path, self.spec)
        self._stored = _places_of(folder.read_parts(path))
        self._sources = {
            video: part.source(number)
            for video, (part, number) in self._stored.items()
            if part.first[number] < part.first[number + 1]
        }
        twins = reversed(self._sources.items())
        self._contents = {each.get("sha256"): video for video, each in twins}
        self._unfinished: dict[str, _Unfinished] = {}
        self._finished: dict[str, VideoRows] = {}  # those of the open part

    def has(self, video: str, source: dict) -> bool:
        """Return whether the store has features of a video with this source."""
        return self._sources.get(video) == source

    def reuse(self, video: str, source: dict) -> bool:
        """Copy the features of a video with the same content, such as a renamed file.

        Returns:
            Whether the store had features of the same content.
        """
        twin = self._contents.get(source["sha256"])
        if twin is None or twin == video or not self.has(twin, source):
            return False
        if (rows := self._finished.get(twin)) is None:
            part, number = self._stored[twin]
            rows = part.rows(number)
        self._keep(replace(rows, video=video))
        return True

    def begin(self, video: str, source: dict) -> None:
        """Start a video. The features that it had count until `finish`."""
        spool = tempfile.SpooledTemporaryFile(_MEMORY_BYTES, dir=self.path.parent)  # noqa: SIM115
        self._unfinished[video] = _Unfinished(source, spool)

    def append(
        self,
        video: str,
        features: np.ndarray,
        seconds: np.ndarray,
        motion: np.ndarray | None = None,
    ) -> None:
        """Append steps of a video that was begun: features (n, D), times (n,), motion (n, 16).

        Either all steps of a video have motion energy or none.

        Raises:
            LookbackError: The disk is full or failed.
        """
        unfinished = self._unfinished[video]
        with self._explained():
            unfinished.features.write(np.asarray(features, self._dtype).tobytes())
        unfinished.seconds.append(seconds)
        if motion is not None:
            unfinished.motion.append(motion)

    def finish(self, video: str, note: str = "") -> None:
        """Complete a video. It is on disk when its part closes, within half a minute.

        `note` is a problem of the video, such as an early end.

        Raises:
            LookbackError: The disk is full or failed. Videos of earlier parts are not lost.
        """
        done = self._unfinished.pop(video)
        seconds = np.concatenate(done.seconds)
        motion = np.concatenate(done.motion) if done.motion else None
        with self._explained():
            long = done.features.tell() > _MEMORY_BYTES
            done.features.seek(0)  # writes what is buffered
            if long:
                flat = np.memmap(done.features, self._dtype, "r")
            else:
                flat = np.frombuffer(done.features.read(), self._dtype)
        features = flat.reshape(len(seconds), self._size)
        self._keep(VideoRows(video, done.source, features, seconds, motion, note))

    def discard(self, video: str) -> None:
        """Note that a video cannot be read: features that it had do not count any more."""
        self._unfinished.pop(video, None)
        if video in self._sources:
            self._keep(VideoRows(video, {}, np.empty((0, self._size)), np.empty(0)))
            del self._sources[video]

    def _keep(self, rows: VideoRows) -> None:
        if not self._finished:
            self._opened, self._bytes = time.monotonic(), 0
        self._finished[rows.video] = rows
        self._sources[rows.video] = rows.source
        self._contents[rows.source.get("sha256")] = rows.video
        self._bytes += rows.features.nbytes
        if self._bytes > _PART_BYTES or time.monotonic() - self._opened > _PART_SECONDS:
            self._close_part()

    def _close_part(self) -> None:
        while self._finished:
            with self._explained():
                videos = list(self._finished.values())
                part = Part(folder.add_part(self.path, self.spec, videos, self._marks))
            if self._marks:  # on S3 it may be that of another attempt, which lacks some videos
                folder.refuse_other(part, self.spec, self._manifest_sha256)
            self._stored |= _places_of([part])
            there = {video: part.source(number) for number, video in enumerate(part.videos)}
            kept = self._finished.items()
            self._finished = {v: rows for v, rows in kept if there.get(v) != rows.source}

    def close(self) -> None:
        """Write the videos that are finished, join small parts, and leave out replaced videos.

        Of a shard, the parts stay as they are: other shards may be running.
        """
        self._close_part()
        if self._marks:
            return
        self._stored = {}
        parts = folder.read_parts(self.path)
        places = _places_of(parts)
        for group in _groups(parts, math.inf if folder.is_file(self.path) else _PART_BYTES):
            those = [(part, n) for part in group for n in range(len(part.videos))]
            current = [(part, n) for part, n in those if places[part.videos[n]] == (part, n)]
            if len(group) > 1 or len(current) < len(those):
                with self._explained():
                    videos = [part.rows(number) for part, number in current]
                    for part in group:
                        part.close()  # Windows removes no file that is mapped
                    parts = [*parts, Part(folder.add_part(self.path, self.spec, videos))]
                    for part in group:
                        with suppress(PermissionError):  # read on Windows; a later run removes it
                            part.path.unlink(missing_ok=True)
        if parts and not folder.is_file(self.path):
            with self._explained():
                left = [part for part in parts if part.path.exists()]
                folder.write_index(self.path, left, self._manifest_sha256)
        elif parts:
            with suppress(OSError, ValueError):  # another program writes there
                (whole,) = folder.part_paths(self.path)
                whole.replace(self.path)
                self._folder.rmdir()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise LookbackError(
                f"{self.path}: cannot be written ({reason}); the videos of finished parts are "
                f"saved: free disk space and run {command('extract')} again"
            ) from None

    def __enter__(self) -> "FeatureWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_) -> None:
        if kind is None:
            self.close()
            return
        with suppress(LookbackError):  # the disk may be full; the first error is told
            self._close_part()


def _places_of(parts: list[Part]) -> dict[str, tuple[Part, int]]:
    """Return the part of each video and the video's number in it."""
    return {video: (part, n) for part in parts for n, video in enumerate(part.videos)}


def _groups(parts: list[Part], limit: float) -> list[list[Part]]:
    """Return neighbors that together have at most `limit` bytes."""
    groups: list[list[Part]] = []
    total = 0
    for part in parts:
        size = part.path.stat().st_size
        if not groups or total + size > limit:
            groups.append([])
            total = 0
        groups[-1].append(part)
        total += size
    return groups
