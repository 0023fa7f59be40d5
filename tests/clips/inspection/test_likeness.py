"""Copies and scenes among clips."""

import numpy as np
import pytest

from clips.inspection.likeness import compare
from tests.clips.inspection.scenes import frames_of, resized, sketch_of


def found(**clips):
    likeness = compare({name: sketch_of(frames) for name, frames in clips.items()})
    copies = {(pair.one, pair.other) for pair in likeness.copies}
    return likeness, copies, {(pair.one, pair.other) for pair in likeness.scenes}


def test_a_copy_is_found_resized_darker_and_cut_at_its_begin():
    frames = frames_of(0, 0)
    noise = np.random.default_rng(0).normal(0, 5, frames.shape)
    changed = resized(np.clip(0.95 * frames + noise, 0, 255).astype(np.uint8), 64, 48)
    likeness, copies, _ = found(whole=frames, cut=changed[9:], other=frames_of(7, 0))
    assert copies == {("whole", "cut")}
    (pair,) = likeness.copies
    assert pair.offset_seconds == pytest.approx(9 / 16, abs=0.13)
    assert pair.overlap_seconds == pytest.approx(31 / 16, abs=0.26)


def test_another_moment_of_a_fixed_camera_is_the_same_scene_and_no_copy():
    clips = {f"clip{moves}": frames_of(3, moves) for moves in range(6)}
    likeness, copies, scenes = found(**clips)
    assert copies == set()
    assert len(scenes) == 15
    assert all(pair.is_view for pair in likeness.scenes)


def test_clips_of_different_scenes_are_no_pair():
    _, copies, scenes = found(**{f"clip{scene}": frames_of(scene, scene) for scene in range(40)})
    assert copies == scenes == set()


def test_clips_that_do_not_move_are_never_copies():
    still = np.repeat(frames_of(0, 0)[:1], 40, 0)
    _, copies, scenes = found(a=still, b=still)
    assert copies == set()
    assert scenes == {("a", "b")}


def test_clips_of_less_than_a_second_and_dark_ones_are_not_compared():
    short, dark = frames_of(0, 0)[:12], np.zeros((40, 48, 64, 3), np.uint8)
    likeness, _, scenes = found(a=short, b=short, c=dark, d=dark)
    assert likeness.too_short == ("a", "b", "c", "d")
    assert scenes == set()


def test_a_long_video_is_compared_with_a_cut_of_it_at_the_rate_of_the_long_one():
    frames = np.concatenate(
        [frames_of(0, moves) for moves in range(14)]
    )  # 35 s, 4 samples a second
    likeness, copies, _ = found(long=frames, cut=frames[200:280])
    assert copies == {("long", "cut")}
    assert likeness.copies[0].offset_seconds == pytest.approx(12.5, abs=0.25)
