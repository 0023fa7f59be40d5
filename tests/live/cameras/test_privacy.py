"""Privacy polygons are black in every pixel format, and nothing else changes."""

import av
import numpy as np
import pytest

from live.cameras.privacy import PrivacyMask
from video.frame import Frame

HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


def frame(kind: str, width: int = 64, height: int = 48, turns: int = 0) -> Frame:
    pixels = np.full((height, width, 3), (200, 120, 40), np.uint8)
    image = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=kind)
    return Frame(3, 0.3, image, turns)


@pytest.mark.parametrize("kind", ["yuv420p", "yuvj420p", "rgb24", "bgr24", "yuv422p", "nv12"])
def test_a_polygon_is_black_and_the_rest_as_before(kind):
    before = frame(kind)
    plain = before.rgb.copy()
    masked = PrivacyMask([HALF])(before)
    assert masked.rgb[:, :30].max() <= 1
    np.testing.assert_allclose(masked.rgb[:, 36:], plain[:, 36:], atol=2)
    np.testing.assert_array_equal(before.rgb, plain)  # the decoder's image is as it was
    assert (masked.index, masked.seconds) == (3, 0.3)


def test_a_polygon_belongs_to_the_upright_picture():
    masked = PrivacyMask([HALF])(frame("yuv420p", turns=1))
    assert masked.size == (48, 64)
    assert masked.rgb[:, :22].max() <= 1
    assert masked.rgb[:, 28:].min() > 20


def test_an_odd_size_is_covered_to_the_last_pixel():
    whole = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    assert PrivacyMask([whole])(frame("yuv420p", 63, 47)).rgb.max() <= 1


def test_without_polygons_the_frame_itself_is_returned():
    given = frame("yuv420p")
    assert PrivacyMask([])(given) is given
