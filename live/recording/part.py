"""A file of a recording while it is open, in fragments that survive a kill; then finished."""

import os
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import av
from av.container import InputContainer

from live.recording.coded import TIME_BASE, Coded, Timeline, packet_of, template_of
from video.atomic_write import atomic_write
from video.frame import Frame
from video.libav import address_of
from video.writer import Mp4Writer


class WritableFile(Protocol):
    """What an open recording needs of a file."""

    def write(self, data: bytes) -> int:
        """Write all of `data`; return its length."""

    def close(self) -> None:
        """Close the file."""


Opener = Callable[[Path], WritableFile]

OPEN_PREFIX = "open."
# A fragment is written at each key picture and after a second: a kill loses no more.
_FRAGMENTS = {
    "movflags": "frag_keyframe+empty_moov+default_base_moof",
    "frag_duration": "1000000",
    "flush_packets": "1",
}


def open_path(path: Path) -> Path:
    """Return the path of a recording while it is open."""
    return path.with_name(OPEN_PREFIX + path.name)


class _WholeWrites:
    """A file without a buffer. A full disk takes a part of the data and raises no error."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)

    def write(self, data: bytes) -> int:
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]
        return len(data)

    def close(self) -> None:
        self._file.close()


def open_file(path: Path) -> WritableFile:
    """Open a file for writing; its folder is created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return _WholeWrites(path)


class PartFile:
    """An open file of a recording: pictures as they come, in a fragmented mp4 file.

    Attributes:
        path: The file, `open.<name>`.
        first: The first picture.
        last_seconds: Time of arrival of the newest picture.
    """

    def __init__(self, path: Path, first: Coded, opener: Opener = open_file) -> None:
        """Create the file and write its header.

        Args:
            path: Path of the finished recording.
            first: The first picture, a key picture; it is not written yet.
            opener: Opens the file.

        Raises:
            OSError: The file cannot be written.
            ValueError: The parameter sets of the picture are damaged.
        """
        self.path = open_path(path)
        self.first, self.last_seconds = first, first.seconds
        self._timeline = Timeline()
        with template_of(first) as template:
            self._file = opener(self.path)
            try:
                self._container = av.open(self._file, "w", format="mp4", options=_FRAGMENTS)
                self._stream = self._container.add_stream_from_template(template.streams.video[0])
                self._stream.time_base = TIME_BASE
            except BaseException:
                self._file.close()
                raise

    def fits(self, coded: Coded) -> bool:
        """Return whether a picture can follow."""
        return coded.coding == self.first.coding

    def write(self, coded: Coded) -> None:
        """Append a picture.

        Raises:
            OSError: The disk is full, or the file cannot be written for another reason.
            ValueError: The picture is damaged.
        """
        packet = packet_of(coded, *self._timeline.place(coded))
        packet.stream = self._stream
        self._container.mux(packet)
        self.last_seconds = coded.seconds

    def close(self) -> None:
        """Write what is left, and close the file.

        Raises:
            OSError: The last fragment cannot be written; the others can be read.
        """
        try:
            self._container.close()
        finally:
            self._file.close()


def finish(path: Path, may_encode: Callable[[], bool] = lambda: True) -> bool:
    """Turn an open recording into one that browsers play and seek.

    H.264 is copied, with the index first. JPEGs are encoded. The file replaces the open one in one
    step. If there is no room for a copy, H.264 stays as it is, in fragments, under the final name.

    Args:
        path: Path of the finished recording.
        may_encode: Asked before each encoded picture; False stops, and the open file stays.

    Returns:
        Whether there is a recording. An open file without a picture is deleted.

    Raises:
        VideoError: JPEGs cannot be encoded, such as on a full disk; the open file stays.
        Unfinished: `may_encode` returned False.
    """
    source = open_path(path)
    codec = _codec_of(source)
    if codec is None:
        source.unlink(missing_ok=True)
        return path.is_file()  # it was finished, and only the open file was left
    if codec != "h264":
        with atomic_write(path) as temporary:
            _encode(source, temporary, may_encode)
        source.unlink()
        return True
    try:
        with atomic_write(path) as temporary:
            _remux(source, temporary)
    except (OSError, av.FFmpegError):
        if not _drop_unfinished_fragment(source):
            source.unlink()
            return False
        os.replace(source, path)
        return True
    source.unlink()
    return True


class Unfinished(Exception):
    """A recording stays open, because the program ends; the next start finishes it."""


def _codec_of(path: Path) -> str | None:
    """Return the codec of an open file, None if it shows no picture."""
    try:
        with av.open(address_of(path)) as container:
            if container.streams.video and next(container.demux(video=0)).size:
                return str(container.streams.video[0].codec_context.name)
    except (OSError, av.FFmpegError, StopIteration):
        pass
    return None


def _drop_unfinished_fragment(path: Path) -> bool:
    """Shorten a fragmented file to its whole fragments, by the boxes of ISO/IEC 14496-12; return
    whether there is one."""
    length, place, whole, has_pictures = path.stat().st_size, 0, 0, False
    with path.open("r+b") as file:
        while place + 8 <= length:
            file.seek(place)
            size, kind = struct.unpack(">I4s", file.read(8))
            place += size
            if size < 8 or place > length:
                break
            if kind != b"moof":  # it is worth nothing without its pictures
                whole = place
            has_pictures |= kind == b"mdat"
        file.truncate(whole)
    return has_pictures


def _remux(source: Path, target: Path) -> None:
    options = {"movflags": "+faststart"}
    with (
        av.open(address_of(source)) as before,
        av.open(address_of(target), "w", format="mp4", options=options) as after,
    ):
        stream = after.add_stream_from_template(before.streams.video[0])
        stream.time_base = TIME_BASE
        for packet in _packets(before):
            packet.stream = stream
            after.mux(packet)


def _encode(source: Path, target: Path, may_encode: Callable[[], bool]) -> None:
    with av.open(address_of(source)) as before:
        stream = before.streams.video[0]
        with Mp4Writer(target, (stream.width, stream.height), 15.0) as writer:
            for packet in _packets(before):
                with suppress(av.InvalidDataError):  # a damaged JPEG: the others are whole
                    for image in packet.decode():
                        if not may_encode():
                            raise Unfinished
                        writer.write(Frame(0, 0.0, image).rgb, _seconds_of(image))


def _seconds_of(image: av.VideoFrame) -> float:
    return float((image.pts or 0) * (image.time_base or TIME_BASE))


def _packets(container: InputContainer) -> Iterator[av.Packet]:
    """Yield the packets with pictures, up to a fragment that was cut off."""
    packets = container.demux(video=0)
    while True:
        packet = None
        with suppress(av.FFmpegError):
            packet = next(packets, None)
        if packet is None or packet.dts is None or packet.is_corrupt:
            return
        yield packet
