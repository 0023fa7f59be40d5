"""Check of a clip by decoding it completely, because headers can be wrong."""

from dataclasses import dataclass
from pathlib import Path

from video.sources import open_video


@dataclass(frozen=True)
class ClipFacts:
    """Properties of a decoded clip.

    Attributes:
        frames: Number of frames.
        seconds: Time from the first to the last frame.
        size: Width and height in pixels, upright.
        note: Faults of the file, or empty.
    """

    frames: int
    seconds: float
    size: tuple[int, int]
    note: str

    @property
    def duration(self) -> float:
        """The time from the first frame to the end of the last, in seconds."""
        return self.seconds * self.frames / (self.frames - 1) if self.frames > 1 else 0.0


def probe(path: Path) -> ClipFacts:
    """Decode a whole clip and return its properties.

    Raises:
        VideoError: No frame can be decoded, or the pixels cannot be converted.
    """
    frames, seconds = 0, 0.0
    with open_video(path, threads=0) as source:
        for frame in source:
            if not frames:
                frame.resized(8, 8)  # fail early if the pixel format cannot be converted
            frames, seconds = frames + 1, frame.seconds
        return ClipFacts(frames, seconds, source.size, source.note)
