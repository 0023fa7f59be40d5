"""Rows of recorded clips in the manifest, and the numbers by which the page names clips.

A recorded clip has the columns `camera`, `session` and `event` (empty, or the number of the event
that it corrects) beside the usual ones. `prepare` keeps further columns.
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from clips import manifest as manifests
from clips.completing import add_new_clips
from clips.finding.clip_files import Found, find_clips
from clips.manifest import Entry, Manifest
from clips.preparation import manifest_path
from clips.splitting.given_splits import GivenSplit, LayoutError
from recipes.loader import Settings

CAMERA, SESSION, EVENT = "camera", "session", "event"


def clip_id(video: str) -> int:
    """Return the number of a clip: always the same for a path, and exact in JavaScript.

    Args:
        video: Path in the manifest.
    """
    return int.from_bytes(hashlib.sha256(video.encode("utf-8", "surrogatepass")).digest()[:6])


def extra_value(entry: Entry, column: str) -> str:
    """Return the value of one of the columns of recorded clips; empty for other clips."""
    return dict(entry.extra).get(column, "")


def is_recorded(entry: Entry) -> bool:
    """Return whether a clip was recorded by a camera of this program."""
    return bool(extra_value(entry, CAMERA))


class ClipRows:
    """The rows of all clips of a data folder. The caller serializes changes.

    Attributes:
        folder: Folder of the manifest; videos are relative to it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = manifest_path(settings)
        self.folder = self._path.parent

    def entries(self) -> list[Entry]:
        """Return the rows of the manifest, and of clips in class folders that it does not list.

        Raises:
            LookbackError: The manifest or a file's name cannot be used.
        """
        listed = self._listed()
        found = self._found()
        clips = [clip for clip in found.clips if clip[0] not in listed.left_out]
        return add_new_clips(list(listed.entries), replace(found, clips=clips), self._settings)

    def unlabeled(self) -> tuple[Entry, ...]:
        """Return the rows of the manifest whose time is not used."""
        return self._listed().unlabeled

    def add(self, rows: Iterable[Entry]) -> None:
        """Append rows. Clips that no manifest lists so far are listed as well."""
        new = list(rows)
        videos = {row.video for row in new}
        # The files lie in their class folders already: leave out the rows that they imply.
        before = [entry for entry in self.entries() if entry.video not in videos]
        self._write([*before, *new])

    def remove(self, videos: Iterable[str]) -> None:
        """Remove all rows of some videos; without any row left, the manifest goes as well."""
        gone = set(videos)
        if self._path.is_file():
            self._write([entry for entry in self.entries() if entry.video not in gone], gone)

    def place(self, video: str) -> Path:
        """Return the path of a video."""
        return self.folder / video

    def inside(self, video: str) -> bool:
        """Return whether a video lies in a class folder of this data folder."""
        parts = PurePosixPath(video).parts
        return len(parts) > 2 and parts[0] == "clips" and ".." not in parts

    def _write(self, entries: list[Entry], gone: Collection[str] = ()) -> None:
        if entries:
            unlabeled = tuple(entry for entry in self.unlabeled() if entry.video not in gone)
            manifests.write(Manifest(self._path, tuple(entries), unlabeled))
        else:
            self._path.unlink(missing_ok=True)  # an empty manifest is refused by every command

    def _listed(self) -> Manifest:
        return manifests.read(self._path) if self._path.is_file() else Manifest(self._path, ())

    def _found(self) -> Found:
        try:
            return find_clips(self.folder)
        except LayoutError:
            return Found([], GivenSplit({}), [], [])  # the normal start: no folder, or no clips
