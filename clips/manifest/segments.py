"""Labeled segments of videos, the units of training and evaluation."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from clips.manifest.entries import BACKGROUND, Entry, Manifest
from clips.manifest.time_blocks import Block, time_blocks, times_of

Span = tuple[float, float]  # start and end in seconds


@dataclass(frozen=True)
class Segment:
    """A part of a video with one label: from `start` up to, not including, `end` seconds.

    `is_copy` tells that the video is an augmented copy.
    """

    video: str
    label: str
    split: str
    group: str
    start: float = 0.0
    end: float = float("inf")
    is_copy: bool = False

    @property
    def is_part(self) -> bool:
        """Whether the segment is less than its whole video, as far as the manifest tells."""
        return self.start > 0 or self.end < float("inf")

    def holds(self, seconds: float) -> bool:
        return self.start <= seconds < self.end


def segments_of(manifest: Manifest) -> list[Segment]:
    """Return the segments of all rows, and the rest of partly labeled videos as background.

    The time of rows without a label is in no segment, nor are the gaps of a video that is split in
    time.
    """
    in_time = time_blocks(manifest.entries)
    by_video: dict[str, list[Entry]] = defaultdict(list)
    unused: dict[str, list[Span]] = defaultdict(list)
    for entry in manifest.unlabeled:
        unused[entry.video].append(times_of(entry))
    for entry in manifest.entries:
        by_video[entry.video].append(entry)
    segments = []
    for video, entries in by_video.items():
        labelled = [
            Segment(
                video,
                entry.label,
                entry.split,
                entry.group,
                *times_of(entry),
                bool(entry.parent),
            )
            for entry in entries
        ]
        segments += labelled
        if any(entry.is_part for entry in entries):
            blocks = in_time.get(video, [Block(labelled[0].split, 0.0, float("inf"))])
            segments += _between(labelled, unused[video], blocks)
    return segments


def segments_within(manifest: Manifest, seconds: Mapping[str, float]) -> list[Segment]:
    """Return the segments cut at the ends of their videos, without those behind the end.

    Args:
        manifest: The rows.
        seconds: Duration of each video; segments of others stay as they are.
    """
    cut = []
    for each in segments_of(manifest):
        length = seconds.get(each.video, float("inf"))
        # A row that begins behind the end is still one of its class; a rest there is none.
        if each.start < length or each.label != BACKGROUND:
            cut.append(replace(each, end=max(each.start, min(each.end, length))))
    return cut


def _between(labelled: list[Segment], unused: list[Span], blocks: list[Block]) -> list[Segment]:
    """Return the rest of a video around its segments and around parts that are not used.

    Args:
        labelled: The segments of the video.
        unused: Its parts that are not used.
        blocks: The time of each split in it.
    """
    first, reached, rest = labelled[0], 0.0, []
    for start, end in sorted([*unused, *((each.start, each.end) for each in labelled)]):
        if start > reached:
            rest.append((reached, start))
        reached = max(reached, end)
    if reached < float("inf"):
        rest.append((reached, float("inf")))
    return [
        Segment(first.video, BACKGROUND, block.split, first.group, *times)
        for start, end in rest
        for block in blocks
        if (times := (max(start, block.start), min(end, block.end)))[0] < times[1]
    ]


def limited(segments: list[Segment], limit: int, seed: int) -> list[Segment]:
    """Return up to `limit` random segments, balanced over the classes; 0 returns all."""
    if not limit or len(segments) <= limit:
        return segments
    order = np.random.default_rng(seed).permutation(len(segments))
    turns: dict[str, int] = {}
    ranked = []
    for place in order:
        label = segments[place].label
        turns[label] = turns.get(label, 0) + 1
        ranked.append((turns[label], place))
    return [segments[place] for place in sorted(place for _, place in sorted(ranked)[:limit])]
