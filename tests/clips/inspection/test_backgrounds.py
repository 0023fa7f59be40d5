"""Backgrounds of clips: what stays in place, and how much two agree."""

import cv2
import numpy as np

from clips.inspection.backgrounds import SIDE, BackgroundMeter, agreements
from clips.synthetic import arm_heights, render_frame, sample_scene


def background(scene: int, label: str) -> np.ndarray:
    """Return the background of a clip of the demo."""
    look, random = sample_scene(np.random.default_rng([0, scene]), 96), np.random.default_rng(scene)
    meter = BackgroundMeter()
    for height in arm_heights(label, random):
        if meter.wants():
            frame = render_frame(look, height, 96, random)
            meter.add(cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
    return meter.background()


def test_things_that_move_fade_from_a_long_clip():
    random = np.random.default_rng(0)
    still = random.integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8)
    meter = BackgroundMeter()
    for place in range(300):
        if meter.wants():
            frame = still.copy()
            column = (place // 4) % SIDE
            frame[:, column : column + 4] = 255
            meter.add(frame)
    assert np.array_equal(meter.background(), still)


def test_rendered_scenes_that_look_alike_from_afar_are_told_apart():
    # The demo's scenes 77, 85 and 101 have similar shades and a figure in the same place.
    clips = [background(scene, label) for scene in (77, 85, 101) for label in ("up", "down")]
    found = agreements(clips, 0.55)
    assert set(found) == {(0, 1), (2, 3), (4, 5)}


def test_equal_pictures_agree_and_plain_ones_say_nothing():
    random = np.random.default_rng(1)
    textured = random.integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8)
    plain = np.full((SIDE, SIDE, 3), 90, np.uint8)
    found = agreements([textured, plain, textured, plain], -1.0)
    assert found[0, 2] > 0.99
    assert found[1, 3] == 0
    assert abs(found[0, 1]) < 0.01
    assert agreements([], 0.5) == {}


def test_the_agreement_of_many_clips_is_that_of_two():
    clips = list(np.random.default_rng(2).integers(0, 255, (260, SIDE, SIDE, 3)).astype(np.uint8))
    clips[258] = clips[3]
    assert set(agreements(clips, 0.5)) == {(3, 258)}
