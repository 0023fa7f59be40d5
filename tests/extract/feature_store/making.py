"""Features of made-up videos."""

from pathlib import Path

import numpy as np

from extract.feature_store.part import VideoRows
from extract.feature_store.writer import FeatureWriter

SOURCE = {"size": 3, "sha256": "abc"}


def spec_for(**values) -> dict:
    spec = {"backbone": "tiny", "weights_sha256": "0" * 64, "feature_size": 8, "clip_length": 1}
    spec |= {"sampling": {"fps": None, "hop": 1}, "precision": "f32", "dtype": "float32"}
    return {**spec, **values}


def rows_of(seed: int, count: int, size: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


def video_of(name: str, rows: np.ndarray, **values) -> VideoRows:
    """Return a video with these features, its times a tenth of a second apart."""
    values = {"source": SOURCE, **values}
    return VideoRows(name, features=rows, seconds=np.arange(len(rows)) / 10, **values)


def add(
    writer: FeatureWriter, video: str, rows: np.ndarray, source: dict = SOURCE, part=50
) -> None:
    """Write a whole video piece by piece, its times a tenth of a second apart."""
    writer.begin(video, source)
    for start in range(0, len(rows), part):
        stop = min(start + part, len(rows))
        writer.append(video, rows[start:stop], np.arange(start, stop) / 10)
    writer.finish(video)


def store_of(path: Path, videos: dict[str, np.ndarray], spec: dict | None = None) -> Path:
    with FeatureWriter(path, spec or spec_for()) as writer:
        for video, rows in videos.items():
            add(writer, video, rows)
    return path
