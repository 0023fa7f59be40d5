"""Motion energy: its cells and its value against plain numpy, and the first and repeated steps."""

import numpy as np
import pytest

from video.motion import MotionMeter, motion_energy


def frames(count: int, shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *shape, 3), np.uint8)


@pytest.mark.parametrize("shape", [(224, 224), (48, 64), (30, 25), (4, 4), (3, 1)])
def test_a_cell_is_the_mean_absolute_difference_of_its_pixels(shape):
    before, after = frames(2, shape)
    difference = np.abs(before.astype(float) - after)
    height, width = shape
    wanted = [
        difference[
            row * height // 4 : max((row + 1) * height // 4, row * height // 4 + 1),
            column * width // 4 : max((column + 1) * width // 4, column * width // 4 + 1),
        ].mean()
        for row in range(4)
        for column in range(4)
    ]
    found = motion_energy(before, after)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_black_to_white_is_255_everywhere():
    white = np.full((20, 30, 3), 255, np.uint8)
    assert motion_energy(np.zeros_like(white), white).tolist() == [255.0] * 16


def test_a_view_of_a_clip_is_measured_like_a_copy():
    before, after = frames(2, (32, 40))
    views = np.concatenate([before, after], axis=1)[:, :40], np.stack([before, after])[-1]
    np.testing.assert_array_equal(motion_energy(*views), motion_energy(before, after))


def test_the_meter_compares_with_the_step_before():
    first, second, third = frames(3, (16, 16))
    meter = MotionMeter()
    assert meter.push(first, repeats=False).tolist() == [0.0] * 16
    np.testing.assert_array_equal(meter.push(second, False), motion_energy(first, second))
    assert meter.push(second, repeats=True).tolist() == [0.0] * 16
    np.testing.assert_array_equal(meter.push(third, False), motion_energy(second, third))
