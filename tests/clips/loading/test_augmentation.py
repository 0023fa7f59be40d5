"""Augmentation: a clip is varied as a whole."""

from itertools import pairwise, product

import numpy as np
import pytest

from clips.loading.augmentation import augment_clip, check_augment, retimed, sample_placement
from recipes.schema import Augment
from video.errors import UsageError
from video.preprocessing import CENTER, Preprocessing

_NONE = {
    "elastic": 0.0,
    "clahe": 0.0,
    "blur": 0.0,
    "pixel_dropout": 0.0,
    "time_reversal": 0.0,
    "speed": 0.0,
    "frame_drop": 0.0,
    "mixup": 0.0,
    "cutmix": 0.0,
    "flip": False,
    "rotation_degrees": 0.0,
    "shift": 0.0,
    "zoom": 0.0,
    "random_crop": False,
    "short_side": None,
    "brightness": 0.0,
    "contrast": 0.0,
    "saturation": 0.0,
    "hue": 0.0,
    "erasing": 0.0,
}
_ALL = {
    "flip": True,
    "rotation_degrees": 20.0,
    "shift": 0.2,
    "zoom": 0.2,
    "brightness": 0.2,
    "contrast": 0.3,
    "saturation": 0.4,
    "hue": 0.1,
    "erasing": 0.7,
    "elastic": 0.1,
    "clahe": 0.7,
    "blur": 0.1,
    "pixel_dropout": 0.3,
}
_VARYING = {key: value for key, value in _ALL.items() if key != "flip"}


def vary(clip: np.ndarray, seed: int = 0, **amounts) -> np.ndarray:
    return augment_clip(clip, Augment(**{**_NONE, **amounts}), np.random.default_rng(seed))


def _clip(frames: int = 4, height: int = 24, width: int = 32) -> np.ndarray:
    random = np.random.default_rng(7)
    return random.integers(0, 256, (frames, height, width, 3)).astype(np.uint8)


def test_every_frame_of_a_clip_gets_the_same_values():
    clip = _clip()
    for seed in range(10):
        whole = vary(clip, seed, **_ALL)
        for index in range(len(clip)):
            alone = vary(clip[index : index + 1], seed, **_ALL)
            assert np.array_equal(whole[index], alone[0]), f"seed {seed}, frame {index}"


@pytest.mark.parametrize("key", [*_ALL, "all"])
def test_frames_that_are_alike_stay_alike(key):
    still = np.repeat(_clip(1), 5, axis=0)
    for seed in range(6):
        varied = vary(still, seed, **(_ALL if key == "all" else {key: _ALL[key]}))
        assert (varied == varied[:1]).all(), f"seed {seed}"


@pytest.mark.parametrize(("key", "amount"), _VARYING.items(), ids=_VARYING)
def test_each_amount_varies_the_clip_and_leaves_its_shape(key, amount):
    clip = _clip()
    varied = [vary(clip, seed, **{key: amount}) for seed in range(10)]
    assert {(v.shape, v.dtype) for v in varied} == {(clip.shape, clip.dtype)}
    assert any(not np.array_equal(v, clip) for v in varied)
    assert len({v.tobytes() for v in varied}) > 3


def test_two_clips_get_different_values():
    random, amounts = np.random.default_rng(0), Augment(**{**_NONE, **_ALL})
    first, second = (augment_clip(_clip(), amounts, random) for _ in range(2))
    assert not np.array_equal(first, second)


def test_zero_amounts_change_nothing():
    for size, seed in product([(24, 32), (17, 23), (1, 1)], range(5)):
        clip = _clip(3, *size)
        assert np.array_equal(vary(clip, seed), clip), f"{size}, seed {seed}"


@pytest.mark.parametrize("size", [(24, 32), (17, 23)], ids=str)
def test_flip_swaps_left_and_right_in_about_half_of_the_clips(size):
    clip, flipped = _clip(2, *size), 0
    for seed in range(100):
        varied = vary(clip, seed, flip=True)
        if np.array_equal(varied, clip[:, :, ::-1]):
            flipped += 1
        else:
            assert np.array_equal(varied, clip)
    assert 30 <= flipped <= 70


@pytest.mark.parametrize("amounts", [_ALL, {"erasing": 1.0}], ids=["all", "erasing"])
def test_the_clip_that_was_given_is_left_as_it_is(amounts):
    clip = _clip()
    before = clip.copy()
    varied = vary(clip, 3, **amounts)
    assert np.array_equal(clip, before)
    assert not np.array_equal(varied, before)
    assert (varied.shape, varied.dtype) == (clip.shape, np.uint8)


