"""Damaged copies of good clips: each gives frames, or one line that says why it does not."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from clips.finding.probing import decode
from tests.conftest import coded_frame
from video.errors import VideoError
from video.sampling import Sampling
from video.sources import FileSource

_CODECS = {
    ".mp4": ("libx264", "yuv420p"),
    ".mkv": ("libx264", "yuv420p"),
    ".avi": ("mjpeg", "yuvj420p"),
    ".ts": ("mpeg2video", "yuv420p"),
    ".webm": ("libvpx", "yuv420p"),
    ".gif": ("gif", "rgb8"),
}
_COPIES = 90
# A copy takes a few milliseconds; a reader that does not come to an end takes for ever.
_LONGEST_SECONDS = 10.0


def _clip(path: Path) -> bytes:
    codec, pixels = _CODECS[path.suffix]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"g": "8"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        for number in range(25):
            frame = av.VideoFrame.from_ndarray(coded_frame(number), format="rgb24")
            container.mux(stream.encode(frame.reformat(format=pixels)))
        container.mux(stream.encode(None))
    return path.read_bytes()


def _bytes_changed(content: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 10, 100))):
        content[chance.randrange(len(content))] = chance.randrange(256)


def _header_changed(content: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 5, 20))):
        place = chance.randrange(min(800, len(content)))
        content[chance.choice((place, -1 - place))] = chance.randrange(256)


def _block_zeroed(content: bytearray, chance: random.Random) -> None:
    start, length = chance.randrange(len(content)), chance.choice((4, 64, 1000))
    content[start : start + length] = bytes(len(content[start : start + length]))


def _end_cut(content: bytearray, chance: random.Random) -> None:
    del content[chance.randrange(1, len(content)) :]


def _beginning_cut(content: bytearray, chance: random.Random) -> None:
    del content[: chance.randrange(1, len(content))]


def _piece_removed(content: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(content))
    del content[start : start + chance.choice((1, 16, 300))]


_DAMAGES: list[Callable[[bytearray, random.Random], None]] = [
    _bytes_changed, _header_changed, _block_zeroed, _end_cut, _beginning_cut, _piece_removed,
]  # fmt: skip


def _outcome(path: Path, read: Callable[[], int]) -> int:
    """Return how many frames there are; 0 where there is one line that names the file."""
    try:
        return read()
    except VideoError as error:
        message = str(error)
        assert message.startswith(f"{path}: ")
        assert "\n" not in message
        assert len(message.removeprefix(str(path))) > 10
        return 0


def _sampled(path: Path) -> int:
    with FileSource(path, 1, sampling=Sampling(5.0)) as source:
        count = sum(1 for frame in source if frame.resized(8, 8).any() or True)
        assert "\n" not in source.note
        return count


@pytest.mark.parametrize("suffix", _CODECS)
def test_a_damaged_copy_gives_frames_or_one_line(tmp_path, suffix):
    chance, content = random.Random(f"seed of {suffix}"), _clip(tmp_path / f"whole{suffix}")
    assert decode(tmp_path / f"whole{suffix}").frames == 25
    path, counts = tmp_path / f"copy{suffix}", []
    for number in range(_COPIES):
        copy = bytearray(content)
        _DAMAGES[number % len(_DAMAGES)](copy, chance)
        path.write_bytes(copy)
        started = time.monotonic()
        counts.append(_outcome(path, lambda: decode(path).frames))
        sampled = _outcome(path, lambda: _sampled(path))
        assert bool(sampled) == bool(counts[-1]), number
        assert time.monotonic() - started < _LONGEST_SECONDS, number
    assert 0 < counts.count(0) < _COPIES  # the damage is neither harmless nor total
