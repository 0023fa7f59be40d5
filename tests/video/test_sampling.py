"""Which frame stands at which tick, over all kinds of frame rates."""

import math
from itertools import pairwise, product

import av
import numpy as np
import pytest

from tests.conftest import read_code
from video.frame import Frame
from video.sampling import Sampler, Sampling, is_step, steps_before_full
from video.sources import FileSource

_PIXELS = np.zeros((2, 2, 3), np.uint8)
_ROUNDING_SECONDS = 5e-4


def frames_at(times) -> list[Frame]:
    return [Frame.from_array(_PIXELS, index, float(time)) for index, time in enumerate(times)]


def sampled(times, fps: float | None) -> list[tuple[int, float, int]]:
    """Return (tick, its seconds, number of its frame) for frames at these times."""
    sampler = Sampler(fps)
    samples = [sample for frame in frames_at(times) for sample in sampler.push(frame)]
    return [(sample.index, sample.seconds, sample.frame.index) for sample in samples]


def newest_at_each_tick(times, fps: float) -> list[int]:
    """The definition, word for word: tick k is the newest frame at or before k / fps."""
    ticks = [k / fps for k in range(10_000) if k / fps <= times[-1] + _ROUNDING_SECONDS]
    return [
        max(index for index, time in enumerate(times) if time <= tick + _ROUNDING_SECONDS)
        for tick in ticks
    ]


def codes(path, fps: float | None) -> list[int]:
    """Return the numbers that the sampled frames of a coded video show, after decoding."""
    sampler = Sampler(fps)
    with FileSource(path) as source:
        samples = [sample for frame in source for sample in sampler.push(frame)]
    return [read_code(sample.frame.rgb) for sample in samples]


_RANDOM = np.random.default_rng(0)
_CLOCKS = {
    "constant 25": np.arange(60) / 25,
    "constant 29.97": np.arange(60) * 1001 / 30000,
    "slow, 2 a second": np.arange(12) / 2,
    "fast, 240 a second": np.arange(300) / 240,
    "rounded to milliseconds": np.round(np.arange(90) / 30, 3),
    "rounded to hundredths": np.round(np.arange(90) / 24, 2),
    "variable": np.concatenate([[0], np.cumsum(_RANDOM.uniform(0.005, 0.3, 80))]),
    "with a long pause": np.array([0, 0.04, 0.08, 3.0, 3.04, 3.5]),
    "one frame": np.array([0.0]),
}


@pytest.mark.parametrize("times", _CLOCKS.values(), ids=_CLOCKS.keys())
def test_tick_k_is_the_newest_frame_at_or_before_k_over_fps(times):
    for fps in (1, 3, 7.5, 10, 24, 30, 60):
        samples, case = sampled(times, fps), f"{fps} a second"
        assert [frame for _, _, frame in samples] == newest_at_each_tick(times, fps), case
        assert [tick for tick, _, _ in samples] == list(range(len(samples))), case
        ticks = [tick / fps for tick, _, _ in samples]
        assert [seconds for _, seconds, _ in samples] == ticks, case


@pytest.mark.parametrize(
    ("fps", "expected"),
    [
        (10, list(range(20))),
        (5, list(range(0, 20, 2))),
        (3, [0, 3, 6, 10, 13, 16]),
        (20, [number // 2 for number in range(39)]),
        (1, [0, 10]),
        (None, list(range(20))),
    ],
)
def test_the_right_frames_arrive_through_encoding_and_decoding(coded_video, fps, expected):
    assert codes(coded_video(frames=20, rate=10), fps) == expected


def test_a_video_of_varying_rate_is_sampled_by_its_time_stamps(coded_video):
    times = [0, 0.1, 0.15, 0.5, 0.51, 1.02]
    path = coded_video(frames=len(times), times=times)
    assert codes(path, 10) == [0, 1, 2, 2, 2, 3, 4, 4, 4, 4, 4]
    assert codes(path, None) == [0, 1, 2, 3, 4, 5]


def test_a_container_that_rounds_to_milliseconds_gives_the_same_frames(coded_video, tmp_path):
    mp4, mkv = coded_video(frames=60, rate=30), tmp_path / "clip.mkv"
    with av.open(str(mp4)) as source, av.open(str(mkv), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    with FileSource(mkv) as rounded:
        assert [frame.seconds for frame in rounded][1:3] == [0.033, 0.067]
    for fps in (10, 15, 30):
        assert codes(mkv, fps) == codes(mp4, fps) == list(range(0, 60, 30 // fps))


def test_a_tick_is_given_out_with_the_frame_that_stands_on_it():
    sampler = Sampler(10)
    first, between, on_tick = frames_at([0.0, 0.06, 0.1])
    assert [sample.index for sample in sampler.push(first)] == [0]
    assert list(sampler.push(between)) == []
    assert [(sample.index, sample.frame) for sample in sampler.push(on_tick)] == [(1, on_tick)]


def test_a_tick_between_frames_waits_for_the_later_one():
    sampler = Sampler(10)
    first, late = frames_at([0.0, 0.35])
    list(sampler.push(first))
    assert [(s.index, s.frame.index) for s in sampler.push(late)] == [(1, 0), (2, 0), (3, 0)]


@pytest.mark.parametrize("fps", [0.1, 1, 30, 1000, None])
def test_a_video_of_one_frame_gives_exactly_one_sample(coded_video, fps):
    assert codes(coded_video(frames=1), fps) == [0]


@pytest.mark.parametrize("fps", [0, -1, math.nan, math.inf])
def test_an_impossible_rate_is_refused(fps):
    with pytest.raises(ValueError, match="fps is"):
        Sampling(fps)


def test_a_hop_below_one_is_refused():
    with pytest.raises(ValueError, match="stride is 0"):
        Sampling(10, stride=0)


def test_a_spec_records_the_sampling_under_the_names_of_version_1():
    assert Sampling(12.5, stride=3).to_dict() == {"fps": 12.5, "hop": 3}
    assert Sampling(None).to_dict() == {"fps": None, "hop": 1}


def test_the_first_whole_clip_is_always_a_step_and_the_steps_before_it_are_counted():
    for clip_length, stride in product([1, 2, 4, 13, 16], [1, 2, 3, 5, 8, 20]):
        case = f"T={clip_length}, stride={stride}"
        steps = [tick for tick in range(100) if is_step(tick, clip_length, stride)]
        assert steps[0] == 0, case
        assert clip_length - 1 in steps, case
        before_full = sum(tick < clip_length - 1 for tick in steps)
        assert before_full == steps_before_full(clip_length, stride), case
        # From the second step on the distance is the stride; to it, no more than that.
        gaps = [after - before for before, after in pairwise(steps)]
        assert set(gaps[1:]) == {stride}, case
        assert gaps[0] <= stride, case


def test_a_frame_network_steps_at_every_hop_from_the_first_frame():
    assert [tick for tick in range(10) if is_step(tick, 1, 3)] == [0, 3, 6, 9]
    assert steps_before_full(1, 3) == 0
