"""Gaps: a recorder that starts with motion leaves minutes between two frames. Nothing is made
up for them, in whatever way the file is read."""

from pathlib import Path

import numpy as np
import pytest

from clips.loading.clip_reader import SegmentFrames
from clips.manifest.segments import Segment
from extract.pipeline.reader import batches_of
from tests.conftest import read_code
from video.clock import FILE_GAP_SECONDS, Clock
from video.frame import Frame
from video.preprocessing import Preprocessing
from video.sampling import Sampler, Sampling
from video.sources import FileSource
from video.steps import Step, Stepper

_SMALL = Preprocessing(32, 24)
_HALF_AN_HOUR = 1800.0


def _sampled(times: list[float], gaps: set[int], fps: float) -> list[tuple[int, float, int]]:
    sampler, samples = Sampler(fps), []
    for index, seconds in enumerate(times):
        frame = Frame(index, seconds, image=None, after_gap=index in gaps)
        samples += sampler.push(frame)
    return [(sample.index, sample.seconds, sample.frame.index) for sample in samples]


def test_ticks_in_a_gap_are_left_out_and_all_others_stay():
    times = [0.0, 0.1, 0.2, 100.0, 100.1, 100.25, 100.4]
    whole = _sampled(times, set(), 10.0)
    ours = _sampled(times, {3}, 10.0)
    kept = [(seconds, frame) for _, seconds, frame in whole if not 0.21 < seconds < 99.99]
    assert [frame for _, _, frame in ours] == [frame for _, frame in kept]
    assert [seconds for _, seconds, _ in ours] == pytest.approx([seconds for seconds, _ in kept])
    assert [index for index, _, _ in ours] == list(range(len(kept)))
    assert len(whole) > 1000


def test_ticks_restart_on_the_first_frame_after_a_gap():
    assert _sampled([0.0, 0.07, 70.03, 70.08, 70.14, 70.23], {2}, 10.0) == [
        (0, 0.0, 0),
        (1, 70.03, 2),
        (2, pytest.approx(70.13), 3),
        (3, pytest.approx(70.23), 5),
    ]


def test_a_frame_between_two_gaps_makes_a_step():
    times = [0.0, 100.03, 200.07, 300.01]
    assert _sampled(times, {1, 2, 3}, 10.0) == [(n, time, n) for n, time in enumerate(times)]


def test_where_every_frame_counts_a_gap_changes_nothing():
    sampler = Sampler(None)
    frames = [Frame(n, 100.0 * n, image=None, after_gap=n > 0) for n in range(3)]
    assert [s.frame for frame in frames for s in sampler.push(frame)] == frames


@pytest.mark.parametrize(("pause", "is_gap"), [(1.0, False), (59.0, False), (61.0, True)])
def test_a_gap_is_more_than_a_minute(pause, is_gap):
    clock = Clock(0.1)
    seen = []
    for stamp in (5.0, 5.1, 5.1 + pause, 5.2 + pause):
        clock.seconds(stamp)
        seen.append(clock.after_gap)
    assert seen == [False, False, is_gap, False]


def test_a_broken_stamp_is_no_gap():
    clock = Clock(0.1)
    for stamp in (0.0, 0.1, 1e6, None, 0.4):
        clock.seconds(stamp)
        assert not clock.after_gap


@pytest.fixture
def recorded(coded_video) -> Path:
    """Three scenes of 8, 7 and 8 frames, half an hour and then five minutes apart."""
    scene = np.arange(8) / 10
    second = _HALF_AN_HOUR + scene[:7] + 0.03
    third = second[-1] + 300.0 + scene
    return coded_video(frames=23, times=[*scene, *second, *third])


def _steps(
    path: Path, fps: float | None, clip_length: int, stride: int, skipping: bool
) -> list[Step]:
    stepper = Stepper(Sampling(fps, stride), _SMALL, clip_length)
    with FileSource(path, sampling=Sampling(fps) if skipping else None) as source:
        return [step for frame in source for step in stepper.push(frame)]


@pytest.mark.parametrize("fps", [10.0, 3.0, 0.01])
@pytest.mark.parametrize("skipping", [False, True])
def test_minutes_without_frames_make_no_steps(recorded, fps, skipping):
    steps = _steps(recorded, fps, 1, 1, skipping)
    assert 1 <= len(steps) <= 23
    assert [step.index for step in steps] == list(range(len(steps)))
    with FileSource(recorded) as source:
        times = np.array([frame.seconds for frame in source])
    for step in steps:
        assert np.abs(times - step.seconds).min() < 0.2
    whole = _steps(recorded, fps, 1, 1, skipping=False)
    assert [(s.seconds, s.frames) for s in steps] == [(s.seconds, s.frames) for s in whole]


def test_clips_and_hops_go_on_across_a_gap(recorded):
    steps = _steps(recorded, 10.0, 4, 2, skipping=False)
    assert [step.frames[-1] for step in steps[:6]] == [0, 1, 3, 5, 7, 9]
    assert steps[5].frames == (6, 7, 8, 9)
    assert [step.full for step in steps[:4]] == [False, False, True, True]
    assert steps[5].seconds > _HALF_AN_HOUR


def test_extraction_and_live_make_the_same_steps(recorded):
    stepper = Stepper(Sampling(10.0, 2), _SMALL, 4)
    batches = list(batches_of("recorded", recorded, stepper, 3))
    seconds = np.concatenate([batch.seconds for batch in batches])
    live = _steps(recorded, 10.0, 4, 2, skipping=False)
    assert seconds.tolist() == [step.seconds for step in live]
    clips = [batch.clips[row] for batch in batches for row in batch.rows]
    for clip, step in zip(clips, live, strict=True):
        assert np.array_equal(clip, step.clip)
    assert (
        batches[-1].note == "2 gaps of more than 60 s without frames, the first before 1800 s: "
        "no steps there"
    )


def test_the_frames_of_a_span_are_counted_without_the_gap(recorded):
    segment = Segment(str(recorded), "up", "train", "g")
    assert SegmentFrames()(recorded, segment, 10.0) == range(
        len(_steps(recorded, 10.0, 1, 1, False))
    )


@pytest.mark.parametrize("skipping", [False, True])
def test_a_gap_is_noted_and_ends_no_frame(recorded, skipping):
    with FileSource(recorded, sampling=Sampling(10.0) if skipping else None) as source:
        codes = [read_code(frame.rgb) for frame in source]
    assert codes == list(range(23))
    assert "2 gaps of more than 60 s" in source.note


def test_a_still_scene_of_less_than_a_minute_repeats(coded_video):
    path = coded_video(frames=3, times=[0, FILE_GAP_SECONDS - 1, FILE_GAP_SECONDS - 0.9])
    assert len(_steps(path, 10.0, 1, 1, skipping=False)) == 592
    with FileSource(path) as source:
        assert len(list(source)) == 3
    assert source.note == ""
