"""What prepare.py finds in a single clip: its properties, its header, its hash and its sketch."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from clips.finding.probing import ClipFacts, decode, probe
from clips.inspection.media import Media, media_of
from clips.inspection.sketches import Sketch, Sketcher, sketch_of_chosen, small_picture
from clips.manifest.duplicates import content_sha256
from clips.manifest.hashes import size_and_version
from video.errors import VideoError
from video.sources.chosen_frames import NotAsIndexedError
from video.staging import staged

_UNKNOWN: tuple[int, int | str] = (0, 0)


@dataclass(frozen=True, eq=False)
class Look:
    """What was found in a clip that can be used.

    Attributes:
        facts: Properties of the clip.
        media: Properties of the file.
        first_brightness: Mean gray level of the first frame, 0 to 255.
        sketch: Small pictures of the clip; None where clips are not compared.
    """

    facts: ClipFacts
    media: Media
    first_brightness: float
    sketch: Sketch | None

    def as_values(self) -> dict[str, Any]:
        """Return the values as JSON stores them."""
        media = asdict(self.media)
        if self.media.recorded:
            media["recorded"] = self.media.recorded.isoformat()
        values = {
            "facts": asdict(self.facts),
            "media": media,
            "first_brightness": self.first_brightness,
        }
        return {**values, "sketch": self.sketch.as_values()} if self.sketch else values

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> "Look":
        """Return the look that `as_values` stored."""
        facts, media = dict(values["facts"]), dict(values["media"])
        if media["recorded"]:
            media["recorded"] = datetime.fromisoformat(media["recorded"])
        facts["size"] = tuple(facts["size"])
        sketch = Sketch.of_values(values["sketch"]) if "sketch" in values else None
        return cls(ClipFacts(**facts), Media(**media), values["first_brightness"], sketch)


@dataclass(frozen=True, eq=False)
class Outcome:
    """The end of a look at a clip.

    Attributes:
        found: What was found, or the reason why the clip cannot be used.
        sha256: Hash of its content; "" if it could not be read to its end.
        state: Size in bytes, and time of modification in nanoseconds or ETag, before the look.
    """

    found: Look | str
    sha256: str
    state: tuple[int, int | str]


def outcome_of(path: Path, sketched: bool, threads: int = 1) -> Outcome:
    """Read a clip and decode as little of it as possible.

    Args:
        path: The video.
        sketched: Whether a sketch is made, for the comparison with other clips.
        threads: Number of decoder threads where all of the clip is decoded; 0 for one per core.
    """
    sha256, state = "", _UNKNOWN
    try:
        with staged(path):
            with suppress(OSError, VideoError):  # the look below says why
                state = size_and_version(path)
                sha256 = content_sha256(path)
            found: Look | str = look_at(path, sketched, threads)
    except VideoError as error:
        found = str(error).removeprefix(f"{path}: ")
    return Outcome(found, sha256, state)


def look_at(path: Path, sketched: bool = True, threads: int = 1) -> Look:
    """Return what is found in a clip. Arguments as for `outcome_of`.

    A sketch needs about eight frames a second. The others are not decoded if the file allows it,
    and the sketch is that of a whole decoding.

    Raises:
        VideoError: No frame can be decoded, or the pixels cannot be converted.
    """
    headers: list[Media] = []
    found = probe(path, lambda container: headers.append(media_of(path, container)))
    media = headers[0] if headers else media_of(path)
    brightness = float(small_picture(found.first).mean())
    if found.facts and not sketched:
        return Look(found.facts, media, brightness, None)
    if found.facts:
        try:
            return Look(
                found.facts, media, brightness, sketch_of_chosen(found.seconds, found.frames)
            )
        except NotAsIndexedError:
            pass
    sketcher = Sketcher()
    facts = decode(path, sketcher if sketched else None, threads)
    return Look(facts, media, brightness, sketcher.sketch() if sketched else None)