def _middle_of(spot: np.ndarray) -> np.ndarray:
    """Return the center of brightness (x, y) of an image (H, W, 3)."""
    rows, columns = np.indices(spot.shape[:2])
    weights = spot.astype(float).sum(-1)
    return np.array([(columns * weights).sum(), (rows * weights).sum()]) / weights.sum()


def _spot(x: int, y: int) -> np.ndarray:
    image = np.zeros((1, 101, 101, 3), np.uint8)
    image[0, y - 2 : y + 3, x - 2 : x + 3] = 255
    return image


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
    gray = np.full((1, 8, 8, 3), 128, np.uint8)
    values = [int(vary(gray, seed, brightness=0.2)[0, 0, 0, 0]) - 128 for seed in range(60)]
    assert -52 <= min(values) < -30
    assert 30 < max(values) <= 52


def test_contrast_turns_about_the_middle_gray():
    clip = np.zeros((1, 2, 2, 3), np.uint8)
    clip[0, 0], clip[0, 1] = 60, 195
    spreads = []
    for seed in range(60):
        dark, light = (int(v) for v in vary(clip, seed, contrast=0.3)[0, :, 0, 0])
        assert dark + light == pytest.approx(255, abs=1)
        spreads.append((light - dark) / 135)
    assert 0.69 <= min(spreads) < 0.85
    assert 1.15 < max(spreads) <= 1.31


def test_contrast_leaves_the_mean_of_all_gray_to_a_hundredth():
    """The middle of 0..255 is 127.5; about 128 less contrast would make images lighter."""
    clip = np.repeat(np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1), 3, axis=3)
    varied = [vary(clip, seed, contrast=0.3) for seed in range(60)]
    softer = [each for each in varied if np.ptp(each) < 0.85 * 255]  # none of it clipped
    assert len(softer) > 5
    for each in softer:
        assert each.mean() == pytest.approx(127.5, abs=0.01)


def test_what_comes_in_from_outside_repeats_the_edge():
    clip = np.full((2, 20, 20, 3), 90, np.uint8)
    assert (vary(clip, 1, shift=0.5, rotation_degrees=40, zoom=0.5) == 90).all()


def test_values_are_clipped_and_never_wrap_around():
    clip = np.zeros((1, 1, 256, 3), np.uint8)
    clip[0, 0] = np.arange(256)[:, None]
    for seed in range(20):
        varied = vary(clip, seed, brightness=1.0, contrast=1.0)[0, 0, :, 0].astype(int)
        assert (np.diff(varied) >= 0).all()


def _plain(*color: int) -> np.ndarray:
    return np.full((2, 4, 4, 3), color, np.uint8)


def test_saturation_takes_color_away_and_adds_it_and_leaves_gray_and_luma():
    gray, color = _plain(90, 90, 90), _plain(150, 100, 110)
    luma, spreads = np.array([0.299, 0.587, 0.114]), []
    for seed in range(60):
        assert np.array_equal(vary(gray, seed, saturation=0.5), gray)
        varied = vary(color, seed, saturation=0.5)[0, 0, 0].astype(float)
        assert varied @ luma == pytest.approx(color[0, 0, 0] @ luma, abs=1)
        spreads.append(np.ptp(varied) / 50)
    assert 0.48 <= min(spreads) < 0.65
    assert 1.35 < max(spreads) <= 1.52
    assert np.ptp(vary(color, 0, saturation=0.0)) == 50


def _angle(color: np.ndarray) -> float:
    """Return where a color lies on the circle around the grays, in parts of it: red is 0."""
    red, green, blue = color.astype(float)
    return np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue) / (2 * np.pi)


def test_hue_turns_the_color_circle_up_to_its_share_either_way():
    gray, color, turns = _plain(90, 90, 90), _plain(160, 100, 100), []
    for seed in range(60):
        assert np.array_equal(vary(gray, seed, hue=0.5), gray)
        varied = vary(color, seed, hue=0.2)[0, 0, 0]
        assert int(varied.sum()) == pytest.approx(360, abs=2)
        turns.append(_angle(varied))
    assert -0.21 <= min(turns) < -0.12
    assert 0.12 < max(turns) <= 0.21


def test_hue_goes_all_round_the_circle_at_most():
    turns = [_angle(vary(_plain(160, 100, 100), seed, hue=0.5)[0, 0, 0]) for seed in range(100)]
    assert np.histogram(turns, 4, (-0.5, 0.5))[0].min() > 10


