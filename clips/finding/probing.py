"""Checking a clip by decoding it: headers lie."""

from dataclasses import dataclass
from pathlib import Path

from video.sources import FileSource


@dataclass(frozen=True)
class ClipFacts:
    """What decoding a clip showed: frames, seconds from first to last, upright size, a note."""

    frames: int
    seconds: float
    size: tuple[int, int]
    note: str


def probe(path: Path) -> ClipFacts:
    """Decode a whole clip and return what it holds.

    Raises:
        VideoError: no frame of it can be decoded, or its pixels cannot be converted.
    """
    frames, seconds = 0, 0.0
    with FileSource(path, threads=0) as source:
        for frame in source:
            if not frames:
                frame.resized(8, 8)  # pixels that cannot be converted are of no use
            frames, seconds = frames + 1, frame.seconds
        return ClipFacts(frames, seconds, source.size, source.note)
