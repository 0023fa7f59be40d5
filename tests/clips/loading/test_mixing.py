"""Mixup and CutMix: clips of a batch in pairs, all frames alike, with the labels to match."""

import numpy as np
import pytest

from clips.loading.mixing import BatchMixer, mixes
from recipes.loader import load

CLASSES = np.array([0, 1, 2, 0, 1, 2])
LEVELS = np.array([0, 40, 80, 120, 160, 200])


def amounts(**values):
    return load(
        flags={f"finetune.augment.{k}": v for k, v in values.items()}
    ).recipe.finetune.augment


def batch() -> np.ndarray:
    """Return six clips of four frames; each clip has a gray of its own, brighter by one a frame."""
    frames = LEVELS[:, None] + np.arange(4)
    return np.broadcast_to(frames[:, :, None, None, None], (6, 4, 12, 16, 3)).astype(np.uint8)


def mixed(seed=(0, 0), **values) -> tuple[np.ndarray, np.ndarray]:
    return BatchMixer(amounts(**values), 3, seed)(batch(), CLASSES)


@pytest.mark.parametrize("key", ["mixup", "cutmix"])
def test_all_frames_share_the_mix_and_the_labels_say_its_shares(key):
    clips, labels = mixed(**{key: 1.0})
    assert (clips.shape, clips.dtype, labels.dtype) == ((6, 4, 12, 16, 3), np.uint8, np.float32)
    assert labels.sum(1) == pytest.approx(1, abs=1e-6)
    assert not np.array_equal(clips, batch())
    for clip, label, level, own in zip(clips.astype(int), labels, LEVELS, CLASSES, strict=True):
        # What one frame has of two clips, every frame has.
        assert np.abs(clip - clip[0] - np.arange(4)[:, None, None, None]).max() <= 1
        changed = clip[0] - level
        partners = [
            (other, share)
            for other in LEVELS
            if other != level
            for share in [changed.mean() / (other - level)]
            if 0 <= share <= 1
        ]
        if not partners:
            assert label[own] == pytest.approx(1, abs=0.01)
            continue
        # One of the other clips explains both pixels and label; a box has whole pixels.
        assert any(
            label[own]
            == pytest.approx(1 - share + share * (CLASSES[other == LEVELS] == own), abs=0.15)
            for other, share in partners
        )


def test_mixup_blends_whole_frames_and_cutmix_pastes_a_rectangle():
    blended, _ = mixed(mixup=1.0)
    assert (blended == blended[:, :, :1, :1]).all()
    pasted, _ = mixed(cutmix=1.0)
    assert set(np.unique(pasted[:, 0])) <= set(LEVELS.tolist())
    assert any(len(np.unique(clip[0])) == 2 for clip in pasted)


def test_seeds_reproduce_and_epochs_differ():
    for key in ("mixup", "cutmix"):
        first, again, other = (mixed(seed, **{key: 1.0}) for seed in ((0, 1), (0, 1), (0, 2)))
        assert np.array_equal(first[0], again[0])
        assert np.array_equal(first[1], again[1])
        assert not np.array_equal(first[1], other[1])


def test_with_both_chance_takes_one_per_batch():
    mixer = BatchMixer(amounts(mixup=1.0, cutmix=1.0), 3, (0, 0))
    flat = [
        (clips == clips[:, :, :1, :1]).all()
        for clips, _ in (mixer(batch(), CLASSES) for _ in range(12))
    ]
    assert 1 <= sum(flat) <= 11


def test_batches_are_mixed_only_on_request():
    assert not mixes(amounts())
    assert mixes(amounts(mixup=0.2))
    assert mixes(amounts(cutmix=0.2))


def test_several_classes_are_mixed_as_their_clips_are():
    several = np.eye(3, dtype=np.float32)[CLASSES]
    several[0] = 1  # all three
    mixer = BatchMixer(amounts(mixup=1.0), 3, (0, 0))
    clips, labels = mixer(batch(), several)
    one_clips, one = BatchMixer(amounts(mixup=1.0), 3, (0, 0))(batch(), CLASSES)
    np.testing.assert_array_equal(clips, one_clips)
    without = [row for row in range(len(several)) if labels[row].sum() < 1 + 1e-6]
    np.testing.assert_allclose(labels[without], one[without], atol=1e-6)
    assert len(without) < len(several)  # who is mixed with the first clip has a part of all three