def _erased_part(clip: np.ndarray, varied: np.ndarray) -> tuple[slice, slice] | None:
    """Return the rows and columns that hold all that has changed."""
    changed = (varied != clip).any((0, 3))
    if not changed.any():
        return None
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def test_erasing_puts_noise_into_one_rectangle_of_its_limits():
    clip = np.repeat(_clip(1, 90, 120), 2, axis=0)
    areas, corners = [], []
    for seed in range(80):
        varied = vary(clip, seed, erasing=1.0)
        rows, columns = _erased_part(clip, varied)
        tall, wide = rows.stop - rows.start, columns.stop - columns.start
        assert (varied != clip).any(-1)[:, rows, columns].mean() > 0.99
        assert len(np.unique(varied[0, rows, columns])) > 100
        assert 0.25 < tall / wide < 3.9  # 0.3 to 3.3, in whole pixels
        areas.append(tall * wide / (90 * 120))
        corners.append((rows.start / 90, columns.start / 120))
    assert 0.015 < min(areas) < 0.06
    assert 0.27 < max(areas) < 0.35
    assert (np.min(corners, 0) < 0.1).all()
    assert (np.max(corners, 0) > 0.6).all()


def test_erasing_happens_as_often_as_it_says():
    clip = _clip(1)
    erased = sum(
        _erased_part(clip, vary(clip, seed, erasing=0.25)) is not None for seed in range(400)
    )
    assert 70 <= erased <= 130  # 100, deviation 8.7


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2)], ids=str)
def test_images_too_small_for_a_rectangle_pass(size):
    clip = _clip(2, *size)
    for seed in range(20):
        assert vary(clip, seed, erasing=1.0).shape == clip.shape
        assert vary(clip, seed, clahe=1.0, elastic=0.5, blur=0.5).shape == clip.shape


def _placements(count: int = 200, **amounts) -> list:
    random = np.random.default_rng(0)
    return [sample_placement(Augment(**{**_NONE, **amounts}), random) for _ in range(count)]


def test_without_a_key_for_it_the_crop_stays_in_the_center():
    assert set(_placements(**_ALL)) == {CENTER}


def test_random_crop_samples_places_from_edge_to_edge():
    places = _placements(random_crop=True)
    assert {place.short_side for place in places} == {None}
    for shares in ([p.across for p in places], [p.down for p in places]):
        assert 0 <= min(shares) < 0.05
        assert 0.95 < max(shares) <= 1
        assert np.histogram(shares, 4, (0, 1))[0].min() > 25


def test_short_side_samples_whole_pixels_both_ends_included():
    places = _placements(short_side=(40, 44))
    assert {place.short_side for place in places} == {40, 41, 42, 43, 44}
    assert {(place.across, place.down) for place in places} == {(0.5, 0.5)}


_CROP = Preprocessing(40, 40, "crop", 46)


@pytest.mark.parametrize(
    ("amounts", "preprocessing", "message"),
    [
        ({"random_crop": True}, Preprocessing(40, 40), r"finetune\.augment\.random_crop.*crop"),
        ({"short_side": (40, 50)}, Preprocessing(40, 40), r"finetune\.augment\.short_side.*crop"),
        (
            {"short_side": (39, 50)},
            _CROP,
            r"finetune\.augment\.short_side is \[39, 50\].* 40 or",
        ),
        ({"short_side": (50, 45)}, _CROP, r"finetune\.augment\.short_side is \[50, 45\]"),
    ],
)
def test_a_crop_that_cannot_vary_is_refused(amounts, preprocessing, message):
    with pytest.raises(UsageError, match=message) as caught:
        check_augment(Augment(**{**_NONE, **amounts}), preprocessing)
    assert "\n" not in str(caught.value)


def test_amounts_that_fit_pass_the_check():
    check_augment(Augment(**{**_NONE, **_ALL}), Preprocessing(40, 40))
    check_augment(Augment(**{**_NONE, "random_crop": True, "short_side": (40, 40)}), _CROP)


def test_elastic_displacements_keep_to_their_share_of_the_short_side():
    ramp = np.repeat(np.arange(100, dtype=np.uint8)[None, :, None], 3, axis=2)
    clip = np.repeat(ramp, 60, axis=0)[None] * 2  # brightness tells the column
    moves = []
    for seed in range(30):
        moved = vary(clip, seed, elastic=0.1)[0, :, 10:-10, 0].astype(float) / 2
        moves.append(np.abs(moved - np.arange(10, 90)).max())
        assert np.abs(np.diff(moved, axis=0)).max() < 2  # smooth: rows move alike
    assert max(moves) <= 0.1 * 60 + 0.6
    assert max(moves) > 3


