"""Augmentation: a clip is varied as a whole."""

import numpy as np
import pytest

from clips.augmentation import augmented
from recipes.schema import Augment

_NONE = {
    "flip": False,
    "rotation_degrees": 0.0,
    "shift": 0.0,
    "zoom": 0.0,
    "brightness": 0.0,
    "contrast": 0.0,
}
_ALL = {
    "flip": True,
    "rotation_degrees": 20.0,
    "shift": 0.2,
    "zoom": 0.2,
    "brightness": 0.2,
    "contrast": 0.3,
}


def vary(clip: np.ndarray, seed: int = 0, **amounts) -> np.ndarray:
    return augmented(clip, Augment(**{**_NONE, **amounts}), np.random.default_rng(seed))


def _clip(frames: int = 4, height: int = 24, width: int = 32) -> np.ndarray:
    random = np.random.default_rng(7)
    return random.integers(0, 256, (frames, height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("seed", range(10))
def test_every_frame_of_a_clip_gets_the_same_draw(seed):
    clip = _clip()
    whole = vary(clip, seed, **_ALL)
    for index in range(len(clip)):
        alone = vary(clip[index : index + 1], seed, **_ALL)
        assert np.array_equal(whole[index], alone[0])


def test_two_clips_get_two_draws():
    random, amounts = np.random.default_rng(0), Augment(**_ALL)
    first, second = (augmented(_clip(), amounts, random) for _ in range(2))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [(24, 32), (17, 23), (1, 1)])
def test_zero_amounts_change_nothing(size, seed):
    clip = _clip(3, *size)
    assert np.array_equal(vary(clip, seed), clip)


@pytest.mark.parametrize("size", [(24, 32), (17, 23)])
def test_flip_swaps_left_and_right_in_about_half_of_the_draws(size):
    clip, flipped = _clip(2, *size), 0
    for seed in range(100):
        varied = vary(clip, seed, flip=True)
        if np.array_equal(varied, clip[:, :, ::-1]):
            flipped += 1
        else:
            assert np.array_equal(varied, clip)
    assert 30 <= flipped <= 70


def test_the_clip_that_was_given_is_left_as_it_is():
    clip = _clip()
    before = clip.copy()
    varied = vary(clip, 3, **_ALL)
    assert np.array_equal(clip, before)
    assert not np.array_equal(varied, before)
    assert (varied.shape, varied.dtype) == (clip.shape, np.uint8)


def _middle_of(spot: np.ndarray) -> np.ndarray:
    """Return the centre of brightness (x, y) of a picture (H, W, 3)."""
    rows, columns = np.indices(spot.shape[:2])
    weights = spot.astype(float).sum(-1)
    return np.array([(columns * weights).sum(), (rows * weights).sum()]) / weights.sum()


def _spot(x: int, y: int) -> np.ndarray:
    picture = np.zeros((1, 101, 101, 3), np.uint8)
    picture[0, y - 2 : y + 3, x - 2 : x + 3] = 255
    return picture


def test_a_shift_moves_up_to_its_share_of_the_side_in_all_directions():
    moves = np.array([_middle_of(vary(_spot(50, 50), s, shift=0.2)[0]) - 50 for s in range(60)])
    assert np.abs(moves).max() <= 0.2 * 101 + 0.6
    assert np.abs(moves).max() > 15
    assert (moves.min(0) < -10).all()
    assert (moves.max(0) > 10).all()


def test_a_rotation_turns_about_the_middle_up_to_its_angle():
    angles = []
    for seed in range(60):
        x, y = _middle_of(vary(_spot(90, 50), seed, rotation_degrees=15)[0]) - 50
        assert np.hypot(x, y) == pytest.approx(40, abs=0.8)
        angles.append(np.degrees(np.arctan2(y, x)))
    assert max(map(abs, angles)) <= 15.5
    assert min(angles) < -8
    assert max(angles) > 8


def test_a_zoom_goes_in_and_out_up_to_its_share():
    distances = [_middle_of(vary(_spot(80, 50), s, zoom=0.2)[0])[0] - 50 for s in range(60)]
    assert 30 * 0.8 - 0.6 <= min(distances) < 27
    assert 33 < max(distances) <= 30 * 1.2 + 0.6


def test_brightness_adds_up_to_its_share_of_full_scale_either_way():
    grey = np.full((1, 8, 8, 3), 128, np.uint8)
    values = [int(vary(grey, seed, brightness=0.2)[0, 0, 0, 0]) - 128 for seed in range(60)]
    assert -52 <= min(values) < -30
    assert 30 < max(values) <= 52


def test_contrast_turns_about_the_middle_grey():
    clip = np.zeros((1, 2, 2, 3), np.uint8)
    clip[0, 0], clip[0, 1] = 60, 195
    spreads = []
    for seed in range(60):
        dark, light = (int(v) for v in vary(clip, seed, contrast=0.3)[0, :, 0, 0])
        assert dark + light == pytest.approx(255, abs=1)
        spreads.append((light - dark) / 135)
    assert 0.69 <= min(spreads) < 0.85
    assert 1.15 < max(spreads) <= 1.31


def test_what_comes_in_from_outside_repeats_the_edge():
    clip = np.full((2, 20, 20, 3), 90, np.uint8)
    assert (vary(clip, 1, shift=0.5, rotation_degrees=40, zoom=0.5) == 90).all()


def test_values_are_clipped_and_never_wrap_around():
    clip = np.zeros((1, 1, 256, 3), np.uint8)
    clip[0, 0] = np.arange(256)[:, None]
    for seed in range(20):
        varied = vary(clip, seed, brightness=1.0, contrast=1.0)[0, 0, :, 0].astype(int)
        assert (np.diff(varied) >= 0).all()
