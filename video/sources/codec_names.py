"""Codec names in a file's header, to say why a track cannot be decoded.

PyAV gives no codec name if FFmpeg has no decoder, so the name is read from the file itself.
"""

import mmap
import re
from pathlib import Path

import av

# Patterns of the codec names in a container's header.
_CODEC_NAMES = {
    "mov": rb"stsd\0{4}\0{3}.{5}([ -~]{4})",
    "matroska": rb"\x86[\x81-\xff](V_[A-Z0-9/_]+)",
    "avi": rb"strf.{20}([ -~]{4})",
}


_ENCRYPTED = {"encv", "drmi"}
# FFmpeg has decoders for these, so another part of the header is damaged.
_DECODED = {
    *("avc1", "avc3", "hvc1", "hev1", "av01", "vp08", "vp09", "mp4v", "mp4a"),
    *("H264", "XVID", "MJPG"),
}


def why_undecodable(stream: av.VideoStream, path: Path) -> str:
    """Return why a stream has no decoder, as the end of a message that begins with the file."""
    codec = _codec_name(stream, path)
    if codec in _ENCRYPTED:
        return "is encrypted"
    if codec and codec not in _DECODED:
        return f"FFmpeg has no decoder for codec '{codec}'"
    return "cannot be read as a video (damaged header: the codec is missing)"


def is_encrypted(path: Path) -> bool:
    """Return whether an mp4 file declares an encrypted track."""
    with path.open("rb") as file:
        if file.read(8)[4:] != b"ftyp":
            return False
    return not _ENCRYPTED.isdisjoint(_names(path, "mov"))


def _names(path: Path, container: str) -> list[str]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        found = re.findall(_CODEC_NAMES[container], content, re.DOTALL)
    return [name.decode() for name in found]


def _codec_name(stream: av.VideoStream, path: Path) -> str:
    kinds = _CODEC_NAMES.keys() & set(stream.container.format.name.split(","))
    if not kinds or not path.is_file():
        return ""
    names = _names(path, kinds.pop())
    # Names match streams only by position. In some containers only video streams have a name.
    for streams in (stream.container.streams, stream.container.streams.video):
        if len(names) == len(streams):
            return names[list(streams).index(stream)]
    return ""
