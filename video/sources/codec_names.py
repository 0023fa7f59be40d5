"""The codecs that a file says its tracks are in, for the reason why a track cannot be decoded.

PyAV passes no name on where FFmpeg has no decoder, so it is looked for in the file itself.
"""

import mmap
import re
from pathlib import Path

import av

# Where a container names its tracks' codecs.
_CODEC_NAMES = {
    "mov": rb"stsd\0{4}\0{3}.{5}([ -~]{4})",
    "matroska": rb"\x86[\x81-\xff](V_[A-Z0-9/_]+)",
    "avi": rb"strf.{20}([ -~]{4})",
}


_ENCRYPTED = {"encv", "drmi"}
# FFmpeg decodes these, so it is the rest of the header that it could not read.
_DECODED = {
    *("avc1", "avc3", "hvc1", "hev1", "av01", "vp08", "vp09", "mp4v", "mp4a"),
    *("H264", "XVID", "MJPG"),
}


def why_undecodable(stream: av.VideoStream, path: Path) -> str:
    """Return why a stream of a file has no decoder; the file's name goes before it."""
    codec = _codec_name(stream, path)
    if codec in _ENCRYPTED:
        return "is encrypted"
    if codec and codec not in _DECODED:
        return f"FFmpeg has no decoder for codec '{codec}'"
    return "cannot be read as a video (header damaged: it does not say the codec)"


def is_encrypted(path: Path) -> bool:
    """Return whether an mp4 says that a track of it is encrypted."""
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
    # A track without such a name shifts the others'. In some containers only videos have one.
    for streams in (stream.container.streams, stream.container.streams.video):
        if len(names) == len(streams):
            return names[list(streams).index(stream)]
    return ""
