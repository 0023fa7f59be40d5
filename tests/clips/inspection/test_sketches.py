"""Small pictures and hashes of clips."""

import numpy as np
import pytest

from clips.inspection.sketches import SIDE, Sketcher, phash
from tests.clips.inspection.scenes import frames_of, resized, sketch_of
from video.frame import Frame


def bits_apart(one: int, other: int) -> int:
    return (one ^ other).bit_count()


def test_a_hash_hardly_changes_with_size_noise_and_brightness():
    frames = frames_of(0, 0)
    plain = sketch_of(frames)
    small = sketch_of(resized(frames, 64, 48))
    random = np.random.default_rng(0)
    darker = np.clip(0.7 * frames + random.normal(0, 6, frames.shape), 0, 255).astype(np.uint8)
    other = sketch_of(frames_of(5, 0))
    for changed in (small, sketch_of(darker)):
        assert max(map(bits_apart, plain.hashes.tolist(), changed.hashes.tolist())) <= 8
    assert min(map(bits_apart, plain.hashes.tolist(), other.hashes.tolist())) > 10


def test_the_hash_is_that_of_the_low_frequencies_of_the_cosine_transform():
    """By hand: one cosine of one frequency has one coefficient above all others."""
    ramp = (np.arange(SIDE) + 0.5) / SIDE
    wave = 128 + 100 * np.cos(np.pi * 3 * ramp)[None, :].repeat(SIDE, 0)
    assert phash(wave) >> 2 & 1  # row 0, frequency 3; bit 0 is frequency 1
    assert phash(255 - wave) >> 2 & 1 == 0


def test_samples_are_an_eighth_of_a_second_apart_and_keep_their_times():
    frames = frames_of(0, 0, seconds=2.0)
    sketch = sketch_of(frames)
    assert (sketch.rate, len(sketch.pictures)) == (8.0, 16)
    assert np.abs(sketch.pictures[1].mean() - frames[2].mean()) < 25
    # A frame rate that drops for a second: the picture before stands for the samples without one.
    sketcher = Sketcher()
    for number, seconds in enumerate((0.0, 0.125, 1.125)):
        sketcher(Frame.from_array(frames[10 * number], number, seconds))
    uneven = sketcher.sketch().pictures
    assert len(uneven) == 10
    assert (uneven[1] == uneven[8]).all()
    assert not (uneven[8] == uneven[9]).all()


def test_a_long_video_has_fewer_samples_a_second():
    sketcher = Sketcher()
    pixels = frames_of(0, 0, seconds=0.1)[0]
    for number in range(700):
        sketcher(Frame.from_array(pixels, number, number / 8))
    sketch = sketcher.sketch()
    assert sketch.rate == 2.0
    assert len(sketch.pictures) == pytest.approx(700 / 4, abs=1)


def test_flat_pictures_have_no_hash():
    sketch = sketch_of(np.full((20, 48, 64, 3), 7, np.uint8))
    assert not sketch.textured.any()
    assert sketch.brightness == pytest.approx(7, abs=1)
