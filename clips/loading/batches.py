"""Batches of drawn clips: an epoch's, mixed, and those of a draw in the clips' order."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from clips.loading.clip_reader import ClipSampler, read_all_clips
from clips.manifest.segments import Segment

# Clips that wait to be mixed, so that a batch does not hold those of a few videos alone.
_MIXED_BYTES = 256 * 2**20


def training_batches(
    segments: list[Segment], sampler: ClipSampler, batch_size: int, seed: int, epoch: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield shuffled batches of an epoch: uint8 (B, T, H, W, 3), and the index of each clip's
    segment (B,)."""

    def draw(order: list[int]) -> Iterator[tuple[int, np.ndarray]]:
        return read_all_clips(segments, sampler, (seed, epoch), order)

    for batch in shuffled_batches(draw, len(segments), sampler, batch_size, seed, epoch):
        yield _stacked(batch)


def shuffled_batches(
    draw: Callable[[list[int]], Iterator[tuple[int, Any]]],
    count: int,
    sampler: ClipSampler,
    batch_size: int,
    seed: int,
    epoch: int,
) -> Iterator[list[tuple[int, Any]]]:
    """Yield an epoch's batches of (index of the segment, item), which items alone do not change.

    Args:
        draw: gives the items of all segments for an order of them.
        count: of segments.
        sampler: of the clips that the items are or stand for: as many wait to be mixed.
        batch_size: items at once; the last batch may have fewer.
        seed, epoch: of the order.
    """
    random = np.random.default_rng([seed, epoch])
    waiting = max(batch_size, _MIXED_BYTES // sampler.clip_bytes)
    pool: list[tuple[int, Any]] = []
    for item in draw(random.permutation(count).tolist()):
        pool.append(item)
        if len(pool) > waiting:
            yield _take(pool, batch_size, random)
    while pool:
        yield _take(pool, min(batch_size, len(pool)), random)


def _take(pool: list, count: int, random: np.random.Generator) -> list:
    # From the end of a list, after a swap: taking from the middle would move all the rest.
    for place in range(len(pool) - 1, len(pool) - 1 - count, -1):
        other = random.integers(place + 1)
        pool[place], pool[other] = pool[other], pool[place]
    taken = pool[-count:]
    del pool[-count:]
    return taken


def ordered_batches(
    segments: list[Segment], sampler: ClipSampler, batch_size: int, seed: tuple[int, ...] = ()
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield batches in the segments' order, the same ones every time: uint8 (B, T, H, W, 3), and
    the index of each clip's segment (B,). A segment's clips may lie in two batches. What `seed`
    draws is what `training_batches` draws by the same seed and epoch; validation needs none."""
    batch: list[tuple[int, np.ndarray]] = []
    for drawn in read_all_clips(segments, sampler, seed):
        batch.append(drawn)
        if len(batch) == batch_size:
            yield _stacked(batch)
            batch = []
    if batch:
        yield _stacked(batch)


def _stacked(batch: list[tuple[int, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    return np.stack([clip for _, clip in batch]), np.array([index for index, _ in batch])
