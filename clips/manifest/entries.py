"""The rows of a manifest in memory."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from metrics import label_sets
from metrics.label_sets import SEPARATOR, labels_in

SPLITS = ("train", "val", "test")
# Column with the video that an augmented copy was made of.
PARENT = "augmented_from"
BACKGROUND = label_sets.BACKGROUND
# Label of a row whose time is neither trained nor tested, also not as background.
UNLABELED = "-"


@dataclass(frozen=True)
class Entry:
    """One row: a label of a video or of a segment of it.

    Attributes:
        video: Path relative to the manifest, with forward slashes.
        label: Name of the class; several are separated by `|`, in alphabetical order.
        split: train, val, test, or empty if not chosen yet.
        group: Name shared by all clips that must be in one split; empty if not known yet.
        start, end: Segment in seconds; None for the start or the end of the video.
        extra: Further columns of the manifest, as (name, value) pairs.
    """

    video: str
    label: str
    split: str = ""
    group: str = ""
    start: float | None = None
    end: float | None = None
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def parent(self) -> str:
        """The video that this one is an augmented copy of; empty for a clip of its own."""
        return dict(self.extra).get(PARENT, "")

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes that hold: `run|wave` has two."""
        return labels_in(self.label)

    @property
    def is_part(self) -> bool:
        return self.start is not None or self.end is not None

    @property
    def span(self) -> tuple[float, float]:
        """Start and end in seconds; infinity for the end of the video."""
        return self.start or 0.0, float("inf") if self.end is None else self.end


def is_multi_label(entries: Sequence[Entry]) -> bool:
    """Return whether rows are those of a multi-label set; see `Manifest.several`."""
    return any(SEPARATOR in row.label for row in entries) or overlapping(entries) is not None


def one_label_each(entries: Iterable[Entry]) -> list[Entry]:
    """Return the rows with one label each: a row with two labels becomes two."""
    return [
        entry if label == entry.label else replace(entry, label=label)
        for entry in entries
        for label in entry.labels
    ]


# The share of the shorter one of two spans that both have in common.
_LEAST_OVERLAP = 0.25


def overlapping(entries: Iterable[Entry]) -> tuple[Entry, Entry] | None:
    """Return two rows of a video with different labels that overlap, or None.

    They overlap if they have more than a quarter of the shorter one in common. Background does not
    count.
    """
    by_video: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.label != BACKGROUND:
            by_video.setdefault(entry.video, []).append(entry)
    for rows in by_video.values():
        if len({row.label for row in rows}) < 2:
            continue
        rows.sort(key=lambda row: row.span)
        for number, one in enumerate(rows):
            for other in rows[number + 1 :]:
                if other.span[0] >= one.span[1]:
                    break
                if one.label != other.label and _common_share(one, other) > _LEAST_OVERLAP:
                    return one, other
    return None


def _common_share(one: Entry, other: Entry) -> float:
    """Return the time that two overlapping rows have in common, as a share of the shorter one."""
    common = min(one.span[1], other.span[1]) - max(one.span[0], other.span[0])
    shorter = min(row.span[1] - row.span[0] for row in (one, other))
    return 1.0 if shorter == float("inf") else common / shorter


@dataclass(frozen=True)
class Manifest:
    """A manifest.

    Attributes:
        path: Path of its file.
        entries: Rows of the file that have a label.
        unlabeled: Rows with the label `-`. Their time is not used. One without times leaves out the
            rest of its video, or the whole video if it has no other rows.
        multi_label: Whether a clip may have several classes; None to find out from the rows.
    """

    path: Path
    entries: tuple[Entry, ...]
    unlabeled: tuple[Entry, ...] = ()
    multi_label: bool | None = None

    @classmethod
    def of(cls, path: Path, rows: Iterable[Entry]) -> "Manifest":
        """Return a manifest of rows with and without a label."""
        listed = list(rows)
        unlabeled = tuple(row for row in listed if row.label == UNLABELED)
        return cls(path, tuple(row for row in listed if row.label != UNLABELED), unlabeled)

    @property
    def videos(self) -> list[str]:
        """The videos, each once, in the order of the rows."""
        return list(dict.fromkeys(entry.video for entry in self.entries))

    @property
    def labels(self) -> list[str]:
        """The classes in alphabetical order, independent of the order of the rows.

        In a multi-label set, `background` is no class: it means that none holds.
        """
        if self.several:
            return sorted({label for each in self.entries for label in each.labels} - {BACKGROUND})
        labels = {entry.label for entry in self.entries}
        without_rest = {entry.video for entry in self.unlabeled if not entry.is_part}
        if any(entry.is_part and entry.video not in without_rest for entry in self.entries):
            labels.add(BACKGROUND)
        return sorted(labels)

    @property
    def listed_labels(self) -> list[str]:
        """The classes, and `background` where rows have it, for tables."""
        none = self.several and any(entry.label == BACKGROUND for entry in self.entries)
        return [*self.labels, BACKGROUND] if none else self.labels

    @cached_property
    def several(self) -> bool:
        """Whether a clip may have several classes.

        It may if a row has several, or if two spans of a video with different labels overlap by
        more than boundaries that two people draw differently; see `overlapping`.
        """
        if self.multi_label is not None:
            return self.multi_label
        return is_multi_label(self.entries)

    @property
    def sha256(self) -> str:
        """SHA-256 of the rows, in hexadecimal."""
        rows = "\n".join(repr(entry) for entry in self.entries)
        return hashlib.sha256(rows.encode()).hexdigest()

    @property
    def left_out(self) -> set[str]:
        """The videos that have rows without a label only."""
        return {entry.video for entry in self.unlabeled}.difference(self.videos)

    def place(self, video: str) -> Path:
        """Return the path of a video of this manifest."""
        return self.path.parent / video

    def with_task(self, several: bool) -> "Manifest":
        """Return the manifest for a model of one class per clip, or of several."""
        return self if several == self.several else replace(self, multi_label=several)

    def with_entries(self, entries: list[Entry]) -> "Manifest":
        return replace(self, entries=tuple(entries))
