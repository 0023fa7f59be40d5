"""Batches of clips: shuffled for training, or in the order of the segments."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from clips.loading.clip_reader import ClipSampler, read_all_clips
from clips.manifest.segments import Segment

# Size of the shuffle buffer, so that a batch has clips of many videos.
_SHUFFLE_BYTES = 256 * 2**20


def training_batches(
    segments: list[Segment], sampler: ClipSampler, batch_size: int, seed: int, epoch: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield shuffled batches of an epoch: uint8 (B, T, H, W, 3), and the index of each clip's
    segment (B,)."""

    def read(order: list[int]) -> Iterator[tuple[int, np.ndarray]]:
        return read_all_clips(segments, sampler, (seed, epoch), order)

    for batch in shuffled_batches(read, len(segments), sampler, batch_size, seed, epoch):
        yield _stacked(batch)


def shuffled_batches(
    read: Callable[[list[int]], Iterator[tuple[int, Any]]],
    count: int,
    sampler: ClipSampler,
    batch_size: int,
    seed: int,
    epoch: int,
) -> Iterator[list[tuple[int, Any]]]:
    """Yield an epoch's shuffled batches of (index of the segment, item).

    The order depends on `seed` and `epoch` only, never on the items.

    Args:
        read: Function that yields (index, item) of all segments in a given order.
        count: Number of segments.
        sampler: Sampler of the clips; the size of its clips gives the size of the shuffle buffer.
        batch_size: Number of items in a batch; the last batch may have fewer.
        seed, epoch: Seeds of the order.
    """
    random = np.random.default_rng([seed, epoch])
    buffered = max(batch_size, _SHUFFLE_BYTES // sampler.clip_bytes)
    pool: list[tuple[int, Any]] = []
    for item in read(random.permutation(count).tolist()):
        pool.append(item)
        if len(pool) > buffered:
            yield _take(pool, batch_size, random)
    while pool:
        yield _take(pool, min(batch_size, len(pool)), random)


def _take(pool: list, count: int, random: np.random.Generator) -> list:
    # Swap to the end, then cut: removing from the middle of a list would move the rest.
    for place in range(len(pool) - 1, len(pool) - 1 - count, -1):
        other = random.integers(place + 1)
        pool[place], pool[other] = pool[other], pool[place]
    taken = pool[-count:]
    del pool[-count:]
    return taken


def ordered_batches(
    segments: list[Segment], sampler: ClipSampler, batch_size: int, seed: tuple[int, ...] = ()
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield batches in the order of the segments: uint8 (B, T, H, W, 3), and the index of each
    clip's segment (B,).

    The clips of a segment may be in two batches. With `seed` = (seed, epoch), the clips are those
    of `training_batches`; validation needs no seed.
    """
    batch: list[tuple[int, np.ndarray]] = []
    for item in read_all_clips(segments, sampler, seed):
        batch.append(item)
        if len(batch) == batch_size:
            yield _stacked(batch)
            batch = []
    if batch:
        yield _stacked(batch)


def _stacked(batch: list[tuple[int, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    return np.stack([clip for _, clip in batch]), np.array([index for index, _ in batch])
