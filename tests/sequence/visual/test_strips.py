"""Frames of a clip: evenly spaced, within its times."""

import pytest

from sequence.visual.strips import frames_of, strip_jpeg
from tests.conftest import read_code


def test_frames_are_those_of_the_clip_and_evenly_spaced(coded_video):
    path = coded_video("a.mp4", frames=30, size=(96, 48))
    frames = frames_of(path, 1.0, 2.0, 4, height=48)
    numbers = [read_code(frame) for frame in frames]
    assert numbers[0] == 10
    assert numbers[-1] == 19
    assert numbers == sorted(numbers)
    assert len(numbers) == 4
    assert strip_jpeg(frames).startswith(b"\xff\xd8")


@pytest.mark.parametrize("count", [1, 100])
def test_a_short_clip_has_as_many_frames_as_it_has(coded_video, count):
    path = coded_video("a.mp4", frames=3)
    assert len(frames_of(path, 0.0, float("inf"), count)) == min(count, 3)


def test_a_file_that_cannot_be_read_has_none(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"no video")
    assert frames_of(tmp_path / "a.mp4", 0.0, 1.0, 3) == []
