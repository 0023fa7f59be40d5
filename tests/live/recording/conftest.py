"""A camera that is played into a recorder, and a clock that the test sets."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import pytest

from live.events.store import EventStore
from live.recording.disk import Disk
from live.recording.finisher import Finisher
from live.recording.recorder import Recorder
from recipes.schema import Recording
from tests.conftest import coded_frame, read_code
from video.frame import Frame

SIZE = (64, 48)
RATE = 10


def settings_of(**changed) -> Recording:
    """Return the recipe's section with small values."""
    values = {
        "preroll_seconds": 2.0,
        "postroll_seconds": 1.05,
        "part_seconds": 120.0,
        "ring_megabytes": 8,
        "keep_days": 7.0,
        "keep_gigabytes": 1.0,
        "free_gigabytes": 0.0,
    }
    return Recording(**{**values, **changed})


def h264_stream(
    frames: int,
    group: int = 5,
    size: tuple[int, int] = SIZE,
    first: int = 0,
    container: str = "mpegts",
    codec: str = "libx264",
    b_frames: int = 0,
    noise: bool = False,
) -> io.BytesIO:
    """Return a video of coded frames, with `group` frames between key frames; the lower half of
    each shows noise if wanted."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=RATE)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.options = {
            "preset": "ultrafast",
            "g": str(group),
            "bf": str(b_frames),
            "x264-params": f"keyint={group}:min-keyint={group}:scenecut=0",
            "x265-params": f"keyint={group}:log-level=none",
        }
        for index in range(frames):
            pixels = coded_frame((first + index) % 256, size)
            if noise:
                lower = pixels[size[1] * 3 // 4 :]
                lower[:] = np.random.default_rng(index).integers(0, 255, lower.shape, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        output.mux(stream.encode(None))
    file.seek(0)
    return file


@dataclass
class Scene:
    """A recorder with what it needs, and a clock at `now` seconds."""

    folder: Path
    settings: Recording
    options: dict
    now: float = 1000.0
    finished: list[tuple[int, list[str]]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    free: int = 10**12
    clock: Callable[[], float] | None = None
    utc: Callable[[], float] | None = None

    def __post_init__(self) -> None:
        self.store = EventStore(self.folder)
        self.disk = Disk(
            self.folder,
            self.settings.free_gigabytes,
            self.problems.append,
            clock=self.clock or (lambda: self.now),
            free_bytes=lambda _: self.free,
        )
        self.finisher = Finisher(self.store, lambda *each: self.finished.append(each))
        self.recorder = Recorder(
            "hall",
            self.store,
            self.settings,
            self.disk,
            self.finisher,
            clock=self.clock or (lambda: self.now),
            utc=self.utc or (lambda: self.now + 1_790_000_000),
            **self.options,
        )

    def play(
        self, video: io.BytesIO, at: Callable[[int], None] = lambda index: None, packets=True
    ) -> list[float]:
        """Give the packets and frames of a video as a reading thread does, ten a second; `at` is
        called with the number of each frame after it. Return the times of the frames."""
        times = []
        with av.open(video) as camera:
            for packet in camera.demux(video=0):
                if packet.size and packets:
                    self.recorder.on_packet(packet, self.now)
                for image in packet.decode():
                    self.recorder.on_frame(Frame(len(times), 0.0, image), self.now)
                    if not packets:
                        self.settle()
                    times.append(self.now)
                    at(len(times) - 1)
                    self.now += 1 / RATE
        return times

    def event(self, started: float) -> int:
        number = self.store.add_event("hall", "fall", started, started)
        self.recorder.begin(number, started)
        return number

    def settle(self) -> None:
        """Wait until the recorder's thread has taken all that it was given."""
        recorder = self.recorder
        for _ in range(2000):
            with recorder._condition:
                if not recorder._jobs and not recorder._frames:
                    return
                recorder._condition.notify()
            recorder._thread.join(0.002)
        raise AssertionError("the recorder does not take its jobs")

    def close(self) -> None:
        self.recorder.close(5.0)
        self.finisher.close(20.0)

    def files(self) -> list[Path]:
        return sorted((self.folder / "recordings").rglob("*.*"))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Callable[..., Scene]]:
    """Return a function that makes a scene: scene(part_seconds=2.0, options={"copies": False})."""
    made = []

    def make(options: dict | None = None, **changed) -> Scene:
        made.append(Scene(tmp_path / "events", settings_of(**changed), options or {}))
        return made[-1]

    yield make
    for each in made:
        each.close()
        each.store.close()


@dataclass(frozen=True)
class Decoded:
    """What a recording shows.

    Attributes:
        codes: Number that each frame shows.
        seconds: Its time in the file.
        codec: Codec of the file.
        size: Width and height.
    """

    codes: list[int]
    seconds: list[float]
    codec: str
    size: tuple[int, int]


def decoded(path: Path) -> Decoded:
    """Decode a whole file; a damaged one raises an error here."""
    with av.open(str(path)) as container:
        assert len(container.streams) == 1
        stream = container.streams.video[0]
        packets = sum(bool(packet.size) for packet in container.demux(stream))
        container.seek(0)
        images = list(container.decode(stream))
        assert len(images) == packets
        codes = [read_code(image.to_ndarray(format="rgb24")) for image in images]
        seconds = [float(image.pts * image.time_base) for image in images]
        assert seconds == sorted(set(seconds))
        return Decoded(codes, seconds, stream.codec_context.name, (stream.width, stream.height))


def is_indexed_first(path: Path) -> bool:
    """Whether the index stands before the pictures and the file has no fragments."""
    content = path.read_bytes()
    return content.index(b"moov") < content.index(b"mdat") and b"moof" not in content


def noise_frame(seed: int, size: tuple[int, int] = SIZE) -> Frame:
    """Return a frame that does not compress."""
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8)
    return Frame.from_array(pixels, order="bgr24")
