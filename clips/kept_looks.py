"""What prepare.py found in each clip, kept in `probed/`: unchanged clips are not read again.

`probed/` lies beside the manifest. It holds a file of JSON lines of the whole set, and one of each
task of a job array (`--shard`), which no other task writes. A line stands for a clip and is valid
by itself; one that a killed program left incomplete is skipped. A clip is unchanged if its size and
its time of modification are. Deleting the folder is harmless.
"""

import json
import time
from collections.abc import Collection
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import av

from clips.looking import Look, Outcome
from clips.manifest.hashes import size_and_version
from clips.shards import Shard
from storage.clips import CLIPS
from storage.mirror import url_of
from storage.trees import copy_up_cache
from video.atomic_write import atomic_write
from video.errors import VideoError

FOLDER = "probed"
_WHOLE = "clips.jsonl"
_VERSION = 1  # of the lines; those of another version are skipped
_SECONDS_BETWEEN_SAVES = 30.0
# What this version of FFmpeg cannot decode may be decoded by another.
_DECODER = av.__version__


class KeptLooks:
    """The outcomes of looks at the clips of a folder."""

    def __init__(self, folder: Path, videos: Collection[str], shard: Shard | None = None) -> None:
        """Read which outcomes are known.

        Args:
            folder: Folder to which the videos are relative.
            videos: The videos that are asked for; lines of others are skipped.
            shard: The shard whose file new outcomes are written to; None for the file of all.
        """
        name = f"shard-{shard.number}-of-{shard.count}.jsonl" if shard else _WHOLE
        self._folder, self._path, self._is_shard = folder, folder / FOLDER / name, bool(shard)
        self._videos = dict.fromkeys(videos)
        self._fresh: dict[str, Outcome] = {}
        self._unwritten: list[str] = []
        self._saved = time.monotonic()
        self._scan()

    def _scan(self) -> None:
        """Find the newest line of each video: its file and its place there."""
        found = (self._folder / FOLDER).glob("*.jsonl")
        # The own file comes last: its lines replace those of others that are out of date.
        self._files = sorted(found, key=lambda path: (path == self._path, path.name))
        # Of S3 and other storage, a shard reads what was joined and its own file only.
        if self._is_shard and url_of(self._folder):
            whole = self._path.with_name(_WHOLE)
            self._files = [each for each in self._files if each in (self._path, whole)]
        CLIPS.keep(self._files)
        self._places: dict[str, tuple[Path, int]] = {}
        self._lines = 0
        for path in self._files:
            place = 0
            with suppress(OSError), path.open("rb") as file:
                for text in file:
                    video = _parsed(text).get("video")
                    if video in self._videos:
                        self._places[video] = (path, place)
                    place, self._lines = place + len(text), self._lines + 1

    def get(self, video: str, sketched: bool) -> Outcome | None:
        """Return the outcome of a video; None if it is unknown or the video may have changed.

        Args:
            video: The video.
            sketched: Whether a sketch is needed.
        """
        if video in self._fresh:
            return self._fresh[video]
        if video not in self._places:
            return None
        line = _parsed(self._text(video))
        try:
            state = list(size_and_version(self._folder / video))
            # Another process may have written the file anew since it was scanned.
            if line["video"] != video or line["state"] != state:
                return None
            outcome = _outcome(line)
        except (OSError, VideoError, LookupError, TypeError, ValueError):
            return None
        lacks = isinstance(outcome.found, Look) and sketched and outcome.found.sketch is None
        is_old = isinstance(outcome.found, str) and line.get("decoder") != _DECODER
        if lacks or is_old:
            return None
        if not self._is_shard:  # a shard asks once
            self._fresh[video] = outcome
        return outcome

    def _text(self, video: str) -> bytes:
        path, place = self._places[video]
        with suppress(OSError), path.open("rb") as file:
            file.seek(place)
            return file.readline()
        return b""

    def put(self, video: str, outcome: Outcome) -> None:
        """Take an outcome; write what is new from time to time.

        It is not kept if the file could not be read to its end: the next look may find more.

        Raises:
            OSError: The file of a shard cannot be written.
        """
        if not self._is_shard:
            self._fresh[video] = outcome
        if outcome.sha256:
            self._unwritten.append(json.dumps(_line(video, outcome), separators=(",", ":")))
        if time.monotonic() - self._saved > _SECONDS_BETWEEN_SAVES:
            self.save()

    def save(self) -> None:
        """Write what is new. The file of all is only a cache, so that a full disk is no error."""
        self._saved = time.monotonic()
        if not self._unwritten:
            return
        with nullcontext() if self._is_shard else suppress(OSError):
            self._path.parent.mkdir(exist_ok=True)
            with self._path.open("a+b") as file:
                # A killed program may have left an incomplete line.
                file.seek(max(file.tell() - 1, 0))
                torn = file.read(1) not in (b"", b"\n")
                file.write(b"\n" * torn + "".join(f"{line}\n" for line in self._unwritten).encode())
            self._unwritten.clear()
        copy_up_cache(self._path)

    def join(self) -> None:
        """Write one file of all videos, and remove those of shards and what is out of date."""
        self.save()
        self._scan()
        others = [path for path in self._files if path != self._path]
        if not others and self._lines <= 2 * len(self._places):
            return
        with suppress(OSError):
            with atomic_write(self._path) as temporary, temporary.open("wb") as file:
                for video in self._videos:
                    if video in self._places:
                        file.write(self._text(video))
            for path in others:
                path.unlink()


def _parsed(text: bytes) -> dict[str, Any]:
    """Return a line; without values if it is incomplete or of another version."""
    try:
        line = json.loads(text) if text.endswith(b"\n") else None
    except ValueError:
        line = None
    return line if isinstance(line, dict) and line.get("version") == _VERSION else {}


def _line(video: str, outcome: Outcome) -> dict[str, Any]:
    line = {
        "version": _VERSION,
        "video": video,
        "state": list(outcome.state),
        "sha256": outcome.sha256,
    }
    if isinstance(outcome.found, str):
        return {**line, "reason": outcome.found, "decoder": _DECODER}
    return {**line, **outcome.found.as_values()}


def _outcome(line: dict[str, Any]) -> Outcome:
    found = line["reason"] if "reason" in line else Look.of_values(line)
    size, modified = line["state"]
    return Outcome(found, line["sha256"], (size, modified))
