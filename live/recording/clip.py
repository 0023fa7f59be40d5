"""Clips of exact length from the pictures in memory, for training."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import av

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
    first = 0.0
    rate = _rate_of(pictures)
    with atomic_write(path) as temporary:
        writer: Mp4Writer | None = None
        try:
            for image, arrived, shown in _decoded(pictures):
                if not since <= arrived <= until:
                    continue
                rgb = Frame(0, arrived, image).rgb
                if writer is None:
                    writer = Mp4Writer(temporary, (rgb.shape[1], rgb.shape[0]), rate)
                    first = shown
                times.append(arrived)
                writer.write(rgb, shown - first)
        finally:
            if writer is not None:
                writer.close()
        if not times:
            raise LookbackError(
                "no picture of this time is in memory any more; choose a shorter time, or increase "
                "live.recording.ring_megabytes"
            )
    return Cut(path, times[0], times[-1], len(times))


def _decoded(pictures: Sequence[Coded]) -> Iterator[tuple[av.VideoFrame, float, float]]:
    """Yield images with the time of their arrival, and the seconds at which they are shown."""
    if not pictures:
        return
    decoder = av.CodecContext.create(pictures[0].coding.codec, "r")
    timeline = Timeline()
    arrivals: dict[int, float] = {}
    newest = pictures[0].seconds
    for index, coded in enumerate([*pictures, None]):
        packet = None
        if coded is not None:
            pts, dts = timeline.place(coded)
            arrivals[pts] = coded.seconds
            packet = packet_of(coded if index else _with_header(coded), pts, dts)
        try:
            images = decoder.decode(packet)
        except av.InvalidDataError:
            continue
        for image in images:
            # An image that waited for a later packet has come with that packet.
            pts = image.pts or 0
            newest = max(newest, arrivals.pop(pts, newest))
            yield image, newest, float(pts * TIME_BASE)


def _with_header(coded: Coded) -> Coded:
    return replace(coded, data=coded.coding.header + coded.data)


def _rate_of(pictures: Sequence[Coded]) -> float:
    """Return frames per second, for the header of the file."""
    passed = pictures[-1].seconds - pictures[0].seconds if pictures else 0.0
    rate = (len(pictures) - 1) / passed if passed > 0 else 25.0
    return min(max(rate, 1.0), 120.0)
