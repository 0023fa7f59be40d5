"""Batches of sampled clips: shuffled for an epoch of training, or in the segments' order."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from clips.loading.clip_reader import ClipSampler, clip_counts, read_all_clips
from clips.manifest.segments import Segment

# Size of the shuffle pool: a batch has clips of many videos, not of a few neighbors.
_SHUFFLE_BYTES = 256 * 2**20

_Clip = TypeVar("_Clip")


def training_batches(
    segments: list[Segment], sampler: ClipSampler, batch_size: int, seed: int, epoch: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield shuffled batches of an epoch: uint8 (B, T, H, W, 3), and the index of each clip's
    segment (B,)."""
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(segments)).tolist()
    clips = read_all_clips(segments, sampler, (seed, epoch), order)
    for batch in _shuffled(clips, sampler, batch_size, random):
        yield _stacked(batch)


@dataclass(frozen=True)
class ChosenRows:
    """Some rows of a batch.

    Attributes:
        clips: Their clips, uint8 (n, T, H, W, 3).
        segments: Indices of their segments, int (n,).
        present: Whether a clip could be read, bool (n,); the others are black.
        count: Rows of the whole batch.
    """

    clips: np.ndarray
    segments: np.ndarray
    present: np.ndarray
    count: int


def chosen_training_batches(
    segments: list[Segment],
    sampler: ClipSampler,
    batch_size: int,
    seed: int,
    epoch: int,
    rows_of: Callable[[int], np.ndarray],
) -> Iterator[ChosenRows]:
    """Yield some rows of each batch of `training_batches`; only the segments of these are read.

    Args:
        segments, sampler, batch_size, seed, epoch: As for `training_batches`. The sampled frames
            of all segments are known.
        rows_of: Function from the number of rows of a batch to the different rows to read.
    """
    order = epoch_order(clip_counts(segments, sampler), sampler, batch_size, seed, epoch)
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    chosen = [[tuple(row) for row in batch[rows_of(len(batch))].tolist()] for batch in batches]
    wanted = {clip for rows in chosen for clip in rows}
    # As `training_batches` reads them: the pool bounds how many clips wait for their batch.
    reading = np.random.default_rng([seed, epoch]).permutation(len(segments)).tolist()
    place = {segment: number for number, segment in enumerate(reading)}
    read = {segment for segment, _ in wanted}
    clips = read_all_clips(
        segments, sampler, (seed, epoch), [each for each in reading if each in read]
    )
    waiting: dict[tuple[int, int], np.ndarray] = {}
    seen: Counter[int] = Counter()
    for rows, batch in zip(chosen, batches, strict=True):
        last, reached = max(place[segment] for segment, _ in rows), -1
        while reached <= last and not waiting.keys() >= set(rows):
            segment, clip = next(clips, (-1, np.empty(0)))
            reached = place.get(segment, len(place))
            if (key := (segment, seen[segment])) in wanted:
                waiting[key] = clip
            seen[segment] += 1
        black = np.zeros(sampler.clip_shape, np.uint8)
        yield ChosenRows(
            clips=np.stack([waiting.get(row, black) for row in rows]),
            segments=np.array([segment for segment, _ in rows]),
            present=np.array([waiting.pop(row, None) is not None for row in rows]),
            count=len(batch),
        )


def epoch_order(
    counts: np.ndarray, sampler: ClipSampler, batch_size: int, seed: int, epoch: int
) -> np.ndarray:
    """Return the order in which `training_batches` yields the clips of an epoch.

    Args:
        counts: Number of clips of each segment (n,).
        sampler: Sampler of the clips; their size determines how many are shuffled at a time.
        batch_size: Clips per batch.
        seed: Random seed of the run.
        epoch: The epoch.

    Returns:
        int (clips, 2): the index of a segment, and that of a clip among the segment's.
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(counts)).tolist()
    clips = ((segment, number) for segment in order for number in range(counts[segment]))
    batches = _shuffled(clips, sampler, batch_size, random)
    return np.array([clip for batch in batches for clip in batch], int).reshape(-1, 2)


def _shuffled(
    clips: Iterable[_Clip], sampler: ClipSampler, batch_size: int, random: np.random.Generator
) -> Iterator[list[_Clip]]:
    """Yield batches from a pool that is filled in the clips' order and emptied at random; the last
    batch may be smaller. The order depends only on the number of clips and on `random`."""
    pool_size = max(batch_size, _SHUFFLE_BYTES // sampler.clip_bytes)
    pool: list[_Clip] = []
    for clip in clips:
        pool.append(clip)
        if len(pool) > pool_size:
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
    segments: list[Segment],
    sampler: ClipSampler,
    batch_size: int,
    seed: tuple[int, ...] = (),
    order: Sequence[int] | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield batches in the segments' order: uint8 (B, T, H, W, 3), and the index of each clip's
    segment (B,). A segment's clips may lie in two batches.

    Args:
        segments: Segments to sample.
        sampler: Sampler of the clips.
        batch_size: Clips per batch; the last batch may be smaller.
        seed: Random seed; (seed, epoch) gives the clips of `training_batches`. Validation, whose
            clips are not random, needs none.
        order: Indices of the segments to read; None for all.
    """
    batch: list[tuple[int, np.ndarray]] = []
    for clip in read_all_clips(segments, sampler, seed, order):
        batch.append(clip)
        if len(batch) == batch_size:
            yield _stacked(batch)
            batch = []
    if batch:
        yield _stacked(batch)


def _stacked(batch: list[tuple[int, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    return np.stack([clip for _, clip in batch]), np.array([index for index, _ in batch])
