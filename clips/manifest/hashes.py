"""Hashes of videos, kept in `hashes.json` so that unchanged files are not read again.

A file is unchanged if its size and its time of modification are; one on S3 or other storage, if its
size and ETag are. There, each shard of an extraction has a file of its own.
"""

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from clips.manifest.duplicates import content_sha256, content_size
from storage.mirror import url_of
from storage.trees import copy_up_cache
from video.atomic_write import atomic_write
from video.errors import VideoError
from video.image_folder import image_folder
from video.staging import staged, state_of

FILE = "hashes.json"


def source_of(path: Path) -> dict:
    """Return a video's size in bytes and SHA-256, which detect a changed video."""
    return {"size": content_size(path), "sha256": content_sha256(path)}


class Hashes:
    """The hashes of the videos of a folder."""

    def __init__(self, folder: Path, shard: str = "") -> None:
        """Read the known hashes.

        Args:
            folder: Folder to which the videos are relative. It has the file of hashes.
            shard: Shard of the extraction, such as 3/250; empty without shards.
        """
        self._folder, self._file = folder, folder / FILE
        self._of_shards: list[Path] = []  # those that go into the file
        if url_of(folder):
            own = folder / f"hashes.{shard.replace('/', '-of-')}.json"
            self._file = own if shard else self._file
            self._of_shards = [] if shard else sorted(folder.glob("hashes.*-of-*.json"))
        self._known: dict[str, list] = {}
        self._asked: set[str] = set()
        for file in dict.fromkeys((folder / FILE, *self._of_shards, self._file)):
            self._read(file)
        self._changed = bool(self._of_shards)

    def _read(self, file: Path) -> None:
        # The file is a cache.
        with suppress(OSError, ValueError, TypeError, AttributeError, VideoError), staged(file):
            found = json.loads(file.read_text(encoding="utf-8"))
            self._known |= {video: each for video, each in found.items() if len(each) == 3}

    def _own(self) -> dict[str, list]:
        """Return the hashes that go into the file; those of a shard are its own."""
        if self._file == self._folder / FILE:
            return self._known
        return {video: self._known[video] for video in self._asked if video in self._known}

    def known(self, video: str) -> dict | None:
        """Return `source_of` a video if that needs no reading; else None.

        Raises:
            OSError: There is no such video.
        """
        return self._source(video, size_and_version(self._folder / video))

    def source(self, video: str) -> dict:
        """Return `source_of` a video; it is read only if it may have changed.

        Raises:
            OSError: The video cannot be read.
        """
        state = size_and_version(self._folder / video)
        if source := self._source(video, state):
            return source
        self.put(video, state, content_sha256(self._folder / video))
        return {"size": state[0], "sha256": self._known[video][2]}

    def _source(self, video: str, state: tuple[int, int | str]) -> dict | None:
        self._asked.add(video)
        known = self._known.get(video)
        return {"size": state[0], "sha256": known[2]} if known and known[:2] == [*state] else None

    def note(self, video: str, sha256: str) -> dict:
        """Keep the hash of a video's content, and return its source."""
        state = size_and_version(self._folder / video)
        self.put(video, state, sha256)
        return {"size": state[0], "sha256": sha256}

    def put(self, video: str, state: tuple[int, int | str], sha256: str) -> None:
        """Take a hash that was computed elsewhere.

        Args:
            video: The video.
            state: Its `size_and_version` when it was read.
            sha256: Its SHA-256, in hexadecimal.
        """
        known = [*state, sha256]
        if self._known.get(video) != known:
            self._known[video], self._changed = known, True

    def save(self) -> None:
        """Write the hashes, if there are new ones; a folder that is read-only is left as it is."""
        if self._changed:
            with suppress(OSError), atomic_write(self._file) as temporary:
                temporary.write_text(json.dumps(self._own()), encoding="utf-8")
            self._changed = False
            copy_up_cache(self._file)
            while self._of_shards:
                self._of_shards.pop().unlink(missing_ok=True)


def size_and_version(path: Path) -> tuple[int, int | str]:
    """Return a video's size in bytes, and its last modification in nanoseconds or its ETag."""
    if not (images := image_folder(path)):
        return state_of(path)
    versions = [state_of(image)[1] for _, image in images.images()]
    times = [each for each in versions if isinstance(each, int)]
    if times:
        return images.size(), max(times)
    return images.size(), hashlib.sha256(" ".join(map(str, versions)).encode()).hexdigest()
