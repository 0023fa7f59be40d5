"""Clips of two classes that any network tells apart, filmed by a scripted camera."""

from pathlib import Path

import numpy as np

from live.teaching.collection import Collection
from tests.live.teaching.scripted import Clock
from video.writer import Mp4Writer

CLASSES = ("bright", "dark")
NETWORK = {
    "backbone.name": "tiny",
    "backbone.weights": "none",
    "backbone.input": "frame",
    "preprocessing.input_size": 48,
    "extract.engine": "keras",
    "sequence.epochs": 20,
    "sequence.windows_per_video": 2,
    "sequence.look_back": 6,
}


class Studio:
    """A cutter whose cameras show what the test says; every clip has other noise."""

    def __init__(self) -> None:
        self.shows, self._clips = "dark", 0

    def cut(self, camera_id: int, since: float, until: float, path: Path) -> None:
        self._clips += 1
        write_scene(path, self.shows, until - since, seed=self._clips)


def write_scene(path: Path, shows: str, seconds: float, seed: int) -> None:
    """Write a bright or a dark scene at 10 frames a second."""
    random = np.random.default_rng(seed)
    level = 190 if shows == "bright" else 50
    path.parent.mkdir(parents=True, exist_ok=True)
    with Mp4Writer(path, (48, 48), 10.0) as writer:
        for number in range(round(seconds * 10) + 1):
            frame = random.normal(level, 20, (48, 48, 3)).clip(0, 255).astype(np.uint8)
            writer.write(frame, number / 10)


def film(
    collection: Collection, studio: Studio, clock: Clock, sessions=("one", "two"), count=3
) -> None:
    """Record clips of both classes in some sessions by holding the button."""
    for session in sessions:
        for label in CLASSES:
            for _ in range(count):
                studio.shows = label
                token = collection.begin_clip(0, label, session)
                clock.now += 3.0
                collection.end_clip(token)