def test_blur_spreads_a_spot_by_up_to_its_deviation_and_keeps_its_brightness():
    spreads = []
    for seed in range(30):
        image = vary(_spot(50, 50), seed, blur=0.04)[0, ..., 0].astype(float)
        assert image.sum() == pytest.approx(25 * 255, rel=0.05)
        places = np.arange(101) - 50
        spreads.append(np.sqrt((image.sum(0) * places**2).sum() / image.sum()))
    own = np.sqrt(2)  # deviation of the spot itself, five pixels wide
    assert max(spreads) <= np.hypot(own, 0.04 * 101) + 0.1
    assert max(spreads) > 3


def test_pixel_dropout_blackens_up_to_its_share():
    white = np.full((2, 40, 40, 3), 255, np.uint8)
    shares = []
    for seed in range(40):
        varied = vary(white, seed, pixel_dropout=0.2)
        assert set(np.unique(varied)) <= {0, 255}
        assert (varied.min(-1) == varied.max(-1)).all()  # whole pixels
        shares.append((varied[0, ..., 0] == 0).mean())
    assert max(shares) < 0.24
    assert np.mean(shares) == pytest.approx(0.1, abs=0.03)


def test_clahe_raises_the_contrast_of_a_dull_image_as_often_as_it_says():
    random = np.random.default_rng(0)
    dull = random.integers(100, 120, (1, 48, 64, 1)).astype(np.uint8).repeat(3, axis=3)
    varied = [vary(dull, seed, clahe=0.5) for seed in range(60)]
    changed = [each for each in varied if not np.array_equal(each, dull)]
    assert 18 <= len(changed) <= 42
    assert all(each.std() > dull.std() for each in changed)


def test_time_reversal_plays_whole_clips_backwards_as_often_as_it_says():
    clip, reversed_clips = _clip(5), 0
    for seed in range(100):
        varied = vary(clip, seed, time_reversal=0.3)
        if np.array_equal(varied, clip[::-1]):
            reversed_clips += 1
        else:
            assert np.array_equal(varied, clip)
    assert 15 <= reversed_clips <= 45


def test_a_key_that_is_0_leaves_the_draws_of_the_others_as_they_were():
    clip, old = _clip(), {key: _ALL[key] for key in list(_ALL)[:9]}
    assert "elastic" not in old
    for seed in range(10):
        random = np.random.default_rng(seed)
        augment_clip(clip, Augment(**{**_NONE, **old, "erasing": 0.0}), random)
        # Flip, angle, zoom, shift in x and y, four colors, and whether to erase.
        assert random.random() == np.random.default_rng(seed).random(11)[10]


def _retimed(seed: int, shown=range(10, 18), first: int = 0, **amounts) -> list[int]:
    random = np.random.default_rng(seed)
    return retimed(np.array(shown), first, Augment(**{**_NONE, **amounts}), random).tolist()


def test_speed_changes_the_time_between_frames_up_to_its_share():
    spans = []
    for seed in range(60):
        frames = _retimed(seed, range(30, 41), speed=0.5)
        assert frames[-1] == 40
        assert frames == sorted(frames)
        spans.append(frames[-1] - frames[0])
    assert 5 <= min(spans) <= 6
    assert 14 <= max(spans) <= 15


def test_a_faster_clip_stays_in_its_segment():
    assert min(_retimed(seed, first=8, speed=0.9)[0] for seed in range(60)) == 8
    # One that began before its segment, because that is short, reaches no further back.
    assert min(_retimed(seed, first=14, speed=0.9)[0] for seed in range(60)) == 10


def test_a_dropped_frame_shows_the_one_before_it():
    dropped = []
    for seed in range(60):
        frames = _retimed(seed, frame_drop=0.25)
        assert frames[0] == 10
        assert all(now in (before, 10 + n) for n, (before, now) in enumerate(pairwise(frames), 1))
        dropped.append(np.mean([now == before for before, now in pairwise(frames)]))
    assert np.mean(dropped) == pytest.approx(0.25, abs=0.06)


def test_the_frame_of_an_image_network_has_no_speed():
    assert _retimed(0, [12], speed=0.9, frame_drop=0.9) == [12]
