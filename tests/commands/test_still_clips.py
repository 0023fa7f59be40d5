"""Training on features that are all the same: one line, and the model of before is as it was."""

import shutil
from pathlib import Path

import numpy as np

from clips.manifest import read
from extract.feature_store.reader import FeatureStore
from extract.feature_store.writer import FeatureWriter


def contents(folder: Path) -> dict[Path, bytes]:
    return {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_clips_that_show_nothing_end_training_before_it_begins(copied, end_of):
    """As of black or protected recordings, or a network that is dead."""
    path = copied.data / "features"
    listed = read(copied.data / "manifest.csv").videos
    with FeatureStore(path) as store:
        spec, videos = store.spec, {video: store.steps(video) for video in listed}
    shutil.rmtree(path)
    with FeatureWriter(path, spec) as writer:
        for video, steps in videos.items():
            writer.begin(video, {"size": 0, "sha256": ""})
            writer.append(video, np.zeros((steps, spec["feature_size"])), np.arange(steps) / 10)
            writer.finish(video)
    before = contents(copied.weights)
    end_of("train_lstm.py", *copied.arguments).is_refusal(path, "have the same features")
    assert {
        each: each.read_bytes() for each in copied.weights.rglob("*") if each.is_file()
    } == before
