"""Length of a recorded clip, and cutting off what lies before the wanted time."""

from dataclasses import dataclass
from pathlib import Path

import av

from clips.finding.probing import facts_of
from video.errors import VideoError
from video.libav import address_of, failing_as
from video.sources import FileSource
from video.writer import Mp4Writer

_MAX_EXTRA_SECONDS = 0.3


@dataclass(frozen=True)
class Cut:
    """A file that was cut from a camera's recent past.

    Attributes:
        path: The file.
        seconds: Time from its first to its last frame.
        begins: Second of the file at which the wanted time begins; later than 0 if the file begins
            at an earlier keyframe.
    """

    path: Path
    seconds: float
    begins: float


def measured(path: Path, wanted_seconds: float) -> Cut:
    """Return the facts of a cut whose last frame is the end of the wanted time.

    Args:
        path: The file.
        wanted_seconds: Length of the wanted time.

    Raises:
        VideoError: The file cannot be decoded, or has a single frame.
    """
    facts = facts_of(path)
    if facts.frames < 2:
        raise VideoError("the camera gave no picture in this time; try again when it is live")
    return Cut(path, facts.seconds, max(0.0, facts.seconds - wanted_seconds))


def trimmed(cut: Cut, path: Path) -> None:
    """Write a cut to `path` without the frames before the wanted time.

    It is encoded again only if there are more than a few of them.

    Args:
        cut: The cut; its file is gone afterwards.
        path: The file to write, in an existing folder of the same disk.

    Raises:
        VideoError: A file cannot be read or written.
    """
    if cut.begins <= _MAX_EXTRA_SECONDS:
        cut.path.replace(path)
        return
    copied = cut.path.with_name(f"trimmed-{cut.path.name}")
    copy_part(cut.path, copied, cut.begins, float("inf"))
    cut.path.unlink()
    copied.replace(path)


def copy_part(source: Path, path: Path, begins: float, ends: float) -> None:
    """Encode the frames of a video from second `begins` to second `ends` again.

    Raises:
        VideoError: A file cannot be read or written, or no frame lies in this time.
    """
    first = None
    with (
        FileSource(source) as frames,
        Mp4Writer(path, frames.size, frames.rate, frames.pixel_aspect) as writer,
    ):
        for frame in frames:
            if frame.seconds > ends:
                break
            if frame.seconds >= begins - 1e-6:
                first = frame.seconds if first is None else first
                writer.write(frame.rgb, frame.seconds - first)
    if first is None:
        path.unlink(missing_ok=True)
        raise VideoError(f"{source.name}: the recording has no picture in this time")


def header_seconds(path: Path) -> float:
    """Return the duration that a file's header gives, 0 if it gives none.

    Raises:
        VideoError: The file cannot be opened.
    """
    with failing_as(str(path), "cannot be opened"), av.open(address_of(path)) as container:
        return float(container.duration or 0) / av.time_base
