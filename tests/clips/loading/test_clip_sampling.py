"""The plan of sampler: which frames a clip shows, before any is decoded."""

import math
from itertools import product

import numpy as np
import pytest

from clips.loading.clip_sampling import full_ends, plan
from sequence.windows import full_steps, windows

_SPANS = [range(n) for n in (1, 2, 3, 7, 8, 9, 40)] + [range(5, 6), range(5, 9), range(11, 40)]


def planned(frames: range, clip_length: int, count=1, how="random", seed=None, stride=1):
    random = None if seed is None else np.random.default_rng(seed)
    return plan(frames, clip_length, count, how, random, stride)


def ends_of(clips: list[np.ndarray]) -> list[int]:
    return [int(clip[-1]) for clip in clips]


def ends_inside(frames: range, clip_length: int) -> list[int]:
    """Return by definition where a clip ends all of whose T frames are of the segment.

    Each frame is tried; a segment too short for a clip has one, at its last frame.
    """
    inside = [end for end in frames if all(end - back in frames for back in range(clip_length))]
    return inside or [max(frames)]


@pytest.mark.parametrize(
    ("frames", "clip_length", "ends"),
    [
        (range(1), 1, [0]),
        (range(3), 1, [0, 1, 2]),
        (range(3), 2, [1, 2]),
        (range(8), 8, [7]),
        (range(9), 8, [7, 8]),
        (range(5, 9), 2, [6, 7, 8]),
        (range(5, 9), 4, [8]),
        (range(5, 9), 5, [8]),  # too short for one: up to its last frame
        (range(5, 6), 2, [5]),
        (range(2), 16, [1]),
        (range(11, 40), 27, [37, 38, 39]),
    ],
    ids=str,
)
def test_clips_end_where_all_their_frames_are_of_the_span(frames, clip_length, ends):
    assert list(full_ends(frames, clip_length)) == ends
    assert list(full_steps(frames.start, frames.stop, clip_length)) == ends
    assert ends_of(planned(frames, clip_length, "all")) == ends


def test_full_clips_are_those_of_the_definition_at_any_length():
    for frames, clip_length in product(_SPANS, [1, 2, 8, 16]):
        case, wanted = f"{frames}, T={clip_length}", ends_inside(frames, clip_length)
        assert list(full_ends(frames, clip_length)) == wanted, case
        assert list(full_steps(frames.start, frames.stop, clip_length)) == wanted, case
        assert ends_of(planned(frames, clip_length, "all")) == wanted, case


def test_a_clip_is_the_window_at_its_end():
    for frames, clip_length, how, seed in product(
        _SPANS, [1, 2, 8, 16], ["random", "dense"], [None, 0, 1]
    ):
        case = f"{frames}, T={clip_length}, {how}, seed={seed}"
        # Windows over features that are frame numbers: what live has at that frame.
        numbers = np.arange(frames.stop, dtype=float)[:, None]
        at = windows(numbers, clip_length)[..., 0]
        for clip in planned(frames, clip_length, 3, how, seed):
            assert clip.tolist() == at[clip[-1]].tolist(), case
            if len(frames) >= clip_length:
                assert clip[0] >= frames.start, case


@pytest.mark.parametrize("count", [1, 2, 5, 33, 100, "all"])
def test_clips_are_different_ones_in_order_of_time(count):
    for frames, clip_length, seed in product(_SPANS, [1, 4, 8], [None, 0, 1, 2]):
        case = f"{frames}, T={clip_length}, seed={seed}"
        ends = ends_of(planned(frames, clip_length, count, seed=seed))
        places = ends_inside(frames, clip_length)
        assert len(ends) == (len(places) if count == "all" else min(count, len(places))), case
        assert ends == sorted(set(ends)), case
        assert set(ends) <= set(places), case


@pytest.mark.parametrize("how", ["random", "dense", "uniform"])
@pytest.mark.parametrize("count", [1, 5, "all"])
def test_a_span_without_frames_has_no_clips(how, count):
    assert planned(range(7, 7), 4, count, how, seed=0) == []


