"""Feature stores with given features, for tests that need no videos."""

import mmap
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clips.manifest import Entry, Manifest
from extract.feature_store.reader import FeatureStore
from extract.feature_store.writer import FeatureWriter
from recipes.loader import load
from recipes.schema import Sequence
from sequence.dataset import Dataset


@dataclass(frozen=True)
class Clip:
    """Features (N, D) of a clip with its row of the manifest, and its motion (N, 16) if any."""

    video: str
    rows: np.ndarray
    label: str
    split: str = "train"
    group: str = ""
    start: float | None = None
    end: float | None = None
    motion: np.ndarray | None = None

    @property
    def entry(self) -> Entry:
        group = self.group or self.video
        return Entry(self.video, self.label, self.split, group, self.start, self.end)


def spec_of(feature_size: int, dtype: str = "float32", **values) -> dict:
    """Return a spec of made-up features, with some values changed."""
    spec = {
        "backbone": "tiny",
        "weights_sha256": "0" * 64,
        "feature_size": feature_size,
        "clip_length": 1,
        "sampling": {"fps": 10.0, "hop": 1},
        "preprocessing": {"width": 8, "height": 8, "resize": "stretch", "short_side": 0},
        "precision": "f32",
        "dtype": dtype,
    }
    return {**spec, **values}


def store_of(
    path: Path,
    videos: dict[str, np.ndarray],
    dtype: str = "float32",
    motion: dict[str, np.ndarray] | None = None,
    **spec,
) -> FeatureStore:
    """Write features (N, D) of videos with 10 steps per second, and open the store.

    `motion` (N, 16) may be given for some videos. `spec` changes values of the store's spec.
    """
    size = next(iter(videos.values())).shape[1]
    with FeatureWriter(path, spec_of(size, dtype, **spec)) as writer:
        for video, rows in videos.items():
            writer.begin(video, {"size": 0, "sha256": ""})
            writer.append(video, rows, np.arange(len(rows)) / 10, (motion or {}).get(video))
            writer.finish(video)
    return FeatureStore(path)


def dataset_of(folder: Path, clips: list[Clip], look_back: int, **spec) -> Dataset:
    """Write the clips' features and return their dataset."""
    videos = {clip.video: clip.rows for clip in clips}
    motion = {clip.video: clip.motion for clip in clips if clip.motion is not None}
    store = store_of(folder / "features.h5", videos, motion=motion, **spec)
    manifest = Manifest(folder / "manifest.csv", tuple(clip.entry for clip in clips))
    return Dataset(store, manifest, look_back)


def is_mapped(array: np.ndarray) -> bool:
    """Return whether an array is memory-mapped from a file."""
    while isinstance(array, np.ndarray):
        array = array.base
    return isinstance(array, mmap.mmap)


def sequence_recipe(**values) -> Sequence:
    """Return the sequence settings of the default recipe for a small model, with changes."""
    small = {"units": (8,), "dropout": 0.0, "epochs": 3, "patience": 0}
    return load().recipe.sequence.model_copy(update={**small, **values})
