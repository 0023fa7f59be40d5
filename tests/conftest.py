"""Fixtures that several rooms' tests share: videos whose pixels tell the frame, a small project."""

import os
import signal
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import fsspec
import numpy as np
import pytest

from clips.synthetic import render
from tests.own_faults import no_own_fault_is_a_videos  # noqa: F401 (every test has it)
from video.console import console
from video.image_folder import with_rate
from video.writer import Mp4Writer

if "PYTEST_XDIST_WORKER" in os.environ:
    # Test processes share the cores: with threads in each, they would wait for each other.
    for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(variable, "1")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_interrupts() -> None:
    """Give Ctrl-C its usual effect: a shell starts programs in the background without it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def messages_are_shown() -> Iterator[None]:
    """Show the library's messages on standard output, as a command does."""
    with console():
        yield


@pytest.fixture(autouse=True)
def trainings_convert_nothing(request, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the conversion at the end of a training, seconds each; the project of the session
    has it, and tests marked `converts`."""
    if "converts" not in request.keywords:
        monkeypatch.setattr("extract.extractor.converting.convert", lambda part, engine: False)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared test data beside the project; tests that ask for it skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"the shared test data is not at {SHARED.name}/ beside the project")
    return SHARED


@pytest.fixture
def elsewhere(tmp_path, monkeypatch) -> Iterator[str]:
    """Give the address of an empty storage in memory, with mirrors of the test's own."""
    files = fsspec.filesystem("memory")
    monkeypatch.setenv("LOOKBACK_CACHE", str(tmp_path / "cache"))
    yield "memory://bucket"
    if files.exists("/bucket"):
        files.rm("/bucket", recursive=True)


def coded_frame(number: int, size: tuple[int, int] = (64, 48)) -> np.ndarray:
    """Return uint8 RGB (H, W, 3) with `number` (0..255) as eight black or white columns."""
    width, height = size
    bits = [(number >> (7 - place)) & 1 for place in range(8)]
    row = np.repeat(np.array(bits, np.uint8) * 255, -(-width // 8))[:width]
    return np.repeat(np.repeat(row[None], height, 0)[..., None], 3, 2)


def read_code(rgb: np.ndarray) -> int:
    """Return the number that `coded_frame` drew, whatever the size has become since."""
    width = rgb.shape[1]
    middles = [int((place + 0.5) * width / 8) for place in range(8)]
    bits = [int(rgb[rgb.shape[0] // 2, middle].mean() > 127) for middle in middles]
    return int("".join(map(str, bits)), 2)


def write_coded_video(
    path: Path, frames: int, rate: float = 10.0, size: tuple[int, int] = (64, 48), times=None
) -> Path:
    """Write an H.264 mp4 of coded frames; `times` are their seconds (even ones by default)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    times = [index / rate for index in range(frames)] if times is None else times
    with Mp4Writer(path, size, rate) as writer:
        for index, seconds in enumerate(times):
            writer.write(coded_frame(index % 256, size), seconds)
    return path


def write_coded_images(
    folder: Path, numbers: Iterable[int], rate: float = 10.0, name: str = "img_{:05d}.png"
) -> Path:
    """Write a folder of coded images, each with its number in its name; return the folder's path
    with the rate, as a manifest names it."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        image = av.VideoFrame.from_ndarray(coded_frame(number), format="rgb24")
        encoder = av.CodecContext.create("png", "w")
        encoder.width, encoder.height, encoder.pix_fmt = image.width, image.height, "rgb24"
        encoder.time_base = Fraction(1, 25)
        packets = [*encoder.encode(image), *encoder.encode(None)]
        (folder / name.format(number)).write_bytes(b"".join(bytes(packet) for packet in packets))
    return Path(with_rate(str(folder), rate))


def distinct_copy(source: Path, place: Path) -> Path:
    """Copy an mp4 so that it shows the same and its content is another: a box that nobody reads
    holds its path."""
    place.parent.mkdir(parents=True, exist_ok=True)
    unread = str(place).encode()
    box = struct.pack(">I4s", 8 + len(unread), b"free") + unread
    place.write_bytes(source.read_bytes() + box)
    return place


@pytest.fixture
def coded_video(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a coded video: coded_video("a.mp4", frames=20, rate=10)."""

    def make(name: str = "clip.mp4", frames: int = 20, **options) -> Path:
        return write_coded_video(tmp_path / name, frames, **options)

    return make


@dataclass(frozen=True)
class Project:
    """Folders of a small project, and the arguments that every script needs to work on it."""

    data: Path
    weights: Path

    @property
    def arguments(self) -> list[str]:
        return [
            *("--recipe", "recipes/demo.yaml"),
            *("--data", str(self.data), "--weights", str(self.weights)),
        ]


@pytest.fixture(scope="session")
def clips_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with 12 scenes of the synthetic set at 48 pixels: 48 clips. Do not write."""
    folder = tmp_path_factory.mktemp("clips")
    render(folder, scenes=12, size=48)
    return folder


@pytest.fixture(scope="session")
def project(clips_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A whole project that the scripts themselves made, untrained but for two epochs.

    Prepared, fine-tuned (tiny, 48 pixels), extracted and trained. Do not write into it; copy it.
    """
    import extract as extract_package  # the package: the script of that name is run by path

    assert extract_package.__file__.endswith("__init__.py")
    from tests.running import run_script

    made = Project(clips_folder, tmp_path_factory.mktemp("weights"))
    small = ["--set", "preprocessing.input_size=48"]
    run_script("prepare.py", [*made.arguments, "--out", tmp_path_factory.mktemp("report")])
    run_script("finetune.py", [*made.arguments, *small, "--epochs", "2"])
    run_script("extract.py", made.arguments)
    run_script("train_lstm.py", [*made.arguments, "--look-back", "6", "--epochs", "4"])
    return made
