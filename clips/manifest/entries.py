"""The rows of a manifest: which clip shows what, and in which split it is."""

from dataclasses import dataclass, replace
from pathlib import Path

SPLITS = ("train", "val", "test")
BACKGROUND = "background"


@dataclass(frozen=True)
class Entry:
    """One row: a label, and where it holds.

    Attributes:
        video: path relative to the manifest, with forward slashes.
        label: the class.
        split: train, val, test, or empty where none is chosen yet.
        group: what must not be split; empty where it is not known yet.
        start, end: seconds; None from the beginning, to the end.
        extra: further columns of a manifest from elsewhere, as (name, value) pairs.
    """

    video: str
    label: str
    split: str = ""
    group: str = ""
    start: float | None = None
    end: float | None = None
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def is_part(self) -> bool:
        return self.start is not None or self.end is not None


@dataclass(frozen=True)
class Manifest:
    """The rows of a manifest file and its place."""

    path: Path
    entries: tuple[Entry, ...]

    @property
    def videos(self) -> list[str]:
        """The videos, each once, in the order of the rows."""
        return list(dict.fromkeys(entry.video for entry in self.entries))

    @property
    def labels(self) -> list[str]:
        """The classes in alphabetical order, so that they do not follow a file system's order."""
        labels = {entry.label for entry in self.entries}
        if any(entry.is_part for entry in self.entries):
            labels.add(BACKGROUND)
        return sorted(labels)

    def place(self, video: str) -> Path:
        """Return where a video of this manifest lies."""
        return self.path.parent / video

    def with_entries(self, entries: list[Entry]) -> "Manifest":
        return replace(self, entries=tuple(entries))
