"""Clips of exact length from the pictures in memory, for training."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from live.recording.coded import TIME_BASE, Coded, Timeline, packet_of
from video.atomic_write import atomic_write
from video.errors import LookbackError
from video.frame import Frame
from video.writer import Mp4Writer


@dataclass(frozen=True)
class Cut:
    """A clip that was cut.

    Attributes:
        path: The mp4 file.
        since: Time of its first frame, on the clock of the frames.
        until: Time of its last frame, likewise.
        frames: Number of frames.
    """

    path: Path
    since: float
    until: float
    frames: int


def cut_clip(pictures: Sequence[Coded], since: float, until: float, path: Path) -> Cut:
    """Decode pictures, and write those of a time to an mp4 file whose first frame is at 0.

    Args:
        pictures: Compressed pictures of one coding, from a key picture on.
        since: Start; a clip begins with the first frame at or after it.
        until: End; the last frame is at or before it.
        path: The file; it is replaced in one step.

    Raises:
        LookbackError: No picture is of this time, or the file cannot be written.
    """
    times: list[float] = []
    rate = _rate_of(pictures)
    with atomic_write(path) as temporary:
        writer: Mp4Writer | None = None
        try:
            for rgb, seconds in _decoded(pictures, since, until):
                if writer is None:
                    writer = Mp4Writer(temporary, (rgb.shape[1], rgb.shape[0]), rate)
                times.append(seconds)
                writer.write(rgb, seconds - times[0])
        finally:
            if writer is not None:
                writer.close()
        if not times:
            raise LookbackError(
                "no picture of this time is in memory any more; choose a shorter time, or increase "
                "live.recording.ring_megabytes"
            )
    return Cut(path, times[0], times[-1], len(times))


def _decoded(
    pictures: Sequence[Coded], since: float, until: float
) -> Iterator[tuple[np.ndarray, float]]:
    """Yield uint8 RGB (H, W, 3) and its time."""
    if not pictures:
        return
    first = pictures[0]
    decoder = av.CodecContext.create(first.coding.codec, "r")
    timeline = Timeline()
    for index, coded in enumerate(pictures):
        pts, dts = timeline.place(coded)
        whole = coded if index else Coded(**_with_header(coded))
        try:
            images = decoder.decode(packet_of(whole, pts, dts))
        except av.InvalidDataError:
            continue
        yield from _chosen(images, first.seconds, since, until)
    yield from _chosen(decoder.decode(None), first.seconds, since, until)


def _chosen(
    images: Sequence[av.VideoFrame], base: float, since: float, until: float
) -> Iterator[tuple[np.ndarray, float]]:
    for image in images:
        seconds = base + float((image.pts or 0) * TIME_BASE)
        # Times in a file are rounded to its time base.
        if since - 1e-4 <= seconds <= until + 1e-4:
            yield Frame(0, seconds, image).rgb, seconds


def _with_header(coded: Coded) -> dict:
    values = {name: getattr(coded, name) for name in Coded.__slots__}
    return {**values, "data": coded.coding.header + coded.data}


def _rate_of(pictures: Sequence[Coded]) -> float:
    """Return frames per second, for the header of the file."""
    passed = pictures[-1].seconds - pictures[0].seconds if pictures else 0.0
    rate = (len(pictures) - 1) / passed if passed > 0 else 25.0
    return min(max(rate, 1.0), 120.0)
