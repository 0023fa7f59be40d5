"""What the tests of this room share: running run.py, and videos that are not like the others."""

import csv
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

from clips.synthetic import render_frame, sample_scene
from tests.conftest import Project
from tests.running import run_script
from video.writer import Mp4Writer

CLASSES = ("down", "lower", "raise", "up")


def read_rows(path: Path) -> list[dict]:
    """Return the rows of a predictions CSV."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def probabilities(rows: list[dict]) -> np.ndarray:
    return np.array([[float(row[label]) for label in CLASSES] for row in rows])


@dataclass(frozen=True)
class SavedVideo:
    """What an mp4 holds when it is opened anew."""

    frames: list[np.ndarray]
    seconds: list[float]
    codec: str
    size: tuple[int, int]


def read_video(path: Path) -> SavedVideo:
    """Decode a whole video; an incomplete file raises an error here."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        pictures = [(f.to_ndarray(format="rgb24"), f.time) for f in container.decode(stream)]
        size = (context.width, context.height)
    return SavedVideo([p for p, _ in pictures], [t for _, t in pictures], context.name, size)


def write_scene(path: Path, times: np.ndarray, size: int = 48, rate: float = 10.0) -> Path:
    """Write a figure that raises its arm, with a frame at each of `times` (seconds)."""
    random = np.random.default_rng(3)
    scene = sample_scene(random, size)
    path.parent.mkdir(parents=True, exist_ok=True)
    with Mp4Writer(path, (size, size), rate) as writer:
        for number, seconds in enumerate(times):
            height = number / max(1, len(times) - 1)
            writer.write(render_frame(scene, height, size, random), seconds)
    return path


@pytest.fixture
def run_live(project) -> Iterator[Callable[..., int]]:
    """Return a function that runs run.py without a window, on the small project's model."""

    def run(*arguments, weights: Path = project.weights) -> int:
        return run_script("run.py", ["--weights", weights, "--no-window", *arguments])

    yield run
    for thread in threading.enumerate():
        if thread.name == "load model":  # a run may end before: h5py must not be left in its locks
            thread.join()


@pytest.fixture(scope="session")
def odd_project(project, tmp_path_factory) -> Project:
    """A copy of the project with test clips that are not like the others, extracted as well: one of
    a varying frame rate, one shorter than the look-back, two shorter than a step. Do not write."""
    folder = tmp_path_factory.mktemp("odd")
    made = Project(folder / "data", folder / "weights")
    shutil.copytree(project.data, made.data)
    shutil.copytree(project.weights, made.weights)
    gaps = np.random.default_rng(0).uniform(0.01, 0.3, 40)
    times = {
        "varying": np.concatenate([[0.0], np.cumsum(gaps)]),
        "short": np.arange(3) / 10,
        "single": np.zeros(1),
        "instant": np.arange(3) / 50,
    }
    with (made.data / "manifest.csv").open("a") as manifest:
        for name, seconds in times.items():
            write_scene(made.data / "clips" / "raise" / f"{name}.mp4", seconds)
            manifest.write(f"clips/raise/{name}.mp4,raise,test,odd,,\n")
    run_script("extract.py", made.arguments)
    return made


@pytest.fixture(scope="session")
def a_clip(project) -> Path:
    """A clip of the small project: 20 frames of 48x48 in two seconds."""
    return min((project.data / "clips" / "raise").iterdir())
