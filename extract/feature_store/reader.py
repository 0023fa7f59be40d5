"""Reading the feature store, an HDF5 file with the features of all videos.

    /                       attributes: format, version, spec (JSON), spec_sha256
    /videos/<id>            attributes: path, source (JSON: size, sha256), note, complete (last)
        features  (N, D)    float32, or float16 on request
        seconds   (N,)      float64, time of each step in seconds
        motion    (N, 16)   float32, motion energy since the step before; optional

`<id>` is the video's path with all characters but letters, digits and `_.-~` percent-encoded. A
video's features are used only if they are complete and both source and spec match.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, unquote

import filelock
import h5py
import numpy as np

from clips.manifest.duplicates import content_sha256, content_size
from extract.feature_store.rollback_file import journal_path, roll_back
from recipes.commands import command
from recipes.loader import Settings
from video.errors import LookbackError
from video.motion import CELLS

FORMAT, VERSION = "lookback-features", 1
# Backbone name in the spec of features that another program computed.
EXTERNAL = "external"
DATASETS = ("features", "seconds", "motion")
_MAX_OPEN_DATASETS = 512

# Keys of a spec that the second stage needs; those of `sampling` with a dot.
_KEYS = ("backbone", "weights_sha256", "feature_size", "sampling.fps")
_OWN_KEYS = ("clip_length", "sampling.hop", "precision", "dtype")
_EXTERNAL_DEFAULTS = {"clip_length": 1, "precision": "f32", "dtype": "float32"}


def features_path(settings: Settings) -> Path:
    """Return the path of the feature file that the settings name."""
    data = settings.recipe.data
    return Path(data.features) if data.features else Path(data.folder) / "features.h5"


def change_path(path: Path) -> Path:
    """Return the path of the features of change pictures beside those of frames, with
    `backbone.input: auto`.

    >>> change_path(Path("data/features.h5")).as_posix()
    'data/features.change.h5'
    """
    return path.with_name(f"{path.stem}.change{path.suffix}")


def video_id(path: str) -> str:
    """Return the name of a video's HDF5 group.

    >>> video_id("clips/fight/a b.mp4")
    'clips%2Ffight%2Fa%20b.mp4'
    """
    return quote(path, safe="")


def spec_sha256(spec: dict) -> str:
    """Return the SHA-256 of a spec in hex, independent of the order of its keys."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()


def source_of(path: Path) -> dict:
    """Return a video's size in bytes and SHA-256, which detect a changed video."""
    return {"size": content_size(path), "sha256": content_sha256(path)}