@pytest.mark.parametrize(("clip_length", "count"), [(1, 1), (1, 5), (8, 1), (8, 4)])
def test_every_place_is_sampled_as_often_as_any_other(clip_length, count):
    frames, samples = range(3, 40), 4000
    random, counts = np.random.default_rng(0), np.zeros(40)
    for _ in range(samples):
        counts[ends_of(plan(frames, clip_length, count, "random", random))] += 1
    places = list(full_ends(frames, clip_length))
    share = count / len(places)
    assert counts.sum() == samples * count
    # Binomial counts: five deviations, in some forty places.
    deviation = math.sqrt(samples * share * (1 - share))
    assert np.abs(counts[places] - samples * share).max() < 5 * deviation


def test_samples_follow_the_generator_alone():
    first, again, other = (ends_of(planned(range(100), 8, 10, seed=seed)) for seed in (4, 4, 5))
    assert first == again
    assert first != other


@pytest.mark.parametrize(("frames", "center"), [(9, 4), (1, 0), (10, 5)])
def test_one_view_is_the_center(frames, center):
    assert ends_of(planned(range(frames), 1)) == [center]
    (clip,) = planned(range(2, 2 + frames + 7), 8)
    assert clip.tolist() == list(range(2 + center, 10 + center))


def test_views_lie_evenly_over_the_full_clips():
    for frames, views, clip_length in product([10, 23, 57], [2, 3, 4, 10], [1, 8]):
        case = f"{views} views of {frames} clips, T={clip_length}"
        ends = ends_of(planned(range(frames + clip_length - 1), clip_length, views))
        places = np.array(ends) - (clip_length - 1)
        # Each in the middle of its part, so the margins are half of the distances.
        middles = (np.arange(views) + 0.5) * frames / views
        assert np.abs(places - middles).max() < 1, case
        assert np.ptp(np.diff(places)) <= 1, case


def test_uniform_spreads_over_the_whole_span():
    for frames, clip_length, seed in product(_SPANS, [2, 5, 8, 16], [None, 3]):
        case = f"{frames}, T={clip_length}, seed={seed}"
        (clip,) = planned(frames, clip_length, 3, "uniform", seed)
        assert len(clip) == clip_length, case
        assert (clip[0], clip[-1]) == (frames[0], frames[-1]), case
        even = (len(frames) - 1) / (clip_length - 1)
        assert set(np.diff(clip)) <= {math.floor(even), math.ceil(even)}, case
        exact = frames.start + np.arange(clip_length) * even
        assert ((exact - 1 < clip) & (clip <= exact + 1e-9)).all(), case  # rounded down


def test_uniform_repeats_frames_of_a_short_span():
    (clip,) = planned(range(4, 7), 6, 1, "uniform")
    assert clip.tolist() == [4, 4, 4, 5, 5, 6]


def test_a_single_uniform_frame_is_the_middle_one():
    assert [clip.tolist() for clip in planned(range(4, 11), 1, 5, "uniform")] == [[7]]


@pytest.mark.parametrize(
    ("frames", "clip_length", "stride", "ends"),
    [
        (range(7), 1, 2, [0, 2, 4, 6]),
        (range(3, 9), 1, 2, [4, 6, 8]),
        (range(16), 4, 4, [3, 7, 11, 15]),
        (range(5, 16), 4, 4, [11, 15]),
        (range(8, 14), 4, 8, [11]),
        (range(5, 10), 4, 8, [9]),  # no step in it is full: the last place that is
        (range(2, 4), 4, 8, [3]),
    ],
    ids=str,
)
def test_all_ends_clips_at_steps(frames, clip_length, stride, ends):
    assert ends_of(planned(frames, clip_length, "all", stride=stride)) == ends


def test_sampled_clips_end_between_steps_too():
    ends = {
        end for seed in range(200) for end in ends_of(planned(range(20), 4, seed=seed, stride=4))
    }
    assert ends == set(range(3, 20))
