"""Frames found by seeking are those of a whole decoding, in files of every kind of key frame."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from tests.conftest import coded_frame
from video.errors import VideoError
from video.sources import FileSource
from video.sources.chosen_frames import ChosenFrames, NotAsIndexedError, index_of

FRAMES = 240
KINDS = {
    "closed.mp4": ("libx264", {"x264-params": "keyint=25:bframes=3:open-gop=0:scenecut=0"}),
    "open.mkv": ("libx264", {"x264-params": "keyint=30:bframes=3:open-gop=1:scenecut=0"}),
    "dense.mp4": ("libx264", {"x264-params": "keyint=4:bframes=3:b-adapt=0:open-gop=1"}),
    "hevc.mp4": (
        "libx265",
        {"x265-params": "keyint=40:bframes=4:open-gop=0:scenecut=0:log-level=none"},
    ),
    "hevc_open.mkv": ("libx265", {"x265-params": "keyint=40:bframes=4:scenecut=0:log-level=none"}),
    "vp9.webm": ("libvpx-vp9", {"g": "40", "deadline": "realtime", "cpu-used": "8"}),
    "vp8.webm": ("libvpx", {"g": "40", "deadline": "realtime", "cpu-used": "8"}),
    "mpeg4.mp4": ("mpeg4", {"g": "12"}),
    "mpeg4_b.mkv": ("mpeg4", {"g": "24", "bf": "2"}),
    "mjpeg.mkv": ("mjpeg", {}),
    "mpeg4.avi": ("mpeg4", {"g": "12"}),
    "h264.ts": ("libx264", {"x264-params": "keyint=50:bframes=3"}),
}
CHOICES = (
    list(range(FRAMES)),
    [239],
    [0, 150],
    [5, 6, 7, 120, 121, 122, 200, 201],
    sorted(np.random.default_rng(0).choice(FRAMES, 40, replace=False).tolist()),
)


def write(path: Path, codec: str, options: dict[str, str]) -> Path:
    random = np.random.default_rng(0)
    times = np.cumsum(random.uniform(20, 60, FRAMES)).astype(int)  # a varying rate, in milliseconds
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height = 64, 48
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        even = path.suffix == ".avi"  # it has no times of its own
        stream.time_base = stream.codec_context.time_base = Fraction(1, 25 if even else 1000)
        for number in range(FRAMES):
            # Noise, so that a picture from a wrong reference is another one.
            noise = random.integers(0, 60, (48, 64, 1), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(coded_frame(number % 256) // 2 + noise, "rgb24")
            frame.pts = number if even else int(times[number])
            frame.time_base = stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def told(source) -> list[tuple]:
    planes = ((frame, bytes(frame.image.planes[0])) for frame in source)
    return [(each.index, each.seconds, each.after_gap, luma) for each, luma in planes]


@pytest.mark.parametrize("name", KINDS)
def test_chosen_frames_are_those_of_the_whole_file(name, tmp_path):
    path = write(tmp_path / name, *KINDS[name])
    index = index_of(path)
    assert (index is None) == (path.suffix in (".avi", ".ts"))
    if index is None:
        return
    with FileSource(path) as source:
        whole = told(source)
    assert len(whole) == len(index.stamps) == FRAMES
    # The key frames of the one are none where a decoder can begin.
    assert len(index.keys) == 1 if name == "hevc_open.mkv" else len(index.keys) > 5
    for wanted in CHOICES:
        with ChosenFrames(index, wanted) as source:
            assert told(source) == [whole[number] for number in wanted]


def test_an_image_that_builds_up_from_many_is_refused(tmp_path):
    options = {"x264-params": "keyint=40:intra-refresh=1:scenecut=0"}
    index = index_of(write(tmp_path / "a.mkv", "libx264", options))
    assert len(index.keys) > 4  # marked, but the first one alone is whole
    with ChosenFrames(index, [30]) as source:
        assert [frame.index for frame in source] == [30]
    for key in index.keys[1:].tolist():
        with ChosenFrames(index, [key + 7]) as source, pytest.raises(NotAsIndexedError):
            next(iter(source))


def test_only_the_frames_since_a_key_frame_are_decoded(tmp_path, monkeypatch):
    path = write(tmp_path / "a.mp4", *KINDS["closed.mp4"])
    index, read = index_of(path), []
    # Every packet that reaches the decoder takes a look at `places`.
    from_key = ChosenFrames._from_key

    class Watched(dict):
        def __contains__(self, stamp):
            read.append(stamp)
            return super().__contains__(stamp)

    monkeypatch.setattr(
        ChosenFrames,
        "_from_key",
        lambda self, key, places, first: from_key(self, key, Watched(places), first),
    )
    with ChosenFrames(index, [10, 230], threads=1) as source:
        assert [frame.index for frame in source] == [10, 230]
    numbers = {int(stamp): number for number, stamp in enumerate(index.stamps)}
    read = [numbers[stamp] for stamp in read if stamp is not None]
    first, second = [each for each in read if each < 100], [each for each in read if each >= 100]
    assert (min(first), min(second)) == (0, 225)
    assert max(first) < 20
    assert len(read) < 40


def test_a_file_that_is_not_as_its_packets_tell_is_refused(tmp_path):
    path = write(tmp_path / "a.mp4", *KINDS["closed.mp4"])
    index = index_of(path)
    key = int(index.stamps[index.keys[3]])
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        places = {each.pts: (each.pos, each.size) for each in container.demux(stream) if each.size}
    position, size = places[key]
    content = bytearray(path.read_bytes())
    content[position : position + size] = bytes(size)
    path.write_bytes(content)
    wanted = [1, int(index.keys[3]) + 5]
    given = []
    with ChosenFrames(index, wanted) as source, pytest.raises(NotAsIndexedError):
        given += [frame.index for frame in source]
    path.unlink()
    with pytest.raises(VideoError, match="there is no such file"):
        index_of(path)


def test_the_index_tells_gaps(coded_video):
    times = [*np.arange(10) / 10, *(100 + np.arange(10) / 10)]
    path = coded_video(times=times, frames=20)
    index = index_of(path)
    assert np.flatnonzero(index.after_gap).tolist() == [10]
    np.testing.assert_allclose(index.seconds, times, atol=1e-3)
    assert all(one < two for one, two in pairwise(index.stamps))