class FeatureStore:
    """Reader of a feature store. Open it in the process that uses it.

    Raises:
        LookbackError: The file is missing, is not a feature store, or is being written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file() or path.stat().st_size == 0:
            raise LookbackError(
                f"{path}: there are no features yet; {command('extract')} makes them"
            )
        _let_writer_finish(path)
        try:
            self._file = h5py.File(path, "r", locking="best-effort")
        except OSError as error:
            raise LookbackError(
                f"{path}: cannot be opened as HDF5 ({str(error)[:80]}); remove it and run "
                + command("extract")
            ) from None
        self.spec = read_spec(path, self._file)
        self.spec_sha256 = spec_sha256(self.spec)
        self._open: dict[str, h5py.Dataset] = {}

    @property
    def feature_size(self) -> int:
        """D, the width of a feature."""
        return int(self.spec["feature_size"])

    def __contains__(self, video: str) -> bool:
        if video in self._open:
            return True
        group = self._file["videos"].get(video_id(video))
        return group is not None and bool(group.attrs.get("complete"))

    def contents(self) -> dict[str, str]:
        """Return the SHA-256 of each complete video's content, also under former paths."""
        return {
            video: source["sha256"]
            for video, source in complete_sources(self._file["videos"])
            if source.get("sha256")
        }

    def steps(self, video: str) -> int:
        """Return N, the number of steps of a video."""
        return len(self._features(video))

    def features(self, video: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Return the features of a video's steps `start` to `stop` (exclusive): float32 (n, D)."""
        return self._features(video)[start:stop].astype(np.float32, copy=False)

    def seconds(self, video: str) -> np.ndarray:
        """Return the times of a video's steps in seconds: float64 (N,)."""
        self._features(video)
        return self._file["videos"][video_id(video)]["seconds"][:]

    def has_motion(self, video: str) -> bool:
        """Return whether a video has motion energy, see `video.motion`, for each of its steps.

        Features of other programs, and those of earlier versions, have none.
        """
        dataset = self._file["videos"][video_id(video)].get("motion")
        return isinstance(dataset, h5py.Dataset) and dataset.shape == (self.steps(video), CELLS)

    def motion(self, video: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Return the motion energy of the steps `start` to `stop` (exclusive): float32 (n, 16).

        Only for a video that `has_motion`.
        """
        rows = self._file["videos"][video_id(video)]["motion"][start:stop]
        return rows.astype(np.float32, copy=False)

    def _features(self, video: str) -> h5py.Dataset:
        # Cache open datasets: in HDF5 a lookup by name is slower than reading a window.
        if video not in self._open:
            if video not in self:
                raise LookbackError(
                    f"{self.path}: has no features of {video}; {command('extract')} computes them"
                )
            if len(self._open) >= _MAX_OPEN_DATASETS:
                self._open.pop(next(iter(self._open)))
            self._open[video] = self._checked(video)
        return self._open[video]

    def _checked(self, video: str) -> h5py.Dataset:
        group = self._file["videos"][video_id(video)]
        missing = [name for name in ("features", "seconds") if name not in group]
        if missing:
            raise LookbackError(f"{self.path}: {video} has no {missing[0]}")
        features, seconds = group["features"], group["seconds"]
        if features.ndim != 2 or features.shape[1] != self.feature_size:
            raise LookbackError(
                f"{self.path}: the features of {video} have the shape {features.shape}, but the "
                f"spec's feature_size is {self.feature_size}"
            )
        if seconds.shape != features.shape[:1]:
            raise LookbackError(
                f"{self.path}: {video} has {len(features)} features, but seconds of the shape "
                f"{seconds.shape}"
            )
        return features

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "FeatureStore":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def complete_sources(videos: h5py.Group) -> Iterator[tuple[str, dict]]:
    """Yield each complete video of a store with its source, {} if the source is missing."""
    for name, group in videos.items():
        if group.attrs.get("complete"):
            yield unquote(name), json.loads(group.attrs.get("source", "{}"))


def _let_writer_finish(path: Path) -> None:
    """Roll back the changes of a killed writer; refuse a store that is being written."""
    left = journal_path(path).exists()
    if not left and not (lock_path(path).exists() and os.access(path.parent, os.W_OK)):
        return  # no writer has been here, or none can be
    with lock_store(path):
        roll_back(path)


def read_spec(path: Path, file: h5py.File) -> dict:
    """Return the spec of an open store.

    The spec of another program may leave out keys that have a usual value.

    Raises:
        LookbackError: The file has another format or version, or its spec lacks a key.
    """
    if file.attrs.get("format") != FORMAT or file.attrs.get("version") != VERSION:
        raise LookbackError(
            f"{path}: not a feature file of this version; move it away and run {command('extract')}"
        )
    try:
        spec = json.loads(file.attrs["spec"])
        given = {*spec, *(f"sampling.{key}" for key in spec.get("sampling", {}))}
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError):
        raise LookbackError(
            f"{path}: its attribute spec is missing or not JSON; docs/files.md describes it"
        ) from None
    own = spec.get("backbone") != EXTERNAL
    if missing := [key for key in (*_KEYS, *(_OWN_KEYS if own else ())) if key not in given]:
        raise LookbackError(
            f"{path}: its spec lacks {', '.join(missing)}; docs/files.md describes the keys"
            + (f" (of features of another program, with the backbone {EXTERNAL!r})" if own else "")
        )
    if own:
        return spec
    return {**_EXTERNAL_DEFAULTS, **spec, "sampling": {"hop": 1, **spec["sampling"]}}


def lock_path(path: Path) -> Path:
    """Return the path of a store's lock file."""
    return path.with_name(path.name + ".lock")


@contextmanager
def lock_store(path: Path) -> Iterator[None]:
    """Hold the lock of a store. The system releases it whenever the process ends."""
    lock = filelock.FileLock(lock_path(path))
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise LookbackError(
            f"{path}: another program is writing it; wait for it, or use another --features"
        ) from None
    except OSError as error:
        raise LookbackError(
            f"{path}: cannot be written ({error.strerror}); use another --features FILE"
        ) from None
    try:
        yield
    finally:
        lock.release()
