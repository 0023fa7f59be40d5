"""Properties of a clip: from its packets and its first frame, or by decoding it completely.

Headers can be wrong, so they are not asked. The packets of a file tell how many frames it has and
when, and its first frame tells the size. What is damaged inside of packets only shows when the clip
is decoded, which extraction does.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.container import InputContainer

from video.frame import Frame
from video.image_folder import image_folder
from video.sources import ImageSource, open_video
from video.sources.chosen_frames import ChosenFrames, NotAsIndexedError
from video.sources.packets import FileIndex, PacketSource


@dataclass(frozen=True)
class ClipFacts:
    """Properties of a clip.

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


@dataclass(frozen=True, eq=False)
class Probe:
    """A clip of which only the first frame was decoded.

    Attributes:
        path: The video.
        first: The first frame.
        facts: Properties of the clip; None if only a whole decoding tells them.
        seconds: Time of each frame, as far as it is known.
        index: The frames of a file, by its packets; None if they do not tell them.
    """

    path: Path
    first: Frame
    facts: ClipFacts | None = None
    seconds: Sequence[float] | np.ndarray = ()
    index: FileIndex | None = None

    def frames(self, wanted: Sequence[int]) -> Iterator[Frame]:
        """Decode chosen frames and as few others as possible.

        Args:
            wanted: Indices of the frames, ascending, each once.

        Raises:
            NotAsIndexedError: Only a whole decoding gives the frames, as the file has no key frames
                to seek or is damaged. Frames before the error may be wrong.
            VideoError: The file cannot be read.
        """
        given = iter(self._frames(wanted))
        for number in wanted:
            frame = next(given, None)
            if frame is None or frame.index != number:
                raise NotAsIndexedError
            yield frame
        if next(given, None) is not None:  # also lets the source tell what was damaged
            raise NotAsIndexedError

    def _frames(self, wanted: Sequence[int]) -> Iterator[Frame]:
        if self.index and len(self.index.keys):
            with ChosenFrames(self.index, wanted, threads=1) as file:
                yield from file
        elif image_folder(self.path) and self.facts:
            with ImageSource(self.path) as images:
                images.choose(wanted)
                chosen = set(wanted)
                yield from (frame for frame in images if frame.index in chosen)
                if images.note != self.facts.note:
                    raise NotAsIndexedError


def probe(path: Path, read_header: Callable[[InputContainer], None] | None = None) -> Probe:
    """Open a clip, read its packets and decode its first frame.

    Frames and seconds are those of a whole decoding, as long as no data inside of packets is
    damaged. See `PacketSource.index` for files whose packets do not tell them. Of a folder of
    images the names and the first bytes of the images tell them.

    Args:
        path: The video.
        read_header: Function that is called with the open file.

    Raises:
        VideoError: No frame can be decoded, or the pixels of the first one cannot be converted.
    """
    if image_folder(path):
        with ImageSource(path) as images:
            first = next(iter(images))
            _refuse_unconvertible(first)
            seconds, note = images.seconds(), images.missing_note
        facts = ClipFacts(len(seconds), seconds[-1], first.size, note) if seconds else None
        return Probe(path, first, facts, seconds)
    if path.is_dir():
        open_video(path)  # raises an error that names the remedy
    with PacketSource(path) as file:
        _refuse_unconvertible(file.first)
        if read_header:
            read_header(file.container)
        index = file.index()
    if index is None:
        return Probe(path, file.first)
    facts = ClipFacts(len(index.seconds), float(index.seconds[-1]), file.size, index.note)
    return Probe(path, file.first, facts, index.seconds, index)


def facts_of(path: Path) -> ClipFacts:
    """Return the properties of a clip, decoding as little of it as possible.

    Raises:
        VideoError: No frame can be decoded, or the pixels cannot be converted.
    """
    return probe(path).facts or decode(path)


def decode(
    path: Path, observe: Callable[[Frame], None] | None = None, threads: int = 0
) -> ClipFacts:
    """Decode a whole clip and return its properties.

    Args:
        path: The video.
        observe: Function that is called with every frame.
        threads: Number of decoder threads; 0 for one per core.

    Raises:
        VideoError: No frame can be decoded, or the pixels cannot be converted.
    """
    frames, seconds = 0, 0.0
    with open_video(path, threads=threads) as source:
        for frame in source:
            if not frames:
                _refuse_unconvertible(frame)
            frames, seconds = frames + 1, frame.seconds
            if observe:
                observe(frame)
        return ClipFacts(frames, seconds, source.size, source.note)


def _refuse_unconvertible(frame: Frame) -> None:
    """Fail early if a pixel format cannot be converted."""
    frame.resized(8, 8)
