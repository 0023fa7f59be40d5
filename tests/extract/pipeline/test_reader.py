"""Decoding stage: every step once and in order, with batches independent of other videos."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from extract.pipeline.reader import StepBatch, batches_of, decoding_stage
from tests.conftest import read_code, write_coded_images, write_coded_video
from video.errors import VideoError
from video.motion import motion_energy
from video.preprocessing import Preprocessing
from video.sampling import Sampling
from video.steps import Stepper


def stepper(fps: float | None = 10.0, clip_length: int = 1) -> Stepper:
    return Stepper(Sampling(fps), Preprocessing(64, 48), clip_length)


def codes_of(batches: list[StepBatch]) -> list[int]:
    """Return the number of the frame that each step shows."""
    codes: list[int] = []
    for batch in batches:
        for row in batch.rows:
            codes.append(read_code(batch.clips[row, -1]) if row >= 0 else codes[-1])
    return codes


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> list[tuple[str, Path]]:
    """Six videos of 3 to 43 coded frames at 10 a second."""
    folder = tmp_path_factory.mktemp("videos")
    counts = (43, 3, 20, 1, 16, 30)
    return [(f"v{n}", write_coded_video(folder / f"v{n}.mp4", n)) for n in counts]


@pytest.mark.parametrize("batch_size", [1, 8, 16, 100])
def test_steps_come_once_in_order_and_in_full_batches(videos, batch_size):
    for video, path in videos:
        count = int(video[1:])
        batches = list(batches_of(video, path, stepper(), batch_size))
        assert codes_of(batches) == list(range(count))
        assert [len(batch.clips) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
        assert 1 <= len(batches[-1].clips) <= batch_size
        assert [batch.last for batch in batches] == [False] * (len(batches) - 1) + [True]
        seconds = np.concatenate([batch.seconds for batch in batches])
        assert np.allclose(seconds, np.arange(count) / 10)
        for batch in batches:
            assert batch.clips.dtype == np.uint8
            assert batch.clips.shape[1:] == (1, 48, 64, 3)
            assert (batch.video, batch.error, batch.note) == (video, "", "")


def test_a_folder_of_frames_gives_the_steps_of_a_video_of_them(tmp_path):
    images = write_coded_images(tmp_path / "frames", range(1, 31), 10.0)
    video = write_coded_video(tmp_path / "video.mp4", 31)
    for fps, codes in ((10.0, list(range(1, 31))), (5.0, list(range(1, 31, 2)))):
        batches = list(batches_of("frames", images, stepper(fps), 8))
        assert codes_of(batches) == codes
        assert [code - 1 for code in codes] == codes_of(
            list(batches_of("video", video, stepper(fps), 8))
        )[: len(codes)]
        seconds = np.concatenate([batch.seconds for batch in batches])
        assert np.allclose(seconds, np.arange(len(codes)) / fps)


@pytest.mark.parametrize("batch_size", [1, 3, 100])
@pytest.mark.parametrize("clip_length", [1, 4])
def test_motion_is_that_of_the_newest_frames_and_the_first_step_repeats_the_second(
    videos, batch_size, clip_length
):
    for video, path in videos:
        batches = list(batches_of(video, path, stepper(clip_length=clip_length), batch_size))
        motion = np.concatenate([batch.motion for batch in batches])
        newest = [batch.clips[row, -1] for batch in batches for row in batch.rows]
        assert motion.dtype == np.float32
        assert motion.shape == (int(video[1:]), 16)
        moved = [motion_energy(*pair) for pair in pairwise(newest)]
        wanted = [moved[0], *moved] if moved else np.zeros((1, 16))
        np.testing.assert_array_equal(motion, wanted)


@pytest.mark.parametrize("batch_size", [1, 50])
def test_a_repeated_step_has_no_motion(tmp_path, batch_size):
    path = write_coded_video(tmp_path / "slow.mp4", 4, rate=5)  # two steps a frame
    batches = list(batches_of("slow", path, stepper(), batch_size))
    energy = np.concatenate([batch.motion for batch in batches]).max(1)
    assert (energy > 0).tolist() == [False, False, True, False, True, False, True]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 50])
def test_repeated_frame_is_one_clip(tmp_path, batch_size):
    path = write_coded_video(tmp_path / "slow.mp4", 7, rate=2)  # five steps a frame but the last
    batches = list(batches_of("slow", path, stepper(), batch_size))
    assert codes_of(batches) == [n for n in range(6) for _ in range(5)] + [6]
    assert sum(len(batch.clips) for batch in batches) == 7
    assert batches[0].rows[0] == 0


def test_still_frame_longer_than_a_batch_is_one_clip(tmp_path):
    times = [0.0, 0.1, 3.0, 3.1]
    path = write_coded_video(tmp_path / "still.mp4", 4, times=times)
    batches = list(batches_of("still", path, stepper(), 2))
    assert codes_of(batches) == [0] + [1] * 29 + [2, 3]
    assert sum(len(batch.clips) for batch in batches) == 4


def test_clip_repeats_only_if_all_its_frames_do(tmp_path):
    path = write_coded_video(tmp_path / "slow.mp4", 4, rate=5)  # two steps a frame
    batches = list(batches_of("slow", path, stepper(clip_length=2), 100))
    shown = [[read_code(frame) for frame in batches[0].clips[row]] for row in batches[0].rows]
    assert shown == [[0, 0], [0, 0], [0, 1], [1, 1], [1, 2], [2, 2], [2, 3]]
    assert len(batches[0].clips) == 6


@pytest.mark.parametrize("content", [None, b"", b"no video at all" * 100])
def test_unreadable_video_gives_one_batch_with_the_error(tmp_path, content):
    path = tmp_path / "broken.mp4"
    if content is not None:
        path.write_bytes(content)
    (batch,) = batches_of("broken", path, stepper(), 8)
    assert batch.last
    assert str(path) in batch.error
    assert "\n" not in batch.error
    assert len(batch.rows) == len(batch.clips) == len(batch.motion) == 0


def test_truncated_video_gives_its_decodable_part_and_a_note(tmp_path):
    path = write_coded_video(tmp_path / "whole.mp4", 100)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(path.read_bytes()[:-400])
    batches = list(batches_of("broken", broken, stepper(), 8))
    codes = codes_of(batches)
    assert 0 < len(codes) < 100
    assert batches[-1].note
    assert not any(batch.error for batch in batches)
    assert not any(batch.note for batch in batches[:-1])


def test_error_after_some_batches_ends_the_video(videos, monkeypatch):
    def breaking(self, frame):
        if frame.index == 10:
            raise VideoError("v43: the disk was pulled out")
        return iter(())

    monkeypatch.setattr(Stepper, "push", breaking)
    batches = list(batches_of(*videos[0], stepper(), 4))
    assert batches[-1].error == "v43: the disk was pulled out"
    assert batches[-1].last


def read_all(videos, clip_length: int = 1) -> list[StepBatch]:
    with decoding_stage(videos, lambda: stepper(clip_length=clip_length), clip_length) as reading:
        return list(reading)


def test_stage_gives_the_same_batches_as_each_video_alone(videos):
    alone = {video: list(batches_of(video, path, stepper(), 16)) for video, path in videos}
    together: dict[str, list[StepBatch]] = {}
    for batch in read_all(videos):
        together.setdefault(batch.video, []).append(batch)
    assert set(together) == set(alone)
    for video, batches in together.items():
        assert [batch.number for batch in batches] == list(range(len(alone[video])))
        for one, other in zip(batches, alone[video], strict=True):
            assert np.array_equal(one.clips, other.clips)
            assert np.array_equal(one.rows, other.rows)
            assert np.array_equal(one.seconds, other.seconds)
            assert np.array_equal(one.motion, other.motion)
            assert one.last == other.last


def test_batches_have_the_same_number_of_frames_for_any_clip_length(videos):
    assert max(len(batch.clips) for batch in read_all(videos)) == 16
    assert max(len(batch.clips) for batch in read_all(videos, clip_length=8)) == 2
    assert max(len(batch.clips) for batch in read_all(videos, clip_length=64)) == 1


def test_stage_without_videos_ends():
    assert read_all([]) == []


def test_broken_video_does_not_stop_the_others(videos, tmp_path):
    batches = read_all([videos[0], ("gone", tmp_path / "gone.mp4"), *videos[1:]])
    assert [batch.video for batch in batches if batch.error] == ["gone"]
    assert {batch.video for batch in batches if batch.last} == {v for v, _ in videos} | {"gone"}


@pytest.mark.parametrize("error", [RuntimeError("no such step"), MemoryError("too large")])
def test_unexpected_error_names_the_file(videos, monkeypatch, error):
    def breaking(self, frame):
        raise error
        yield

    monkeypatch.setattr(Stepper, "push", breaking)
    with pytest.raises(type(error), match=str(error)) as raised:
        read_all(videos)
    assert "while reading" in raised.value.__notes__[0]
    assert ".mp4" in raised.value.__notes__[0]
