"""Videos with the same content, which must be in one split."""

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from clips.manifest.entries import Entry
from recipes.commands import command
from storage.clips import CLIPS
from video.errors import LookbackError
from video.image_folder import image_folder
from video.staging import size_of, staged

_LISTED = 3


def content_sha256(path: Path) -> str:
    """Return the SHA-256 of a video's content, in hexadecimal."""
    if images := image_folder(path):
        return images.sha256()
    if known := CLIPS.sha256(path):
        return known
    with staged(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_size(path: Path) -> int:
    """Return the size of a video in bytes, for a folder of images that of all images."""
    images = image_folder(path)
    return images.size() if images else size_of(path)


def equal_videos(
    folder: Path, videos: Iterable[str], known: Mapping[str, tuple[int, str]] | None = None
) -> list[list[str]]:
    """Return the groups of videos with the same content.

    Only files of the same size are read.

    Args:
        folder: Folder to which the videos are relative.
        videos: The videos.
        known: Size in bytes and SHA-256 of videos that are not read again.
    """
    known = known or {}

    def size(video: str) -> int:
        return known[video][0] if video in known else content_size(folder / video)

    def sha256(video: str) -> str:
        return known[video][1] if video in known else content_sha256(folder / video)

    by_size = same_value({video: size(video) for video in videos})
    return same_value({video: sha256(video) for videos in by_size for video in videos})


def same_value(values: Mapping[str, Hashable]) -> list[list[str]]:
    """Return the groups of videos with the same value, without videos whose value is unique.

    >>> same_value({"a.mp4": 1, "b.mp4": 2, "c.mp4": 1})
    [['a.mp4', 'c.mp4']]
    """
    found: dict[Hashable, list[str]] = defaultdict(list)
    for video, value in values.items():
        found[value].append(video)
    return [videos for videos in found.values() if len(videos) > 1]


def join_groups(entries: list[Entry], equal: Sequence[list[str]]) -> list[Entry]:
    """Return the entries with the groups of equal videos merged into the group of the first row.

    Whole groups are merged, because a clip of two groups shows the scene of both.
    """
    groups = _Joined(entry.group for entry in entries)
    of_video = defaultdict(list)
    for entry in entries:
        of_video[entry.video].append(entry.group)
    for videos in equal:
        names = [group for video in videos for group in of_video[video]]
        for name in names[1:]:
            groups.join(names[0], name)
    return [replace(entry, group=groups.first(entry.group)) for entry in entries]


class _Joined:
    """Union-find over names; the first name of a set represents it."""

    def __init__(self, names: Iterable[str]) -> None:
        self._order = {name: place for place, name in enumerate(dict.fromkeys(names))}
        self._parent: dict[str, str] = {}

    def first(self, name: str) -> str:
        while name in self._parent:
            name = self._parent[name]
        return name

    def join(self, one: str, other: str) -> None:
        first, second = sorted((self.first(one), self.first(other)), key=self._order.__getitem__)
        if first != second:
            self._parent[second] = first


def refuse_contradictions(
    entries: list[Entry], equal: list[list[str]], source: str, splits: bool = True
) -> None:
    """Refuse videos with the same content in two classes or in two splits.

    Args:
        entries: The rows; a split may be empty.
        equal: Groups of videos with the same content, as `equal_videos` returns them.
        source: The file name at the start of the message.
        splits: Whether two splits are refused; else only two classes.

    Raises:
        LookbackError: There are such videos; the message names them.
    """
    rows = defaultdict(list)
    for entry in entries:
        rows[entry.video].append(entry)
    pairs = [pair for videos in equal for pair in pairwise(videos)]
    labels = [text for pair in pairs if (text := _two_labels(rows, *pair))]
    if labels:
        raise LookbackError(
            f"{source}: videos with the same content have different labels: {_listed(labels)}; "
            "keep one of the two"
        )
    crossing = [text for pair in pairs if (text := _two_splits(rows, *pair))]
    if splits and crossing:
        raise LookbackError(
            f"{source}: videos with the same content are in two splits: {_listed(crossing)}; "
            f"remove one of the two, or make a new split with {command('prepare')} "
            "--split 0.7/0.15/0.15"
        )


def _two_labels(rows: Mapping[str, list[Entry]], one: str, other: str) -> str:
    for a in rows[one]:
        for b in rows[other]:
            if a.label != b.label and _overlap(a, b):
                return f"{one} is {a.label} and {other} is {b.label}"
    return ""


def _two_splits(rows: Mapping[str, list[Entry]], one: str, other: str) -> str:
    for a in rows[one]:
        for b in rows[other]:
            if a.split and b.split and a.split != b.split:
                return f"{one} in {a.split} and {other} in {b.split}"
    return ""


def _overlap(a: Entry, b: Entry) -> bool:
    ends = [float("inf") if each.end is None else each.end for each in (a, b)]
    return max(a.start or 0.0, b.start or 0.0) < min(ends)


def _listed(texts: list[str]) -> str:
    more = f"; and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    return "; ".join(texts[:_LISTED]) + more
