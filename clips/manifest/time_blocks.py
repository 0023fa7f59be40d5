"""Videos that are split in time: train, val and test are blocks of one recording.

    rows     [run]     [fall] [run]          [fall] [run]       [run]     [fall]
    split    train     train  train          val    val         test      test
    blocks   |------ train -----------| gap |---- val ----| gap |----- test -----

Scores on the test block say how well the model knows this recording, not how well it knows others.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from clips.manifest.entries import SPLITS, Entry

# A window looks back a few seconds, so it must not reach into the block before.
GAP_SECONDS = 10.0
# Times in a manifest were rounded by the program that wrote them.
_TOLERANCE_SECONDS = 1e-6


@dataclass(frozen=True)
class Block:
    """The time of one split in a video: from `start` up to, not including, `end` seconds."""

    split: str
    start: float
    end: float


def time_blocks(entries: Iterable[Entry]) -> dict[str, list[Block]]:
    """Return the blocks of each video that is split in time, in order of time.

    In such a video all rows have times, the rows of each split are together, train is before val
    and val before test, and two splits are at least `GAP_SECONDS` apart. Two blocks meet in the
    middle between their rows, with a gap of `GAP_SECONDS` that is in no block. A video with any
    other rows in several splits has no blocks: it is a leak.

    Args:
        entries: The rows of a manifest.
    """
    rows: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        rows[entry.video].append(entry)
    found = {}
    for video, listed in rows.items():
        splits = {entry.split for entry in listed}
        if len(splits) > 1 and splits <= set(SPLITS) and (blocks := _blocks(listed)):
            found[video] = blocks
    return found


def _blocks(rows: list[Entry]) -> list[Block]:
    """Return the blocks of a video in several splits; none if its splits are no blocks."""
    if not all(entry.is_part for entry in rows):
        return []
    limits = []
    for split in SPLITS:
        if times := [entry.span for entry in rows if entry.split == split]:
            limits.append((split, min(start for start, _ in times), max(end for _, end in times)))
    blocks, begin = [], 0.0
    for (split, _, last), (_, first, _) in pairwise(limits):
        if first - last < GAP_SECONDS - _TOLERANCE_SECONDS:
            return []
        end = last + (first - last - GAP_SECONDS) / 2
        blocks.append(Block(split, begin, end))
        begin = end + GAP_SECONDS
    return [*blocks, Block(limits[-1][0], begin, float("inf"))]


def outside(blocks: list[Block], split: str) -> list[tuple[float, float]]:
    """Return the times of a video that are not in the block of a split.

    Args:
        blocks: Blocks of the video, in order of time.
        split: train, val, test, or all for the times in no block.

    >>> outside([Block("train", 0.0, 50.0), Block("test", 60.0, 90.0)], "test")
    [(0.0, 60.0), (90.0, inf)]
    """
    times, reached = [], 0.0
    for block in blocks:
        if split in (block.split, "all"):
            times.append((reached, block.start))
            reached = block.end
    times.append((reached, float("inf")))
    return [(start, end) for start, end in times if end > start]
