"""Frames: upright whatever the camera's position, RGB whatever the decoder gave."""

import subprocess
import sys
import threading

import av
import numpy as np
import pytest

from tests.running import ROOT
from video.frame import Frame


def _image(seed: int = 0) -> np.ndarray:
    """A smooth colored image without any symmetry: uint8 (48, 64, 3)."""
    rows, columns = np.mgrid[0:48, 0:64]
    red = 255 * columns / 63
    green = 255 * rows / 47
    blue = 127 + 120 * np.sin(columns / 9 + rows / 17 + seed)
    return np.stack([red, green, blue], -1).astype(np.uint8)


def test_an_rgb_array_comes_back_as_it_went_in():
    assert np.array_equal(Frame.from_array(_image()).rgb, _image())


def test_a_bgr_array_comes_back_as_rgb():
    bgr = _image()[..., ::-1]
    assert np.array_equal(Frame.from_array(bgr, order="bgr24").rgb, _image())


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turns", range(4))
def test_an_image_is_mirrored_then_turned_counter_clockwise(turns, mirrored):
    taken = _image()[:, ::-1] if mirrored else _image()
    upright = np.rot90(taken, turns)
    frame = Frame(0, 0.0, Frame.from_array(_image()).image, turns, mirrored)
    assert frame.size == (upright.shape[1], upright.shape[0])
    assert np.array_equal(frame.rgb, upright)


@pytest.mark.parametrize("turns", range(4))
def test_resizing_a_turned_frame_equals_resizing_the_upright_image(turns):
    frame = Frame(0, 0.0, Frame.from_array(_image()).image, turns)
    resized = frame.resized(20, 30)
    upright = Frame.from_array(np.rot90(_image(), turns)).resized(20, 30)
    assert resized.shape == (30, 20, 3)
    assert np.abs(resized.astype(int) - upright).max() <= 2


def test_reduction_by_a_whole_factor_is_the_mean_of_each_block():
    random = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    means = random.reshape(12, 4, 16, 4, 3).mean((1, 3))
    assert np.abs(Frame.from_array(random).resized(16, 12) - means).max() <= 2


@pytest.mark.parametrize("format", ["yuv420p", "yuvj420p", "nv12", "yuv444p", "gray", "bgra"])
def test_any_pixel_format_becomes_contiguous_uint8_rgb(format):
    gray = np.repeat(_image()[..., :1], 3, -1)
    decoded = Frame.from_array(gray).image.reformat(format=format)
    rgb = Frame(0, 0.0, decoded).rgb
    assert rgb.dtype == np.uint8
    assert rgb.flags.c_contiguous
    assert np.abs(rgb.astype(int) - gray).max() <= 3


def test_the_matrix_that_an_image_names_is_used():
    # Pure green is where BT.601 and BT.709 are furthest apart.
    green = np.zeros((48, 64, 3), np.uint8)
    green[:] = (0, 200, 0)
    for space in ("itu709", "itu601"):
        coded = Frame.from_array(green).image.reformat(format="yuv420p", dst_colorspace=space)
        coded.colorspace = {"itu709": 1, "itu601": 5}[space]
        assert np.abs(Frame(0, 0.0, coded).rgb.astype(int) - green).max() <= 3, space


def test_frames_may_be_read_from_several_threads():
    frames = [Frame.from_array(_image(seed)) for seed in range(4)]
    alone = [frame.resized(31, 17) for frame in frames]
    wrong = []

    def check(frame: Frame, expected: np.ndarray) -> None:
        for _ in range(50):
            if not np.array_equal(frame.resized(31, 17), expected):
                wrong.append(frame.index)

    threads = [
        threading.Thread(target=check, args=pair) for pair in zip(frames, alone, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_an_array_that_is_no_contiguous_block_is_taken_all_the_same():
    view = _image()[::2, ::-1]
    assert np.array_equal(Frame.from_array(view).rgb, view)


def test_a_frame_keeps_what_the_decoder_gave():
    image = av.VideoFrame(64, 48, "yuv420p")
    assert Frame(3, 0.25, image).image is image


def test_opencv_is_loaded_before_pyav_or_its_windows_hang_on_linux():
    code = "import video, sys; m = list(sys.modules); print(m.index('cv2') < m.index('av'))"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.stdout.strip() == "True", ran.stderr
