"""Display matrices: what they say, checked by moving pixels as the standard says."""

import sys

import av
import numpy as np
import pytest
from av.sidedata.sidedata import Type

from tests.video.exif import write_exif_video
from video.orientation import orientation_of
from video.sources import FileSource

_ONE = 1 << 16

# (a, b, c, d): a point (x, y) of the image is shown at (a x + c y, b x + d y), y downwards.
_MATRICES = {
    "upright": (1, 0, 0, 1),
    "quarter turn clockwise": (0, 1, -1, 0),
    "half turn": (-1, 0, 0, -1),
    "quarter turn counter-clockwise": (0, -1, 1, 0),
    "left and right swapped": (-1, 0, 0, 1),
    "top and bottom swapped": (1, 0, 0, -1),
    "mirrored along the diagonal": (0, 1, 1, 0),
    "mirrored along the other diagonal": (0, -1, -1, 0),
}


def _quarters() -> np.ndarray:
    """An image whose four quarters have four colors: uint8 (48, 64, 3)."""
    image = np.zeros((48, 64, 3), np.uint8)
    image[:24, :32] = (220, 40, 40)
    image[:24, 32:] = (40, 220, 40)
    image[24:, :32] = (40, 40, 220)
    image[24:, 32:] = (220, 220, 220)
    return image


def _shown(image: np.ndarray, a: int, b: int, c: int, d: int) -> np.ndarray:
    """Move each pixel to where the matrix puts it."""
    rows, columns = np.indices(image.shape[:2])
    x, y = a * columns + c * rows, b * columns + d * rows
    x, y = x - x.min(), y - y.min()
    shown = np.zeros((y.max() + 1, x.max() + 1, 3), np.uint8)
    shown[y, x] = image
    return shown


@pytest.mark.parametrize("matrix", _MATRICES.values(), ids=_MATRICES.keys())
def test_a_file_is_shown_as_its_display_matrix_says(tmp_path, matrix):
    a, b, c, d = matrix
    path = tmp_path / "turned.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_matrix([a * _ONE, b * _ONE, 0, c * _ONE, d * _ONE, 0, 0, 0, _ONE << 14])
        frame = av.VideoFrame.from_ndarray(_quarters(), format="rgb24")
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    expected = _shown(_quarters(), a, b, c, d)
    with FileSource(path) as source:
        frame = next(iter(source))
        assert source.size == frame.size == expected.shape[1::-1]
    assert np.abs(frame.rgb.astype(int) - expected).mean() < 12


# (a, b, c, d) of what TIFF 6.0 calls orientation 1 to 8.
_EXIF_MATRICES = {
    1: _MATRICES["upright"],
    2: _MATRICES["left and right swapped"],
    3: _MATRICES["half turn"],
    4: _MATRICES["top and bottom swapped"],
    5: _MATRICES["mirrored along the diagonal"],
    6: _MATRICES["quarter turn clockwise"],
    7: _MATRICES["mirrored along the other diagonal"],
    8: _MATRICES["quarter turn counter-clockwise"],
}


@pytest.mark.parametrize("orientation", _EXIF_MATRICES)
def test_jpegs_with_exif_stand_as_it_says(tmp_path, orientation):
    path = write_exif_video(tmp_path / "exif.avi", orientation, [_quarters()] * 3)
    expected = _shown(_quarters(), *_EXIF_MATRICES[orientation])
    with FileSource(path) as source:
        frames = list(source)
    assert len(frames) == 3
    for frame in frames:
        assert frame.size == expected.shape[1::-1]
        assert np.abs(frame.rgb.astype(int) - expected).mean() < 12


def test_kinds_of_side_data_without_a_name_are_distinct():
    first, second = Type(12345), Type(12346)
    assert Type(12345) is first
    assert first is not second
    assert first not in (Type.DISPLAYMATRIX, second)
    assert {kind.value for kind in Type}.isdisjoint({12345, 12346})


@pytest.mark.parametrize("content", [b"", b"\0" * 8, b"\0" * 36, b"\xff" * 35])
def test_a_matrix_that_shows_nothing_is_upright(content, monkeypatch):
    class Data(bytes):
        type = Type.DISPLAYMATRIX

    monkeypatch.setattr("video.orientation._side_data", lambda image: iter([Data(content)]))
    assert orientation_of(av.VideoFrame(64, 48, "yuv420p")) == (0, False)


def test_nothing_keeps_an_image_whose_orientation_was_asked_for():
    image = av.VideoFrame(64, 48, "yuv420p")
    references = sys.getrefcount(image)
    assert orientation_of(image) == (0, False)
    assert sys.getrefcount(image) == references
