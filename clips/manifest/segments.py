"""Labeled segments of videos, the units of training and evaluation."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from clips.manifest.entries import BACKGROUND, Entry, Manifest

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

    The time of rows without a label is in no segment.
    """
    by_video: dict[str, list[Entry]] = defaultdict(list)
    unused: dict[str, list[Span]] = defaultdict(list)
    for entry in manifest.unlabeled:
        unused[entry.video].append(_span(entry))
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
                *_span(entry),
                bool(entry.parent),
            )
            for entry in entries
        ]
        segments += labelled
        if any(entry.is_part for entry in entries):
            segments += _between(labelled, unused[video])
    return segments


def _span(entry: Entry) -> Span:
    return entry.start or 0.0, float("inf") if entry.end is None else entry.end


def _between(labelled: list[Segment], unused: list[Span]) -> list[Segment]:
    """Return the rest of a video around its segments and around parts that are not used."""
    first, reached, rest = labelled[0], 0.0, []
    for start, end in sorted([*unused, *((each.start, each.end) for each in labelled)]):
        if start > reached:
            rest.append((reached, start))
        reached = max(reached, end)
    if reached < float("inf"):
        rest.append((reached, float("inf")))
    return [Segment(first.video, BACKGROUND, first.split, first.group, *times) for times in rest]


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
