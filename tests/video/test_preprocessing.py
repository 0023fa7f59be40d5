"""One resize for everybody: files and cameras, training and live."""

import av
import numpy as np
import pytest

from video.frame import Frame
from video.preprocessing import CENTER, Placement, Preprocessing, Preprocessor
from video.sources import FileSource

_WANTED = [
    Preprocessing(32, 32),
    Preprocessing(48, 20),
    Preprocessing(24, 24, "crop", 32),
    Preprocessing(20, 28, "crop", 28),
    Preprocessing(96, 96),
]


def _noise(width: int = 70, height: int = 50) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("wanted", _WANTED, ids=str)
def test_a_camera_frame_and_a_file_frame_of_one_image_give_the_same_pixels(tmp_path, wanted):
    path = tmp_path / "lossless.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=10)
        stream.width, stream.height, stream.pix_fmt = 70, 50, "rgb24"
        frame = av.VideoFrame.from_ndarray(_noise(), format="rgb24")
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    with FileSource(path) as source:
        from_file = next(iter(source))
    from_camera = Frame.from_array(_noise()[..., ::-1], order="bgr24")
    assert np.array_equal(from_file.rgb, _noise())
    preprocess = Preprocessor(wanted)
    assert np.array_equal(preprocess(from_file), preprocess(from_camera))


@pytest.mark.parametrize("wanted", _WANTED, ids=str)
def test_pixels_have_the_wanted_size_whatever_the_frame(wanted):
    for size in ((70, 50), (50, 70), (33, 33), (641, 17), (17, 640)):
        pixels = Preprocessor(wanted)(Frame.from_array(_noise(*size)))
        assert pixels.shape == (wanted.height, wanted.width, 3), size
        assert pixels.dtype == np.uint8, size
        assert pixels.flags.c_contiguous, size


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize(
    "resize", [{}, {"resize": "crop", "short_side": 24}], ids=["stretch", "crop"]
)
def test_a_turned_frame_gives_the_pixels_of_the_upright_image(resize, turns):
    preprocess = Preprocessor(Preprocessing(20, 24, **resize))
    turned = Frame(0, 0.0, Frame.from_array(_noise()).image, turns)
    upright = Frame.from_array(np.rot90(_noise(), turns))
    difference = preprocess(turned).astype(int) - preprocess(upright)
    assert np.abs(difference).max() <= 2


def test_stretch_shows_the_whole_image():
    image = np.zeros((40, 80, 3), np.uint8)
    image[:, 40:] = 200
    pixels = Preprocessor(Preprocessing(16, 16))(Frame.from_array(image))
    assert np.all(pixels[:, :8] == 0)
    assert np.all(pixels[:, 8:] == 200)


def test_crop_shows_the_middle_of_the_scaled_image():
    # Four bands of 20 columns; scaled to a short side of 20, a crop of 20 shows the middle two.
    image = np.repeat(np.array([0, 80, 160, 240], np.uint8), 20)[None, :, None]
    image = np.repeat(np.repeat(image, 40, 0), 3, 2)
    pixels = Preprocessor(Preprocessing(20, 20, "crop", 20))(Frame.from_array(image))
    assert np.all(pixels[:, :10] == 80)
    assert np.all(pixels[:, 10:] == 160)


def _gradient(width: int = 90, height: int = 60) -> np.ndarray:
    """An image whose red tells the column and whose green tells the row."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = 2 * np.arange(width)
    image[..., 1] = 2 * np.arange(height)[:, None]
    return image


def _corner(pixels: np.ndarray) -> tuple[int, int]:
    """Return the column and row of a gradient's part where it begins."""
    return round(pixels[0, 0, 0] / 2), round(pixels[0, 0, 1] / 2)


@pytest.mark.parametrize(
    ("across", "down", "corner"),
    [(0, 0, (0, 0)), (1, 0, (50, 0)), (0, 1, (0, 20)), (1, 1, (50, 20)), (0.2, 0.6, (10, 12))],
)
def test_a_crop_lies_where_its_place_says(across, down, corner):
    preprocess = Preprocessor(Preprocessing(40, 40, "crop", 60))
    frame = Frame.from_array(_gradient())
    pixels = preprocess(frame, Placement(across, down))
    assert pixels.shape == (40, 40, 3)
    assert pixels.flags.c_contiguous
    assert _corner(pixels) == corner
    assert np.array_equal(pixels, frame.rgb[corner[1] :, corner[0] :][:40, :40])


def test_every_place_of_a_crop_can_be_reached():
    preprocess = Preprocessor(Preprocessing(57, 57, "crop", 60))
    frame = Frame.from_array(_gradient())
    corners = {_corner(preprocess(frame, Placement(0.5, down))) for down in np.linspace(0, 1, 50)}
    assert corners == {(16, row) for row in range(4)}


def test_a_place_s_short_side_scales_the_image_before_it_is_cut():
    preprocess = Preprocessor(Preprocessing(40, 40, "crop", 50))
    frame = Frame.from_array(_noise(90, 60))
    for short_side in (40, 50, 77):
        alone = Preprocessor(Preprocessing(40, 40, "crop", short_side))(frame)
        assert np.array_equal(preprocess(frame, Placement(short_side=short_side)), alone)


@pytest.mark.parametrize(
    "size", [(70, 50), (50, 70), (71, 53), (33, 33), (641, 17), (17, 640)], ids=str
)
@pytest.mark.parametrize("wanted", [w for w in _WANTED if w.resize == "crop"], ids=str)
def test_the_center_is_what_serving_cuts(wanted, size):
    frame = Frame.from_array(_noise(*size))
    scale = wanted.short_side / min(size)
    width, height = (
        max(round(side * scale), least)
        for side, least in zip(size, (wanted.width, wanted.height), strict=True)
    )
    left, top = (width - wanted.width) // 2, (height - wanted.height) // 2
    middle = frame.resized(width, height)[top : top + wanted.height, left : left + wanted.width]
    preprocess = Preprocessor(wanted)
    assert np.array_equal(preprocess(frame), middle)
    assert np.array_equal(preprocess(frame, CENTER), middle)


def test_pixels_do_not_depend_on_the_frames_before():
    # The scaling context is kept from frame to frame; other sizes in between must not show.
    preprocess = Preprocessor(Preprocessing(24, 24))
    frame, other = Frame.from_array(_noise()), Frame.from_array(_noise(31, 97), order="bgr24")
    before = preprocess(frame)
    preprocess(other)
    assert np.array_equal(preprocess(frame), before)
    assert np.array_equal(Preprocessor(Preprocessing(24, 24))(frame), before)


def test_an_unknown_resize_is_refused():
    with pytest.raises(ValueError, match="resize is 'squash'; it is one of stretch, crop"):
        Preprocessing(32, 32, "squash")


def test_a_short_side_below_the_crop_is_refused():
    with pytest.raises(ValueError, match="needs at least 40"):
        Preprocessing(32, 40, "crop", 36)


def test_preprocessing_as_a_dictionary_makes_an_equal_one():
    for wanted in _WANTED:
        assert Preprocessing(**wanted.to_dict()) == wanted
