"""Steps: the last T sampled frames, proved by pixels that tell their frame."""

from itertools import pairwise

import numpy as np
import pytest

from tests.conftest import coded_frame, read_code
from video.frame import Frame
from video.preprocessing import Preprocessing
from video.sampling import Sampling, steps_before_full
from video.sources import FileSource
from video.steps import Step, Stepper

_SMALL = Preprocessing(32, 24)


def steps_of(path, sampling: Sampling, clip_length: int = 1) -> list[Step]:
    stepper = Stepper(sampling, _SMALL, clip_length)
    with FileSource(path) as source:
        return [step for frame in source for step in stepper.push(frame)]


def shown(step: Step) -> list[int]:
    return [read_code(pixels) for pixels in step.clip]


def test_a_clip_is_the_last_frames_with_the_oldest_repeated(coded_video):
    steps = steps_of(coded_video(frames=6, rate=10), Sampling(10), clip_length=4)
    assert [shown(step) for step in steps] == [
        [0, 0, 0, 0],
        [0, 0, 0, 1],
        [0, 0, 1, 2],
        [0, 1, 2, 3],
        [1, 2, 3, 4],
        [2, 3, 4, 5],
    ]


def test_a_clip_has_uint8_pixels_of_the_networks_size(coded_video):
    for step in steps_of(coded_video(frames=3), Sampling(10), clip_length=2):
        assert step.clip.shape == (2, 24, 32, 3)
        assert step.clip.dtype == np.uint8


@pytest.mark.parametrize("clip_length", [1, 3, 8])
def test_a_step_comes_first_and_every_hop_sampled_frames_from_the_first_whole_clip(
    coded_video, clip_length
):
    path = coded_video(frames=16, rate=10)
    every = steps_of(path, Sampling(10), clip_length)
    for stride in (1, 2, 3, 7, 20):
        case, hopped = f"stride={stride}", steps_of(path, Sampling(10, stride=stride), clip_length)
        ticks = sorted(
            {0, *range(clip_length - 1, 16, stride), *range(clip_length - 1, 0, -stride)}
        )
        assert [step.index for step in hopped] == list(range(len(ticks))), case
        assert [step.seconds for step in hopped] == [every[tick].seconds for tick in ticks], case
        # Frames between two steps are still part of the clip.
        assert [shown(step) for step in hopped] == [shown(every[tick]) for tick in ticks], case


@pytest.mark.parametrize("clip_length", [1, 3, 8])
def test_full_tells_the_clips_of_which_every_frame_is_the_videos_own(coded_video, clip_length):
    path = coded_video(frames=16, rate=10)
    for stride in (1, 2, 3, 7, 20):
        case, steps = f"stride={stride}", steps_of(path, Sampling(10, stride=stride), clip_length)
        full = [step.full for step in steps]
        assert full == [len(set(shown(step))) == clip_length for step in steps], case
        assert full.index(True) == steps_before_full(clip_length, stride), case


def test_frames_that_stand_still_fill_a_clip_all_the_same(coded_video):
    """Twenty ticks a second of ten frames: an image shown twice is no lack of history."""
    steps = steps_of(coded_video(frames=4, rate=10), Sampling(20), clip_length=4)
    assert [step.full for step in steps] == [False] * 3 + [True] * 4


def test_hop_counts_the_frames_that_arrive_where_every_frame_is_kept(coded_video):
    steps = steps_of(coded_video(frames=7), Sampling(None, stride=3))
    assert [shown(step) for step in steps] == [[0], [3], [6]]


@pytest.mark.parametrize("clip_length", [1, 3, 4])
def test_repeats_tells_exactly_the_clips_that_show_the_same_frames(coded_video, clip_length):
    path = coded_video(frames=12, rate=10)
    for fps in (5, 10, 17, 25, 40):
        steps = steps_of(path, Sampling(fps), clip_length)
        assert steps[0].repeats is False, f"{fps} a second"
        for before, step in pairwise(steps):
            case = f"{fps} a second, step {step.index}"
            assert step.repeats == (shown(step) == shown(before)), case
            if step.repeats:
                assert np.array_equal(step.clip, before.clip), case


def test_equal_images_that_are_different_frames_are_no_repeat():
    stepper = Stepper(Sampling(10), _SMALL, 1)
    frames = [Frame.from_array(coded_frame(7), index, index / 10) for index in range(3)]
    assert [s.repeats for frame in frames for s in stepper.push(frame)] == [False, False, False]


@pytest.mark.parametrize("sampling", [Sampling(10), Sampling(1), Sampling(None), Sampling(30, 8)])
def test_a_video_of_one_frame_has_one_step(coded_video, sampling):
    steps = steps_of(coded_video(frames=1), sampling, clip_length=5)
    assert [(step.index, step.seconds, shown(step)) for step in steps] == [(0, 0.0, [0] * 5)]


def test_steps_of_two_videos_know_nothing_of_each_other(coded_video):
    first, second = coded_video("a.mp4", frames=4), coded_video("b.mp4", frames=2)
    steps_of(first, Sampling(10), 3)
    assert shown(steps_of(second, Sampling(10), 3)[0]) == [0, 0, 0]


def test_a_clip_that_was_given_out_does_not_change_afterwards(coded_video):
    stepper, kept = Stepper(Sampling(10), _SMALL, 3), []
    with FileSource(coded_video(frames=8)) as source:
        for frame in source:
            kept += [(step.clip, step.clip.copy()) for step in stepper.push(frame)]
    assert all(np.array_equal(clip, copy) for clip, copy in kept)
