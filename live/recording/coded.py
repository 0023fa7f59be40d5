"""Compressed pictures of a camera, kept as bytes, and their times in a file."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import av
from av.container import InputContainer

TIME_BASE = Fraction(1, 90_000)

# Distances on the camera's clock and of the arrivals differ by bursts on the network: after a
# stall, pictures of many seconds arrive at once. A camera's clock that goes back, or goes on by
# much more than the time that has passed, was set.
_FORWARD_SECONDS = 10.0
_BACKWARD_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Coding:
    """How pictures are compressed. Pictures of different codings do not fit into one file.

    Attributes:
        codec: `h264` or `mjpeg`.
        header: Parameter sets of H.264.
        size: Width and height in pixels of JPEGs; (0, 0) for H.264, whose header has them.
        run: Number of the uninterrupted run of the camera.
    """

    codec: Literal["h264", "mjpeg"]
    header: bytes = b""
    size: tuple[int, int] = (0, 0)
    run: int = 0


@dataclass(frozen=True, slots=True)
class Coded:
    """A compressed picture.

    Attributes:
        data: Packet of H.264 in the byte stream format, or a JPEG.
        is_key: Whether decoding can begin here.
        seconds: Time of arrival, of `time.monotonic`.
        pts: Time of presentation on the camera's clock, in seconds; None if unknown.
        dts: Time of decoding on the camera's clock, in seconds; None if unknown.
        coding: How it is compressed.
    """

    data: bytes
    is_key: bool
    seconds: float
    pts: float | None
    dts: float | None
    coding: Coding


class Timeline:
    """Times in a file, from those of the camera and of arrival.

    The first picture is at 0, and times of decoding rise strictly. The camera's clock gives the
    distances. Where it is unknown or was set, the times of arrival do.
    """

    def __init__(self) -> None:
        self._first: float | None = None
        self._base: float | None = None
        self._before: tuple[float, float] | None = None  # on the camera's clock, of the arrival
        self._last = -1

    def place(self, coded: Coded) -> tuple[int, int]:
        """Return the times of presentation and decoding of the next picture, in `TIME_BASE`."""
        if self._first is None:
            self._first = coded.seconds
        arrived = coded.seconds - self._first
        camera = coded.dts if coded.dts is not None else coded.pts
        passed = arrived
        if camera is not None:
            if self._base is None or self._was_set(camera, arrived):
                self._base = camera - max(arrived, float((self._last + 1) * TIME_BASE))
            self._before = (camera, arrived)
            passed = camera - self._base
        dts = max(round(passed / TIME_BASE), self._last + 1)
        self._last = dts
        delay = coded.pts - coded.dts if coded.pts is not None and coded.dts is not None else 0.0
        return dts + max(0, round(delay / TIME_BASE)), dts

    def _was_set(self, camera: float, arrived: float) -> bool:
        assert self._before is not None
        step = camera - self._before[0]
        passed = arrived - self._before[1]
        return step < -_BACKWARD_SECONDS or step - passed > _FORWARD_SECONDS


def template_of(first: Coded) -> InputContainer:
    """Return an open container whose video stream describes pictures like `first`, a key picture.

    It stays valid after the camera's own container is closed, which the reading thread does at any
    time.

    Raises:
        av.FFmpegError: The picture is damaged.
    """
    data = first.coding.header + first.data
    return av.open(io.BytesIO(data), "r", format=first.coding.codec)


def packet_of(coded: Coded, pts: int, dts: int) -> av.Packet:
    """Return a packet with times in `TIME_BASE`."""
    packet = av.Packet(coded.data)
    packet.pts, packet.dts = pts, dts
    packet.time_base = TIME_BASE
    packet.is_keyframe = coded.is_key
    return packet


def newest_run(pictures: Sequence[Coded]) -> list[Coded]:
    """Return the pictures at the end that have the same coding, from a key picture on."""
    if not pictures:
        return []
    coding = pictures[-1].coding
    start = len(pictures)
    while start and pictures[start - 1].coding == coding:
        start -= 1
    while start < len(pictures) and not pictures[start].is_key:
        start += 1
    return list(pictures[start:])
