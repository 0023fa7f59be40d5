"""What every source promises; a new line in `SOURCES` needs a line in `_OPENERS` here."""

from itertools import pairwise

import numpy as np
import pytest

from tests.conftest import coded_frame, read_code, write_coded_images
from video.errors import VideoError
from video.sources import SOURCES, VideoSource

_SECRET = "geheim"


def _open_file(request) -> VideoSource:
    return SOURCES["video"](request.getfixturevalue("coded_video")(frames=12))


def _open_images(request) -> VideoSource:
    folder = request.getfixturevalue("tmp_path") / "frames"
    return SOURCES["images"](write_coded_images(folder, range(12)))


def _open_camera(request) -> VideoSource:
    device = request.getfixturevalue("device")
    device.give(*(coded_frame(number) for number in range(12)), None)
    return SOURCES["webcam"](0)


def _open_url(request) -> VideoSource:
    request.getfixturevalue("coded_video")("clip.mp4", frames=12)
    address = request.getfixturevalue("served").replace("http://", f"http://user:{_SECRET}@")
    return SOURCES["url"](f"{address}/clip.mp4?token={_SECRET}")


_OPENERS = {
    "video": _open_file,
    "images": _open_images,
    "webcam": _open_camera,
    "url": _open_url,
}


def test_the_contract_covers_every_source():
    assert _OPENERS.keys() == SOURCES.keys()


@pytest.fixture(params=SOURCES)
def source(request) -> VideoSource:
    with _OPENERS[request.param](request) as opened:
        yield opened


def test_a_source_says_what_it_is_before_the_first_frame(source):
    assert source.size == (64, 48)
    assert source.rate > 0
    assert isinstance(source.live, bool)
    assert source.name
    assert _SECRET not in source.name


def test_the_first_frame_is_at_zero_and_time_and_index_rise(source):
    frames = list(source)
    assert (frames[0].index, frames[0].seconds) == (0, 0.0)
    for before, frame in pairwise(frames):
        assert frame.seconds > before.seconds
        assert frame.index == before.index + 1


def test_frames_come_in_order_and_have_the_sources_size(source):
    frames = list(source)
    codes = [read_code(frame.rgb) for frame in frames]
    assert codes == sorted(set(codes))
    assert codes[-1] == 11
    for frame in frames:
        assert frame.size == source.size
        assert frame.rgb.shape == (48, 64, 3)
        assert frame.rgb.dtype == np.uint8


def test_only_a_live_source_drops_frames_and_says_why_it_ended(source):
    count = len(list(source))
    assert count == 12 or source.live
    assert bool(source.note) == source.live


def test_frames_are_given_once(source):
    assert list(source)
    assert list(source) == []


def test_a_source_may_be_closed_early_and_twice(source):
    next(iter(source))
    source.close()
    source.close()


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("video", "none.mp4"),
        ("images", "none@25fps"),
        ("webcam", 0),
        ("url", "http://127.0.0.1:1/none.mp4"),
    ],
)
def test_what_cannot_be_opened_is_a_video_error_that_names_it(kind, address, device):
    device.plugged_in = False
    with pytest.raises(VideoError) as raised:
        SOURCES[kind](address)
    name, _, what = str(raised.value).partition(": ")
    assert str(address) in name
    assert what
