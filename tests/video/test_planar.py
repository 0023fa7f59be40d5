"""Planes of brightness and color: the copy shows what RGB shows, and the frame stays as it is."""

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from video.frame import Frame
from video.planar import Colors, planar_copy, planes
from video.sources import FileSource
from video.writer import Mp4Writer


def picture(width: int = 256, height: int = 192) -> np.ndarray:
    """Return soft colors that differ in all four corners."""
    small = np.random.default_rng(1).integers(20, 236, (3, 3, 3)).astype(np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


BT709 = Colors()


def decoded(colors: Colors = BT709, **placed) -> Frame:
    """Return a frame like a decoder's: yuv420p, marked with its colors."""
    whole = av.VideoFrame.from_ndarray(picture(), format="rgb24")
    return Frame(0, 0.0, colors.converted(whole, VideoReformatter()), **placed)


def file_of(image, path) -> np.ndarray:
    with Mp4Writer(path, (image.width, image.height), 10) as writer:
        for number in range(3):
            writer.write(image if number == 2 else copy_of(image), number / 10)
    with FileSource(path) as source:
        return list(source)[1].rgb


def copy_of(image: av.VideoFrame) -> av.VideoFrame:
    copy = planar_copy(Frame(0, 0.0, image), VideoReformatter())
    assert copy is not None
    return copy


COLORS = [
    Colors(),
    Colors(matrix=1, range=1),
    Colors(matrix=1, range=2),
    Colors(matrix=2, range=0, primaries=2, transfer=2),
    Colors(matrix=5, range=2, primaries=5, transfer=6),
    Colors(matrix=6, range=1, primaries=6, transfer=6),
    Colors(matrix=9, range=1, primaries=9, transfer=14),
]


@pytest.mark.parametrize("colors", COLORS, ids=str)
def test_the_colors_of_a_frame_go_into_the_file_and_read_back(colors, tmp_path):
    frame = decoded(colors)
    read = file_of(copy_of(frame.image), tmp_path / "a.mp4")
    assert np.abs(read.astype(int) - frame.rgb).mean() < 2
    with av.open(str(tmp_path / "a.mp4")) as container:
        image = next(container.decode(video=0))
    found = Colors.of(image)
    assert found.range == 2 if colors.range == 2 else found.range in (0, 1)
    assert (found.matrix, found.primaries, found.transfer) == (
        colors.matrix,
        colors.primaries,
        colors.transfer,
    )


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", ["decoder", "camera"])
def test_the_copy_is_upright(kind, quarter_turns, mirrored, tmp_path):
    frame = decoded(quarter_turns=quarter_turns, mirrored=mirrored)
    if kind == "camera":
        image = av.VideoFrame.from_ndarray(picture()[..., ::-1].copy(), format="bgr24")
        frame = Frame(0, 0.0, image, quarter_turns, mirrored)
    copy = planar_copy(frame, VideoReformatter())
    assert copy is not None
    assert (copy.width, copy.height) == frame.size
    read = file_of(copy, tmp_path / "a.mp4")
    assert np.abs(read.astype(int) - frame.rgb).mean() < 3


def test_drawing_on_the_copy_leaves_the_frame_as_it_is():
    for frame in (
        decoded(),
        Frame.from_array(picture()),
        Frame.from_array(picture(), order="bgr24"),
    ):
        before = frame.rgb.copy()
        copy = planar_copy(frame, VideoReformatter())
        assert copy is not None
        for plane in planes(copy):
            plane[:] = 0
        np.testing.assert_array_equal(frame.rgb, before)


@pytest.mark.parametrize("turns", [0, 1])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("format", ["yuv444p", "yuv422p", "yuvj422p", "yuv420p10le", "nv12"])
def test_other_formats_of_brightness_and_color_keep_their_colors(format, full, turns, tmp_path):
    whole = av.VideoFrame.from_ndarray(picture(), format="rgb24")
    full = full or format == "yuvj422p"
    image = VideoReformatter().reformat(
        whole, format=format, dst_colorspace=1, dst_color_range=2 if full else 1
    )
    frame = Frame(0, 0.0, image, quarter_turns=turns)
    wanted = Frame(0, 0.0, whole, quarter_turns=turns).rgb
    assert np.abs(frame.rgb.astype(int) - wanted).mean() < 2
    copy = planar_copy(frame, VideoReformatter())
    assert copy is not None
    assert Colors.of(copy) == Colors.of(image)
    read = file_of(copy, tmp_path / "a.mp4")
    assert np.abs(read.astype(int) - wanted).mean() < 3


@pytest.mark.parametrize("format", ["gray", "rgba", "yuv422p10le", "gbrp"])
def test_another_format_goes_through_rgb(format):
    image = decoded().image.reformat(format=format)
    assert planar_copy(Frame(0, 0.0, image), VideoReformatter()) is None


@pytest.mark.parametrize("size", [(255, 192), (256, 191)])
def test_odd_sides_go_through_rgb(size):
    assert planar_copy(Frame.from_array(picture(*size)), VideoReformatter()) is None


@pytest.mark.parametrize("transfer", [16, 18])
def test_high_dynamic_range_goes_through_rgb(transfer):
    frame = decoded(Colors(matrix=9, range=1, primaries=9, transfer=transfer))
    assert planar_copy(frame, VideoReformatter()) is None


@pytest.mark.parametrize("first", COLORS, ids=str)
def test_a_picture_of_other_colors_in_mid_stream_is_converted(first, tmp_path):
    other = Colors(matrix=5, range=2, primaries=5, transfer=6)
    wanted = picture()
    with Mp4Writer(tmp_path / "a.mp4", (256, 192), 10) as writer:
        writer.write(copy_of(decoded(first).image), 0.0)
        writer.write(copy_of(decoded(other).image), 0.1)
        writer.write(wanted, 0.2)
    with FileSource(tmp_path / "a.mp4") as source:
        for frame in source:
            assert np.abs(frame.rgb.astype(int) - wanted).mean() < 3, frame.index
