"""Crash-safe writing of the feature store: finished videos are kept however the program ends.

`reader.py` describes the layout, `rollback_file.py` the file object below HDF5.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from extract.feature_store.reader import (
    DATASETS,
    EXTERNAL,
    FORMAT,
    VERSION,
    complete_sources,
    lock_store,
    read_spec,
    spec_sha256,
    video_id,
)
from extract.feature_store.rollback_file import RollbackFile, roll_back
from recipes.commands import command
from training.interruption import defer_interrupts
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)

_MAX_BUFFERED_ROWS = 1024  # longer videos are written in parts of at least this many rows
_CHUNK_ROWS = 256
_METADATA_CACHE_BYTES = 2**18


@dataclass
class _Pending:
    """Unfinished video with buffered rows.

    Attributes:
        group: HDF5 group of the video.
        features: Buffered features, arrays (n, D).
        motion: Buffered motion energy of the same steps, arrays (n, 16); empty without motion.
        seconds: Times of all steps so far.
        rows: Number of rows already in the file.
    """

    group: h5py.Group
    features: list[np.ndarray]
    motion: list[np.ndarray]
    seconds: list[float]
    rows: int = 0

    @property
    def buffers(self) -> tuple[tuple[str, list[np.ndarray]], ...]:
        """The buffered arrays of the datasets that grow."""
        return ("features", self.features), ("motion", self.motion)


class FeatureWriter:
    """Writer of a store, a context manager.

    Once `finish` has returned for a video, it is kept however the program ends.
    """

    @defer_interrupts()
    def __init__(self, path: Path, spec: dict) -> None:
        self.path = path
        self.spec = spec
        self._dtype = np.dtype(spec["dtype"])
        self._pending: dict[str, _Pending] = {}
        self._by_content: dict[str, str] | None = None
        self._raw = RollbackFile(path)
        self._file = None
        try:
            new = self._raw.seek(0, 2) == 0
            self._file = h5py.File(self._raw, "w" if new else "r+")
            _bound_metadata_cache(self._file)
            if new:
                self._file.attrs["format"] = FORMAT
                self._file.attrs["version"] = VERSION
                self._file.attrs["spec"] = json.dumps(spec, sort_keys=True)
                self._file.attrs["spec_sha256"] = spec_sha256(spec)
                self._file.create_group("videos")
                self._commit()
        except BaseException:
            if self._file:
                self._file.close()  # before its file object, or HDF5 would crash the interpreter
            self._raw.close()
            raise

    @defer_interrupts()
    def has(self, video: str, source: dict) -> bool:
        """Return whether the store has complete features of a video with this source."""
        group = self._file["videos"].get(video_id(video))
        if group is None or not group.attrs.get("complete"):
            return False
        return json.loads(group.attrs["source"]) == source

    @defer_interrupts()
    def reuse(self, video: str, source: dict) -> bool:
        """Share the features of a video with the same content, such as a renamed file.

        The arrays are linked, not copied. They are on disk when this method returns.

        Args:
            video: Video that gets the features.
            source: Its size and SHA-256.

        Returns:
            Whether the store had features of the same content.

        Raises:
            LookbackError: The disk is full or failed.
        """
        twin = self._contents().get(_content_key(source))
        if twin is None or twin == video or not self.has(twin, source):
            return False
        group = self._new_group(video, source)
        other = self._file["videos"][video_id(twin)]
        for name in DATASETS:
            if name in other:  # features of other programs, and older ones, have no motion
                group[name] = other[name]
        group.attrs["note"] = other.attrs.get("note", "")
        group.attrs["complete"] = True
        self._commit()
        return True

    def _contents(self) -> dict[str, str]:
        """Return one complete video per content. It may have been replaced since."""
        if self._by_content is None:
            self._by_content = {
                _content_key(source): video
                for video, source in complete_sources(self._file["videos"])
            }
        return self._by_content

    @defer_interrupts()
    def begin(self, video: str, source: dict) -> None:
        """Start a video and delete the features it had."""
        self._pending[video] = _Pending(self._new_group(video, source), [], [], [])

    def _new_group(self, video: str, source: dict) -> h5py.Group:
        name = video_id(video)
        if name in self._file["videos"]:
            del self._file["videos"][name]
        group = self._file["videos"].create_group(name)
        group.attrs["path"] = video
        group.attrs["source"] = json.dumps(source)
        return group

    @defer_interrupts()
    def append(
        self,
        video: str,
        features: np.ndarray,
        seconds: np.ndarray,
        motion: np.ndarray | None = None,
    ) -> None:
        """Append steps of a video.

        Args:
            video: Video that was begun.
            features: Features (n, D) of any float dtype.
            seconds: Times (n,) in seconds.
            motion: Motion energy (n, 16), see `video.motion`. Either all steps of a video have it
                or none.
        """
        pending = self._pending[video]
        if motion is not None:
            pending.motion.append(np.asarray(motion, np.float32))
        pending.features.append(np.asarray(features, self._dtype))
        pending.seconds.extend(float(value) for value in seconds)
        if sum(len(part) for part in pending.features) >= _MAX_BUFFERED_ROWS:
            self._grow(pending)
            if self._raw.error:  # fail early, not at the end of a long video
                raise self._failure(self._raw.error)

    @defer_interrupts()
    def finish(self, video: str, note: str = "") -> None:
        """Complete a video. It is on disk when this method returns.

        Args:
            video: Video that was begun.
            note: Problem of the file, such as an early end; empty without one.

        Raises:
            LookbackError: The disk is full or failed. Finished videos are not lost.
        """
        pending = self._pending.pop(video)
        group = pending.group
        if "features" in group:
            self._grow(pending)
        else:
            for name, parts in pending.buffers:
                if parts:
                    group.create_dataset(name, data=np.concatenate(parts))
        group.create_dataset("seconds", data=np.asarray(pending.seconds, np.float64))
        group.attrs["note"] = note
        group.attrs["complete"] = True
        if self._by_content is not None:
            self._by_content[_content_key(json.loads(group.attrs["source"]))] = video
        self._commit()

    @defer_interrupts()
    def discard(self, video: str) -> None:
        """Delete a video that cannot be completed, with any earlier features of it."""
        self._pending.pop(video, None)
        if video_id(video) in self._file["videos"]:
            del self._file["videos"][video_id(video)]
            self._commit()  # otherwise the features of the earlier file would come back

    def _grow(self, pending: _Pending) -> None:
        count = sum(len(part) for part in pending.features)
        for name, parts in pending.buffers:
            if parts:
                _append(pending.group, name, np.concatenate(parts), pending.rows)
                parts.clear()
        pending.rows += count

    def _commit(self) -> None:
        self._file.flush()
        try:
            self._raw.commit()
        except OSError as error:
            raise self._failure(error) from None

    def _failure(self, error: OSError) -> LookbackError:
        return LookbackError(
            f"{self.path}: cannot be written ({error.strerror or error}); the videos finished so "
            f"far are saved: free disk space and run {command('extract')} again"
        )

    @defer_interrupts()
    def close(self) -> None:
        self._file.close()
        self._raw.close()

    def __enter__(self) -> "FeatureWriter":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def _append(group: h5py.Group, name: str, rows: np.ndarray, start: int) -> None:
    """Append rows (n, width) to a dataset, which has `start` rows or does not exist yet."""
    if name not in group:
        width = rows.shape[1]
        group.create_dataset(
            name,
            shape=(0, width),
            maxshape=(None, width),
            chunks=(_CHUNK_ROWS, width),
            dtype=rows.dtype,
        )
    group[name].resize(start + len(rows), axis=0)
    group[name][start:] = rows


def _content_key(source: dict) -> str:
    return json.dumps(source, sort_keys=True)


def _bound_metadata_cache(file: h5py.File) -> None:
    """Limit HDF5's cache of metadata, which would grow with the number of finished videos."""
    config = file.id.get_mdc_config()
    config.set_initial_size = True
    config.initial_size = config.min_size = config.max_size = _METADATA_CACHE_BYTES
    file.id.set_mdc_config(config)


