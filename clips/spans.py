"""The labelled pieces of videos that training and scoring work on."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from clips.manifest import BACKGROUND, Entry, Manifest


@dataclass(frozen=True)
class Span:
    """A piece of a video with one label: from `start` up to, not including, `end` seconds."""

    video: str
    label: str
    split: str
    group: str
    start: float = 0.0
    end: float = float("inf")

    def holds(self, seconds: float) -> bool:
        return self.start <= seconds < self.end


def spans_of(manifest: Manifest) -> list[Span]:
    """Return the spans of all rows, and the rest of partly labelled videos as background."""
    by_video: dict[str, list[Entry]] = defaultdict(list)
    for entry in manifest.entries:
        by_video[entry.video].append(entry)
    spans = []
    for video, entries in by_video.items():
        labelled = [
            Span(
                video,
                entry.label,
                entry.split,
                entry.group,
                entry.start or 0.0,
                float("inf") if entry.end is None else entry.end,
            )
            for entry in entries
        ]
        spans += labelled
        if any(entry.is_part for entry in entries):
            spans += _between(labelled)
    return spans


def _between(labelled: list[Span]) -> list[Span]:
    first, reached, rest = labelled[0], 0.0, []
    for span in sorted(labelled, key=lambda span: span.start):
        if span.start > reached:
            rest.append((reached, span.start))
        reached = max(reached, span.end)
    if reached < float("inf"):
        rest.append((reached, float("inf")))
    return [Span(first.video, BACKGROUND, first.split, first.group, *times) for times in rest]


def limited(spans: list[Span], limit: int, seed: int) -> list[Span]:
    """Return at most `limit` spans, of every class as evenly as there are; 0 takes all."""
    if not limit or len(spans) <= limit:
        return spans
    order = np.random.default_rng(seed).permutation(len(spans))
    turns: dict[str, int] = {}
    ranked = []
    for place in order:
        label = spans[place].label
        turns[label] = turns.get(label, 0) + 1
        ranked.append((turns[label], place))
    return [spans[place] for place in sorted(place for _, place in sorted(ranked)[:limit])]
