"""The packets of a file, which tell its frames without decoding them.

A packet holds one frame and tells its time, and whether a decoder can begin at it. One pass over
the packets costs about as much as reading the file.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np

from video.clock import Clock
from video.frame import Frame
from video.libav import fault_of
from video.sources.file import TIMED_FORMATS, FileSource
from video.sources.remarks import Ending, remarks

# Containers whose key frames are marked where a decoder can begin. In others the marks are guesses.
_MARKED_FORMATS = {"mov", "matroska"}
# Decoders that were compared with a whole decoding.
_COMPARED_CODECS = {"h264", "hevc", "vp8", "vp9", "mpeg4", "mjpeg"}
# Types of NAL units with which a decoder of HEVC begins anew: BLA and IDR (H.265, table 7-1). After
# the third kind of key frame, CRA, FFmpeg decodes other pixels than without the seek.
_HEVC_BEGINNINGS = range(16, 21)
# MPEG-4 marks a picture that is not coded by a packet of about this size; it shows nothing.
_EMPTY_BYTES = 8


@dataclass(frozen=True, eq=False)
class FileIndex:
    """The frames of a file, by its packets.

    Attributes:
        path: The file.
        stamps: Timestamps, ascending: int64 (n,).
        seconds: Times in the video: float64 (n,).
        after_gap: Whether there is a gap in the recording before each frame: bool (n,).
        keys: Indices of the key frames at which a decoder can begin, ascending: int64 (k,); empty
            if they are not known.
        note: What the packets tell about faults of the file, or empty.
    """

    path: Path
    stamps: np.ndarray
    seconds: np.ndarray
    after_gap: np.ndarray
    keys: np.ndarray
    note: str = ""


class PacketSource(FileSource):
    """Reads the packets of a file and decodes its first frame alone.

    Attributes:
        first: The first frame.
    """

    first: Frame

    def __init__(self, path: str | Path) -> None:
        """Open a file and decode its first frame.

        Args:
            path: The video file.

        Raises:
            VideoError: The file cannot be read as a video, or gives no frame.
        """
        self._found: list[tuple[int | None, bool]] = []
        self._is_plain = True  # whether each packet gives a frame, as far as is known
        super().__init__(path, threads=1)
        assert self._ahead is not None  # else there was an error
        self.first = self._ahead

    def _decoded(self) -> Generator[Frame, None, None]:
        self._packets = self._container.demux(self._stream)
        try:
            for packet in self._packets:
                self._take(packet)
                for image in packet.decode():
                    yield self._frame(0, 0.0, image, after_gap=False)
                    return
        except Exception as error:  # a whole decoding tells what is damaged
            fault_of(self.name, error)
        self._is_plain = False
        self._open_again()
        yield from self._whole()

    def __iter__(self) -> Iterator[Frame]:
        yield self.first

    @property
    def container(self) -> av.container.InputContainer:
        """The file, open until `close`, for what its header says."""
        return self._container

    def index(self) -> FileIndex | None:
        """Read the other packets; return the frames that they tell.

        The frames are those of a whole decoding, unless data inside of packets is damaged.

        Returns:
            The frames; None if only a whole decoding tells them: times are missing or occur twice,
            as where a packet holds a hidden frame; frames are stored out of order in a container
            without times, such as AVI; or the file is damaged, so that reading stops early, a
            packet is incomplete or the first frames cannot be decoded.
        """
        try:
            for packet in self._packets if self._is_plain else ():
                self._take(packet)
        except Exception as error:
            fault_of(self.name, error)
            return None
        base, first = self._stream.time_base, self.first.image.pts
        keys = {stamp: key for stamp, key in self._found if stamp is not None}
        if not self._is_plain or base is None or not keys or len(keys) < len(self._found):
            return None
        stamps = sorted(keys)
        if stamps[0] != first or not self._tells_times():
            return None
        clock = Clock(1 / self.rate)
        times = [(clock.seconds(float(stamp * base)), clock.after_gap) for stamp in stamps]
        gaps = [seconds for seconds, after_gap in times if after_gap]
        ending = Ending(len(stamps), times[-1][0], float(stamps[0] * base), gaps)
        if remarks(self._container, self._stream, self.rate, replace(ending, gaps=[])):
            return None  # the file ends early
        seekable = bool(_MARKED_FORMATS & self._formats) and self._codec in _COMPARED_CODECS
        begins = [number for number, stamp in enumerate(stamps) if keys[stamp] or not number]
        return FileIndex(
            self._path,
            np.array(stamps, np.int64),
            np.array([seconds for seconds, _ in times], np.float64),
            np.array([after_gap for _, after_gap in times], bool),
            np.array(begins if seekable else [], np.int64),
            remarks(self._container, self._stream, self.rate, ending),
        )

    @property
    def _formats(self) -> set[str]:
        return set(self._container.format.name.split(","))

    @property
    def _codec(self) -> str:
        return self._stream.codec_context.name or ""

    def _take(self, packet: av.Packet) -> None:
        """Note a packet's frame."""
        if not packet.size or packet.is_discard or self._is_hidden(packet):
            return
        empty = self._codec == "mpeg4" and packet.size <= _EMPTY_BYTES
        self._is_plain &= not (packet.is_corrupt or empty)
        begins = packet.is_keyframe and (self._codec != "hevc" or _is_hevc_beginning(packet))
        self._found.append((packet.pts, begins))

    def _is_hidden(self, packet: av.Packet) -> bool:
        """Return whether a packet of VP8 holds a frame that is only referred to (RFC 6386, 9.1).

        Encoders of VP9 and AV1 put such frames into the packet of a shown one.
        """
        return self._codec == "vp8" and not memoryview(packet)[0] & 0x10

    def _tells_times(self) -> bool:
        """Return whether the stamps of packets are those of the decoded frames."""
        if TIMED_FORMATS & self._formats:
            return True
        # In AVI they are, as long as frames are stored in the order of their times.
        order = [stamp for stamp, _ in self._found]
        return (
            "avi" in self._formats
            and not self._stream.codec_context.has_b_frames
            and (
                order == sorted(order)  # type: ignore[type-var]
            )
        )


def _is_hevc_beginning(packet: av.Packet) -> bool:
    """Return whether the first picture in a packet of HEVC is one with which a decoder begins.

    In mp4 and Matroska each NAL unit follows its length in four bytes.
    """
    data, place = memoryview(packet), 0
    while place + 5 <= len(data):
        kind = (data[place + 4] >> 1) & 0x3F
        if kind < 32:  # a picture; the others are parameter sets and messages
            return kind in _HEVC_BEGINNINGS
        place += 4 + int.from_bytes(data[place : place + 4], "big")
    return False
