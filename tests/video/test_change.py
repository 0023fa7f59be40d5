"""The two frames of a change picture: which ones, at any frame rate, through drops and gaps."""

from itertools import pairwise

import numpy as np
import pytest

from extract.pipeline.reader import batches_of
from tests.conftest import coded_frame, read_code
from tests.video.sources.test_file import samples
from tests.video.test_sampling import _CLOCKS, frames_at, newest_at_each_tick
from video.frame import Frame
from video.preprocessing import Preprocessing, Preprocessor
from video.sampling import Sampler, Sampling
from video.sources import FileSource
from video.steps import Stepper

_SMALL = Preprocessing(32, 24)
_ROUNDING_SECONDS = 1e-3


def pairs(times, fps: float | None = 10.0, change_seconds: float = 0.1, gaps=()) -> list:
    """Return (index, seconds, number of the earlier frame, of the newest) of every sample."""
    sampler, found = Sampler(fps, change_seconds), []
    for number, seconds in enumerate(times):
        frame = Frame(number, float(seconds), image=None, after_gap=number in gaps)
        found += sampler.push(frame)
    return [(s.index, s.seconds, s.earlier.index, s.frame.index) for s in found]


def nearest_before(times, newest: int, change_seconds: float) -> int | None:
    """The definition: the frame nearest to `change_seconds` before the newest one, the older of
    two that are equally near; none if the recording does not reach that far back."""
    wanted = times[newest] - change_seconds
    if times[0] > wanted + _ROUNDING_SECONDS:
        return None
    apart = [abs(time - wanted) for time in times[:newest]]
    return next(n for n in range(newest) if apart[n] <= min(apart) + _ROUNDING_SECONDS)


@pytest.mark.parametrize("times", _CLOCKS.values(), ids=_CLOCKS.keys())
def test_the_earlier_frame_is_the_nearest_to_the_earlier_time(times):
    for fps, change_seconds in ((10, 0.1), (10, 0.2), (7.5, 0.1), (30, 0.05), (10, 0.13)):
        newest = newest_at_each_tick(times, fps)
        wanted = [(nearest_before(times, frame, change_seconds), frame) for frame in newest]
        ours = pairs(times, fps, change_seconds)
        assert [pair[2:] for pair in ours] == [pair for pair in wanted if pair[0] is not None]
        assert [pair[0] for pair in ours] == list(range(len(ours)))


@pytest.mark.parametrize(
    ("rate", "span"),
    [(5, 0.2), (10, 0.1), (12, 1 / 12), (15, 2 / 15), (20, 0.1), (24, 1 / 12), (25, 0.12)]
    + [(29.97, 3 / 29.97), (30, 0.1), (50, 0.1), (60, 0.1)],
)
def test_all_pairs_of_a_steady_camera_span_the_same_time(rate, span):
    times = np.arange(4 * rate) / rate
    spans = [times[newest] - times[earlier] for _, _, earlier, newest in pairs(times)]
    assert len(spans) > 30
    assert spans == pytest.approx([span] * len(spans))


def test_jitter_does_not_make_a_picture_of_one_frame():
    random = np.random.default_rng(0)
    times = np.arange(100) / 10 + random.uniform(0, 0.02, 100)
    spans = [times[newest] - times[earlier] for _, _, earlier, newest in pairs(times - times[0])]
    assert min(spans) > 0.07
    assert max(spans) < 0.13


@pytest.mark.parametrize("seed", range(5))
def test_where_frames_are_dropped_the_span_is_the_same_but_for_a_frame(seed):
    random = np.random.default_rng(seed)
    times = np.arange(300) / 30
    kept = random.random(300) > 0.4
    kept[0] = True
    # No more than two in a row: with three, no frame of the earlier time is left.
    kept[[n for n in range(2, 300) if not kept[n - 2 : n + 1].any()]] = True
    there = times[kept]
    spans = np.array([there[newest] - there[earlier] for _, _, earlier, newest in pairs(there)])
    assert len(spans) > 90
    assert np.abs(spans - 0.1).max() <= 1 / 30 + 1e-9
    # Two frames in a row of the same queue, whatever their times, would span far less and more.
    naive = np.array([b - a for a, b in pairwise(there)])
    assert np.abs(naive - 0.1).max() > 0.06


