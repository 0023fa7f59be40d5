"""The synthetic set: the same seed gives the same pixels, and only time tells raise from lower."""

from collections import defaultdict

import numpy as np
import pytest

from clips.manifest import Entry
from clips.splitting.grouping import group_entries
from clips.synthetic import (
    CLASSES,
    FPS,
    SECONDS,
    arm_heights,
    render,
    render_frame,
    render_show,
    sample_scene,
)
from video.sources import FileSource


def pixels(path) -> np.ndarray:
    with FileSource(path) as source:
        return np.stack([frame.rgb for frame in source])


def angles(label: str, seed: int) -> np.ndarray:
    return arm_heights(label, np.random.default_rng(seed))


def test_the_same_seed_gives_the_same_pixels_and_another_seed_others(tmp_path):
    for name, seed in (("one", 5), ("two", 5), ("other", 6)):
        render(tmp_path / name, scenes=2, size=32, seed=seed)
    clips = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.mp4"))
    assert len(clips) == 2 * len(CLASSES)
    for clip in clips:
        first = pixels(tmp_path / "one" / clip)
        assert np.array_equal(first, pixels(tmp_path / "two" / clip))
        assert not np.array_equal(first, pixels(tmp_path / "other" / clip))


def test_a_scene_does_not_depend_on_how_many_there_are(tmp_path):
    render(tmp_path / "few", scenes=1, size=32)
    render(tmp_path / "more", scenes=3, size=32)
    for clip in (tmp_path / "few").rglob("*.mp4"):
        assert np.array_equal(
            pixels(clip), pixels(tmp_path / "more" / clip.relative_to(tmp_path / "few"))
        )


def test_every_scene_has_a_clip_of_each_class(clips_folder):
    classes = defaultdict(set)
    for path in (clips_folder / "clips").rglob("*.mp4"):
        label = path.parent.name
        (entry,) = group_entries([Entry(path.relative_to(clips_folder).as_posix(), label)], "auto")
        classes[entry.group].add(label)
    assert len(classes) == 12
    assert all(found == set(CLASSES) for found in classes.values())


@pytest.mark.parametrize("label", CLASSES)
def test_a_clip_lasts_two_seconds_at_ten_frames_a_second(clips_folder, label):
    with FileSource(clips_folder / "clips" / label / f"v_{label}_g000_c01.mp4") as source:
        seconds = [frame.seconds for frame in source]
    assert source.size == (48, 48)
    assert seconds == pytest.approx(np.arange(round(SECONDS * FPS)) / FPS, abs=1e-4)


def test_raise_and_lower_are_each_others_reverse_but_for_the_jitter():
    for seed in range(50):
        jitter = angles("down", seed)
        lifted, dropped = angles("raise", seed) - jitter, angles("lower", seed) - jitter
        assert lifted == pytest.approx(dropped[::-1])
        assert lifted[0] == pytest.approx(0)
        assert lifted[-1] == pytest.approx(1)
        assert (np.diff(lifted) >= -1e-9).all()


def test_no_frame_and_no_average_tells_raise_from_lower():
    lifted = np.array([angles("raise", seed) for seed in range(1000)])
    dropped = np.array([angles("lower", 10_000 + seed) for seed in range(1000)])
    assert lifted.mean(0) == pytest.approx(dropped.mean(0)[::-1], abs=0.06)
    assert lifted.mean() == pytest.approx(dropped.mean(), abs=0.02)
    quantiles = np.linspace(0.02, 0.98, 25)
    assert np.quantile(lifted, quantiles) == pytest.approx(
        np.quantile(dropped, quantiles), abs=0.08
    )


def test_up_stays_up_and_down_stays_down():
    assert angles("up", 0) == pytest.approx(np.ones(20), abs=0.15)
    assert angles("down", 0) == pytest.approx(np.zeros(20), abs=0.15)


def test_the_arms_height_shows_in_the_image():
    scene = sample_scene(np.random.default_rng(3), 96)
    low, high = (
        render_frame(scene, height, 96, np.random.default_rng(0)).astype(int)
        for height in (0.0, 1.0)
    )
    changed = np.abs(high - low).max(-1) > 40
    rows = np.nonzero(changed.any(1))[0]
    shoulder = scene.shoulder[1] * 96
    assert changed.mean() > 0.003
    assert rows.min() < shoulder - 10
    assert rows.max() > shoulder + 10


def test_the_show_is_a_longer_video_of_its_own_scene(tmp_path, monkeypatch):
    monkeypatch.setattr("clips.synthetic._SHOW_SECONDS", 3.5)
    render_show(tmp_path / "show.mp4", size=48)
    with FileSource(tmp_path / "show.mp4") as source:
        assert source.rate == pytest.approx(30)
        assert len(list(source)) == 105
