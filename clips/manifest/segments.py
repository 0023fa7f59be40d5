"""Labeled segments of videos, the units of training and evaluation."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from clips.manifest.entries import BACKGROUND, Entry, Manifest, one_label_each
from clips.manifest.time_blocks import Block, time_blocks
from metrics.label_sets import joined, labels_in

Span = tuple[float, float]  # start and end in seconds


@dataclass(frozen=True)
class Segment:
    """A part of a video with its label: from `start` up to, not including, `end` seconds.

    In a multi-label set the label may be several, such as `run|wave`, or `background` for none.
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

    In a multi-label set, rows of a video that overlap are cut where one of them begins or ends;
    each piece has the labels of all rows that it lies in.
    The time of rows without a label is in no segment, nor are the gaps of a video that is split in
    time.
    """
    in_time = time_blocks(manifest.entries)
    by_video: dict[str, list[Entry]] = defaultdict(list)
    unused: dict[str, list[Span]] = defaultdict(list)
    for entry in manifest.unlabeled:
        unused[entry.video].append(entry.span)
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
                *entry.span,
                bool(entry.parent),
            )
            for entry in entries
        ]
        if manifest.several:
            labelled = without_overlaps(labelled)
        segments += labelled
        if any(entry.is_part for entry in entries):
            blocks = in_time.get(video, [Block(labelled[0].split, 0.0, float("inf"))])
            segments += _between(labelled, unused[video], blocks)
    return segments


def spans_of(manifest: Manifest) -> list[Segment]:
    """Return the labeled segments, each with one label and whole, also where they overlap.

    In a multi-label set the rest of partly labeled videos is not among them.
    """
    if not manifest.several:
        return segments_of(manifest)
    return [
        Segment(row.video, row.label, row.split, row.group, *row.span, bool(row.parent))
        for row in one_label_each(manifest.entries)
    ]


# Of a piece. The windows of a shorter one would mostly show the pieces next to it.
_LEAST_PIECE_SECONDS = 0.5


def without_overlaps(labelled: list[Segment]) -> list[Segment]:
    """Return segments of one video that do not overlap, with the labels of all that held there.

    Pieces below half a second are left out, unless they are segments of their own.

    Args:
        labelled: Segments of one video.

    >>> run, wave = Segment("a", "run", "", "", 0, 6), Segment("a", "wave", "", "", 4, 9)
    >>> [(each.label, each.start, each.end) for each in without_overlaps([run, wave])]
    [('run', 0, 4), ('run|wave', 4, 6), ('wave', 6, 9)]
    """
    ordered = sorted(labelled, key=lambda segment: (segment.start, segment.end))
    if all(one.end <= other.start for one, other in pairwise(ordered)):
        return labelled
    cuts = sorted({time for each in labelled for time in (each.start, each.end)})
    pieces: list[tuple[Segment, set[int]]] = []
    for start, end in pairwise(cuts):
        rows = {n for n, each in enumerate(ordered) if each.start <= start and end <= each.end}
        if not rows:
            continue
        labels = {label for n in rows for label in labels_in(ordered[n].label)} - {BACKGROUND}
        piece = replace(ordered[min(rows)], label=joined(labels), start=start, end=end)
        before, its_rows = pieces[-1] if pieces else (piece, set())
        if before.label == piece.label and its_rows & rows:
            pieces[-1] = (replace(before, end=end), its_rows | rows)
        else:
            pieces.append((piece, rows))
    whole = {(each.start, each.end) for each in labelled}
    return [
        piece
        for piece, _ in pieces
        if piece.end - piece.start >= _LEAST_PIECE_SECONDS or (piece.start, piece.end) in whole
    ]


def segments_within(manifest: Manifest, seconds: Mapping[str, float]) -> list[Segment]:
    """Return the segments of `spans_of` cut at the ends of their videos, for tables.

    Those behind the end are left out.

    Args:
        manifest: The rows.
        seconds: Duration of each video; segments of others stay as they are.
    """
    cut = []
    for each in spans_of(manifest):
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
