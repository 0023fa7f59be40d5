"""Writing the feature store, so that whatever ends the program, what was finished stays.

The layout is described in `reader.py`, the file below HDF5 in `rollback_file.py`.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from extract.feature_store.reader import (
    FORMAT,
    VERSION,
    complete_sources,
    read_spec,
    spec_sha256,
    video_id,
    writing_alone,
)
from extract.feature_store.rollback_file import RollbackFile, roll_back
from recipes.commands import command
from training.interruption import defer_interrupts
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)

_ROWS_HELD = 1024  # a shorter video is written in one piece, a longer one grows by as many rows
_CHUNK_ROWS = 256
_METADATA_CACHE_BYTES = 2**18


@dataclass
class _Pending:
    """A video being written: rows that wait for their place in the file."""

    group: h5py.Group
    features: list[np.ndarray]
    seconds: list[float]
    rows: int = 0


class FeatureWriter:
    """Writes a store; a context manager. What `finish` has returned for survives any end."""

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
                self._file.close()  # before what it writes to: HDF5 would crash the interpreter
            self._raw.close()
            raise

    @defer_interrupts()
    def has(self, video: str, source: dict) -> bool:
        """Return whether a video's features are there, complete and of this very file."""
        group = self._file["videos"].get(video_id(video))
        if group is None or not group.attrs.get("complete"):
            return False
        return json.loads(group.attrs["source"]) == source

    @defer_interrupts()
    def reuse(self, video: str, source: dict) -> bool:
        """Give a video the features of another one with the same content, as of a renamed file.

        The arrays are shared, not copied. On disk when this returns.

        Returns:
            Whether there were such features.

        Raises:
            LookbackError: the disk is full or failed.
        """
        twin = self._contents().get(_content_key(source))
        if twin is None or twin == video or not self.has(twin, source):
            return False
        group = self._new_group(video, source)
        other = self._file["videos"][video_id(twin)]
        for name in ("features", "seconds"):
            group[name] = other[name]
        group.attrs["note"] = other.attrs.get("note", "")
        group.attrs["complete"] = True
        self._commit()
        return True

    def _contents(self) -> dict[str, str]:
        """Return a complete video for each content, which may have been replaced since."""
        if self._by_content is None:
            self._by_content = {
                _content_key(source): video
                for video, source in complete_sources(self._file["videos"])
            }
        return self._by_content

    @defer_interrupts()
    def begin(self, video: str, source: dict) -> None:
        """Start a video; features it had are dropped."""
        self._pending[video] = _Pending(self._new_group(video, source), [], [])

    def _new_group(self, video: str, source: dict) -> h5py.Group:
        name = video_id(video)
        if name in self._file["videos"]:
            del self._file["videos"][name]
        group = self._file["videos"].create_group(name)
        group.attrs["path"] = video
        group.attrs["source"] = json.dumps(source)
        return group

    @defer_interrupts()
    def append(self, video: str, features: np.ndarray, seconds: np.ndarray) -> None:
        """Add steps: features (n, D) of any float type, times (n,) in seconds."""
        pending = self._pending[video]
        pending.features.append(np.asarray(features, self._dtype))
        pending.seconds.extend(float(value) for value in seconds)
        if sum(len(part) for part in pending.features) >= _ROWS_HELD:
            self._grow(pending)
            if self._raw.error:  # no use in computing a long video to its end
                raise self._failure(self._raw.error)

    @defer_interrupts()
    def finish(self, video: str, note: str = "") -> None:
        """Complete a video; it is on disk when this returns.

        Raises:
            LookbackError: the disk is full or failed; what was complete before is kept.
        """
        pending = self._pending.pop(video)
        group = pending.group
        if "features" in group:
            self._grow(pending)
        else:
            group.create_dataset("features", data=np.concatenate(pending.features))
        group.create_dataset("seconds", data=np.asarray(pending.seconds, np.float64))
        group.attrs["note"] = note
        group.attrs["complete"] = True
        if self._by_content is not None:
            self._by_content[_content_key(json.loads(group.attrs["source"]))] = video
        self._commit()

    @defer_interrupts()
    def discard(self, video: str) -> None:
        """Drop a video that was begun and cannot be completed."""
        self._pending.pop(video, None)
        if video_id(video) in self._file["videos"]:
            del self._file["videos"][video_id(video)]
            self._commit()  # or the features of what the file was before would come back

    def _grow(self, pending: _Pending) -> None:
        if not pending.features:
            return
        rows = np.concatenate(pending.features)
        pending.features.clear()
        if "features" not in pending.group:
            pending.group.create_dataset(
                "features",
                shape=(0, rows.shape[1]),
                maxshape=(None, rows.shape[1]),
                chunks=(_CHUNK_ROWS, rows.shape[1]),
                dtype=self._dtype,
            )
        dataset = pending.group["features"]
        dataset.resize(pending.rows + len(rows), axis=0)
        dataset[pending.rows :] = rows
        pending.rows += len(rows)

    def _commit(self) -> None:
        self._file.flush()
        try:
            self._raw.commit()
        except OSError as error:
            raise self._failure(error) from None

    def _failure(self, error: OSError) -> LookbackError:
        return LookbackError(
            f"{self.path}: cannot be written ({error.strerror or error}); the videos finished so "
            f"far are kept: make room and run {command('extract')} again"
        )

    @defer_interrupts()
    def close(self) -> None:
        self._file.close()
        self._raw.close()

    def __enter__(self) -> "FeatureWriter":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def _content_key(source: dict) -> str:
    return json.dumps(source, sort_keys=True)


