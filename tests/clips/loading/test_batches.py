"""The order of an epoch's clips as an array equals that of the clips themselves."""

import numpy as np
import pytest

from clips.loading import batches
from clips.loading.clip_reader import ClipSampler
from clips.manifest.segments import Segment


@pytest.mark.parametrize("pool", [1, 5, 10**9])
@pytest.mark.parametrize("epoch", [0, 3])
def test_an_epoch_s_order_is_that_in_which_its_clips_are_read(monkeypatch, pool, epoch):
    """Segments of no, one and several clips, in pools smaller and larger than an epoch."""
    counts = np.array([3, 0, 1, 7, 2, 5])

    def read_all_clips(segments, sampler, seed, order):
        assert seed == (11, epoch)
        for index in order:
            for number in range(counts[index]):
                yield index, np.array([index, number])

    class Sampler(ClipSampler):
        clip_bytes = 1

    sampler = object.__new__(Sampler)
    segments = [Segment(f"{n}", "a", "train", "g") for n in range(len(counts))]
    monkeypatch.setattr(batches, "_SHUFFLE_BYTES", pool)
    monkeypatch.setattr(batches, "read_all_clips", read_all_clips)
    read = list(batches.training_batches(segments, sampler, 4, 11, epoch))
    order = batches.epoch_order(counts, sampler, 4, 11, epoch)
    np.testing.assert_array_equal(np.concatenate([clips for clips, _ in read]), order)
    assert [len(clips) for clips, _ in read] == [4, 4, 4, 4, 2]
    assert sorted(map(tuple, order.tolist())) == [
        (index, number) for index, count in enumerate(counts) for number in range(count)
    ]


def test_an_epoch_without_clips_has_an_empty_order():
    class Sampler(ClipSampler):
        clip_bytes = 1

    order = batches.epoch_order(np.zeros(3, int), object.__new__(Sampler), 4, 0, 0)
    assert order.shape == (0, 2)