def test_no_step_is_made_before_there_is_an_earlier_frame():
    assert pairs([0.0, 0.05, 0.1, 0.2]) == [
        (0, pytest.approx(0.1), 0, 2),
        (1, pytest.approx(0.2), 2, 3),
    ]
    assert pairs([0.0]) == []
    assert pairs([0.0, 0.08]) == []


def test_every_frame_is_sampled_without_a_rate():
    times = np.arange(10) / 20
    assert [pair[2:] for pair in pairs(times, fps=None)] == [(n - 2, n) for n in range(2, 10)]


def test_no_pair_crosses_a_gap():
    times = [0.0, 0.1, 0.2, 100.03, 100.13, 100.23]
    assert [(earlier, newest) for _, _, earlier, newest in pairs(times, gaps={3})] == [
        (0, 1),
        (1, 2),
        (3, 4),
        (4, 5),
    ]


@pytest.mark.parametrize("change_seconds", [0, -0.1, 1.5, float("nan")])
def test_an_impossible_time_is_refused(change_seconds):
    with pytest.raises(ValueError, match="change_seconds is"):
        Sampling(10.0, change_seconds=change_seconds)


def test_the_spec_is_as_before_without_a_change_picture():
    assert Sampling(10.0).to_dict() == {"fps": 10.0, "hop": 1}
    assert Sampling(10.0, 2, 0.1).to_dict() == {"fps": 10.0, "hop": 2, "change_seconds": 0.1}


def test_a_step_shows_the_earlier_frame_and_the_sampled_one(coded_video):
    path = coded_video(frames=20, rate=30)
    stepper = Stepper(Sampling(10.0, change_seconds=0.2), _SMALL, 1)
    with FileSource(path) as source:
        steps = [step for frame in source for step in stepper.push(frame)]
    shown = [[read_code(pixels) for pixels in step.clip] for step in steps]
    assert shown == [[n - 6, n] for n in range(6, 20, 3)]
    assert [step.frames for step in steps] == [(n - 6, n) for n in range(6, 20, 3)]
    assert [step.index for step in steps] == list(range(5))
    assert all(step.full and not step.repeats for step in steps)


def test_a_step_that_shows_the_same_two_frames_repeats():
    stepper = Stepper(Sampling(10.0, change_seconds=0.1), Preprocessing(64, 48), 1)
    steps = [step for frame in frames_of([0.0, 0.5, 1.0]) for step in stepper.push(frame)]
    assert [step.frames for step in steps] == [(0, 1)] * 5 + [(1, 2)]
    assert [step.repeats for step in steps] == [False] + [True] * 4 + [False]


def frames_of(times) -> list[Frame]:
    return [Frame.from_array(coded_frame(n), n, seconds) for n, seconds in enumerate(times)]


def test_a_frame_of_two_pairs_is_converted_once(monkeypatch):
    converted, convert = [], Preprocessor.__call__

    def counted(self, frame, *place):
        converted.append(frame.index)
        return convert(self, frame, *place)

    monkeypatch.setattr(Preprocessor, "__call__", counted)
    stepper = Stepper(Sampling(10.0, change_seconds=0.2), Preprocessing(64, 48), 1)
    for frame in frames_of(np.arange(60) / 30):
        list(stepper.push(frame))
    assert converted == [0, 6, 3, *range(9, 60, 3)]


@pytest.mark.parametrize("change_seconds", [0.1, 0.16, 0.5])
def test_the_decoder_leaves_out_no_frame_of_a_pair(coded_video, change_seconds):
    path = coded_video(frames=100, rate=30)
    sampling = Sampling(5.0, change_seconds=change_seconds)
    whole, count = samples(path, sampling, skipping=False)
    ours, fewer = samples(path, sampling, skipping=True)
    assert ours == whole
    assert len({earlier for *_, earlier in ours}) > 10
    assert fewer < count == 100


def test_a_video_without_a_change_picture_is_rejected_with_its_reason(coded_video):
    path = coded_video(frames=2, rate=30)
    stepper = Stepper(Sampling(10.0, change_seconds=0.1), _SMALL, 1)
    (batch,) = batches_of("v", path, stepper, 16)
    assert batch.error == (
        f"{path}: is shorter than 0.1 s, the time between the two frames of a change picture "
        "(sampling.change_seconds)"
    )


def test_the_sampler_keeps_no_more_frames_than_it_needs():
    sampler = Sampler(10.0, 0.1)
    for frame in frames_at(np.arange(300) / 30):
        list(sampler.push(frame))
        assert len(sampler._earlier._frames) <= 5