def _bound_metadata_cache(file: h5py.File) -> None:
    """Keep HDF5 from holding on to the metadata of thousands of videos that are done with."""
    config = file.id.get_mdc_config()
    config.set_initial_size = True
    config.initial_size = config.min_size = config.max_size = _METADATA_CACHE_BYTES
    file.id.set_mdc_config(config)


@contextmanager
def open_writer(path: Path, spec: dict) -> Iterator[FeatureWriter]:
    """Open a store for writing, alone. Features of another spec are never mixed in: such a file
    becomes features.previous.h5, and comes back when its spec is asked for again.

    Raises:
        LookbackError: another program writes it, or the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LookbackError(f"{path}: cannot be written ({error.strerror})") from None
    with writing_alone(path):
        roll_back(path)
        _park_other_spec(path, spec)
        with FeatureWriter(path, spec) as writer:
            yield writer


def _park_other_spec(path: Path, spec: dict) -> None:
    previous = path.with_name(f"{path.stem}.previous{path.suffix}")
    swap = path.with_name(path.name + ".swap")
    if swap.exists():  # the program ended in the middle of the exchange below: finish it
        if not path.exists():
            previous.replace(path)
        swap.replace(previous)
    if not path.exists() or path.stat().st_size == 0 or _has_spec(path, spec):
        return
    told = _differences(path, spec)
    if previous.exists() and _has_spec(previous, spec):
        path.replace(swap)
        previous.replace(path)
        swap.replace(previous)
        _LOG.warning(
            f"note: {path}: these features are back from {previous}, which now keeps {told}"
        )
        return
    dropped = _differences(previous, spec) if previous.exists() else ""
    path.replace(previous)
    _LOG.warning(f"note: {path} held {told}; they are now {previous}")
    if dropped:
        _LOG.warning(
            f"note: that replaced {dropped}; --features FILE keeps the features of several "
            "settings, each in a file of its own"
        )


def _differences(path: Path, spec: dict) -> str:
    """Return what the features in a file are, as far as those of `spec` are not."""
    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            there, wanted = _flat(read_spec(path, file)), _flat(spec)
    except (OSError, LookbackError):
        return "what cannot be read"
    others = [f"{key} {value}" for key, value in there.items() if wanted.get(key) != value]
    return f"features of other settings ({', '.join(others)})"


def _flat(spec: dict) -> dict[str, str]:
    flat = {}
    for key, value in spec.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{name}": str(inner) for name, inner in value.items()}
        else:
            flat[key] = str(value)[:12]  # of a hash no more than tells it apart
    return flat


def _has_spec(path: Path, spec: dict) -> bool:
    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            return read_spec(path, file) == json.loads(json.dumps(spec))
    except OSError:
        return False
