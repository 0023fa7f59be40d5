"""Hashes of videos, kept in `hashes.json` so that unchanged files are not read again.

A file is unchanged if its size and its time of modification are.
"""

import json
from contextlib import suppress
from pathlib import Path

from clips.manifest.duplicates import content_sha256, content_size
from video.atomic_write import atomic_write
from video.image_folder import image_folder

FILE = "hashes.json"


def source_of(path: Path) -> dict:
    """Return a video's size in bytes and SHA-256, which detect a changed video."""
    return {"size": content_size(path), "sha256": content_sha256(path)}


class Hashes:
    """The hashes of the videos of a folder."""

    def __init__(self, folder: Path) -> None:
        """Read the known hashes.

        Args:
            folder: Folder to which the videos are relative. It has the file of hashes.
        """
        self._folder = folder
        self._known: dict[str, list] = {}
        with suppress(OSError, ValueError, TypeError, AttributeError):  # the file is a cache
            found = json.loads((folder / FILE).read_text(encoding="utf-8"))
            self._known = {video: each for video, each in found.items() if len(each) == 3}
        self._changed = False

    def source(self, video: str) -> dict:
        """Return `source_of` a video; it is read only if it may have changed.

        Raises:
            OSError: The video cannot be read.
        """
        path = self._folder / video
        size, modified = size_and_time(path)
        known = self._known.get(video)
        if known is None or known[:2] != [size, modified]:
            known = self._known[video] = [size, modified, content_sha256(path)]
            self._changed = True
        return {"size": size, "sha256": known[2]}

    def put(self, video: str, state: tuple[int, int], sha256: str) -> None:
        """Take a hash that was computed elsewhere.

        Args:
            video: The video.
            state: Its `size_and_time` when it was read.
            sha256: Its SHA-256, in hexadecimal.
        """
        known = [*state, sha256]
        if self._known.get(video) != known:
            self._known[video], self._changed = known, True

    def save(self) -> None:
        """Write the hashes, if there are new ones; a folder that is read-only is left as it is."""
        if self._changed:
            with suppress(OSError), atomic_write(self._folder / FILE) as temporary:
                temporary.write_text(json.dumps(self._known), encoding="utf-8")


def size_and_time(path: Path) -> tuple[int, int]:
    """Return a video's size in bytes, and its last modification in nanoseconds."""
    if images := image_folder(path):
        return images.size(), max(image.stat().st_mtime_ns for _, image in images.images())
    found = path.stat()
    return found.st_size, found.st_mtime_ns
