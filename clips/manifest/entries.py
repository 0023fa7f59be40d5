"""The rows of a manifest in memory."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

SPLITS = ("train", "val", "test")
# Column with the video that an augmented copy was made of.
PARENT = "augmented_from"
BACKGROUND = "background"
# Label of a row whose time is neither trained nor tested, also not as background.
UNLABELED = "-"


@dataclass(frozen=True)
class Entry:
    """One row: a label of a video or of a segment of it.

    Attributes:
        video: Path relative to the manifest, with forward slashes.
        label: Name of the class.
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
    def is_part(self) -> bool:
        return self.start is not None or self.end is not None


@dataclass(frozen=True)
class Manifest:
    """A manifest.

    Attributes:
        path: Path of its file.
        entries: Rows of the file that have a label.
        unlabeled: Rows with the label `-`. Their time is not used. One without times leaves out the
            rest of its video, or the whole video if it has no other rows.
    """

    path: Path
    entries: tuple[Entry, ...]
    unlabeled: tuple[Entry, ...] = ()

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
        """The classes in alphabetical order, independent of the order of the rows."""
        labels = {entry.label for entry in self.entries}
        without_rest = {entry.video for entry in self.unlabeled if not entry.is_part}
        if any(entry.is_part and entry.video not in without_rest for entry in self.entries):
            labels.add(BACKGROUND)
        return sorted(labels)

    @property
    def left_out(self) -> set[str]:
        """The videos that have rows without a label only."""
        return {entry.video for entry in self.unlabeled}.difference(self.videos)

    def place(self, video: str) -> Path:
        """Return the path of a video of this manifest."""
        return self.path.parent / video

    def with_entries(self, entries: list[Entry]) -> "Manifest":
        return replace(self, entries=tuple(entries))