@contextmanager
def open_writer(path: Path, spec: dict) -> Iterator[FeatureWriter]:
    """Open a store for exclusive writing.

    Features of different specs are never mixed. A file of another spec becomes features.previous.h5
    and is restored when its spec is requested again.

    Args:
        path: Path of the store.
        spec: Description of the features, as JSON-compatible values.

    Raises:
        LookbackError: Another program writes the store, or the path cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LookbackError(f"{path}: cannot be written ({error.strerror})") from None
    with lock_store(path):
        roll_back(path)
        _park_other_spec(path, spec)
        with FeatureWriter(path, spec) as writer:
            yield writer


def _park_other_spec(path: Path, spec: dict) -> None:
    previous = path.with_name(f"{path.stem}.previous{path.suffix}")
    swap = path.with_name(path.name + ".swap")
    if swap.exists():  # an earlier run was killed during the swap below: finish it
        if not path.exists():
            previous.replace(path)
        swap.replace(previous)
    if not path.exists() or path.stat().st_size == 0 or _has_spec(path, spec):
        return
    if _is_external(path):
        raise LookbackError(
            f"{path}: holds features of another program, which are not replaced; use another "
            "--features FILE, or move this one away"
        )
    current = _differences(path, spec)
    if previous.exists() and _has_spec(previous, spec):
        path.replace(swap)
        previous.replace(path)
        swap.replace(previous)
        _LOG.warning(f"note: {path}: restored from {previous}, which now has {current}")
        return
    dropped = _differences(previous, spec) if previous.exists() else ""
    path.replace(previous)
    _LOG.warning(f"note: {path}: had {current}; the file is now {previous}")
    if dropped:
        _LOG.warning(
            f"note: {previous}: its earlier content was deleted: {dropped}; use a different "
            "--features FILE for each of several settings"
        )


def _is_external(path: Path) -> bool:
    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            return json.loads(file.attrs["spec"])["backbone"] == EXTERNAL
    except (OSError, KeyError, TypeError, ValueError):
        return False


def _differences(path: Path, spec: dict) -> str:
    """Describe the features in a file by the settings that differ from `spec`."""
    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            there, wanted = _flat(read_spec(path, file)), _flat(spec)
    except (OSError, LookbackError):
        return "unreadable content"
    others = [f"{key} {value}" for key, value in there.items() if wanted.get(key) != value]
    return f"features of other settings ({', '.join(others)})"


def _flat(spec: dict) -> dict[str, str]:
    flat = {}
    for key, value in spec.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{name}": str(inner) for name, inner in value.items()}
        else:
            # The start of a hash identifies it.
            flat[key] = str(value)[:12] if key.endswith("sha256") else str(value)
    return flat


def _has_spec(path: Path, spec: dict) -> bool:
    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            return read_spec(path, file) == json.loads(json.dumps(spec))
    except OSError:
        return False
