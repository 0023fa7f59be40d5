"""Small feature stores, written without pixels: every test says what the features are."""

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
    """A clip of a store: its features (N, D), and what the manifest says of it."""

    video: str
    rows: np.ndarray
    label: str
    split: str = "train"
    group: str = ""
    start: float | None = None
    end: float | None = None

    @property
    def entry(self) -> Entry:
        group = self.group or self.video
        return Entry(self.video, self.label, self.split, group, self.start, self.end)


def spec_of(feature_size: int, dtype: str = "float32", **values) -> dict:
    """Return the spec of a store whose features no network made."""
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
    path: Path, videos: dict[str, np.ndarray], dtype: str = "float32", **spec
) -> FeatureStore:
    """Write features (N, D) by video, ten steps a second, and open the store; `spec` changes what
    it says of them."""
    size = next(iter(videos.values())).shape[1]
    with FeatureWriter(path, spec_of(size, dtype, **spec)) as writer:
        for video, rows in videos.items():
            writer.begin(video, {"size": 0, "sha256": ""})
            writer.append(video, rows, np.arange(len(rows)) / 10)
            writer.finish(video)
    return FeatureStore(path)


def dataset_of(folder: Path, clips: list[Clip], look_back: int, **spec) -> Dataset:
    """Write the clips' features and return their dataset."""
    videos = {clip.video: clip.rows for clip in clips}
    store = store_of(folder / "features.h5", videos, **spec)
    manifest = Manifest(folder / "manifest.csv", tuple(clip.entry for clip in clips))
    return Dataset(store, manifest, look_back)


def is_mapped(array: np.ndarray) -> bool:
    """Return whether an array lies in a file that is mapped into memory."""
    while isinstance(array, np.ndarray):
        array = array.base
    return isinstance(array, mmap.mmap)


def sequence_recipe(**values) -> Sequence:
    """Return the default recipe's `sequence`, made small, with some values changed."""
    small = {"units": (8,), "dropout": 0.0, "epochs": 3, "patience": 0}
    return load().recipe.sequence.model_copy(update={**small, **values})
