"""The video stream of a container: choice, frame rate, pixel aspect and decoder threads."""

import itertools
import os
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition

from video.errors import VideoError
from video.sources.codec_names import why_undecodable

# Up to 1080p (with the rows that encoders add), one thread decodes much faster than real time.
_ONE_THREAD_PIXELS = 1920 * 1088
_MAX_THREADS = 4

_COVERS = Disposition.attached_pic | Disposition.timed_thumbnails

# Within this many packets of a file, every stream of moving images has two.
_MAX_PACKETS = 1000


def nominal_rate(stream: av.VideoStream) -> float:
    """Return a stream's frames per second, 25 if the container has no plausible value."""
    rate = float(stream.average_rate or stream.guessed_rate or 25)
    return rate if 0 < rate <= 1000 else 25.0


def pixel_aspect(stream: av.VideoStream, quarter_turns: int) -> Fraction:
    """Return the width of a pixel divided by its height after some 90-degree turns; 1 if the header
    has no plausible value."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if not Fraction(1, 4) <= aspect <= 4:
        return Fraction(1)
    return 1 / aspect if quarter_turns % 2 else aspect


def candidates(container: InputContainer) -> list[av.VideoStream]:
    """Return the non-cover video streams: those with a decoder, or all if none has one."""
    videos = [s for s in container.streams.video if not s.disposition & _COVERS]
    return [s for s in videos if s.codec_context is not None] or videos


def packet_counts(container: InputContainer, streams: list[av.VideoStream]) -> dict[int, int]:
    """Return the number of packets at the start of each stream, by the stream's index.

    Counting stops as soon as every stream has two. The container must be opened again afterwards.
    """
    counts = dict.fromkeys((stream.index for stream in streams), 0)
    # Damage is reported when the file is decoded.
    with suppress(av.FFmpegError, LookupError, ValueError):
        for packet in itertools.islice(container.demux(streams), _MAX_PACKETS):
            counts[packet.stream.index] += bool(packet.size)
            if min(counts.values()) > 1:
                break
    return counts


def best_stream(
    container: InputContainer, name: str, counts: dict[int, int] | None = None
) -> av.VideoStream:
    """Return the video stream to decode.

    Cover images do not count. Streams with a decoder come before those without, streams of several
    frames before those of one frame (a preview), streams marked default before others, and then
    the first one. FFmpeg's av_find_best_stream differs in two points: it prefers a preview marked
    default to the video, and among equal streams the bit rate decides.

    Args:
        container: The open file or stream.
        name: The source's name, for errors.
        counts: Numbers of packets from `packet_counts`, for a header without the number of frames.
            Without them, a stream is a preview only if its header says one frame.

    Raises:
        VideoError: There is no video stream, or none that can be decoded.
    """
    streams = candidates(container)
    if not streams:
        raise VideoError(f"{name}: contains no video stream")

    def rank(stream: av.VideoStream) -> tuple[bool, bool]:
        moves = (
            stream.frames != 1 if counts is None else max(counts[stream.index], stream.frames) > 1
        )
        return moves, bool(stream.disposition & Disposition.default)

    best = max(streams, key=rank)
    if best.codec_context is None:
        raise VideoError(f"{name}: {why_undecodable(best, Path(name))}")
    return best


def use_threads(stream: av.VideoStream, threads: int | None) -> None:
    """Set the number of decoder threads.

    More threads compete with the networks for cores, and each adds a frame of latency.

    Args:
        stream: The video stream.
        threads: Number of decoder threads; 0 for one per core, None for as few as real time needs
            (one up to 1080p).
    """
    decoder = stream.codec_context
    if threads is None:
        small = decoder.width * decoder.height <= _ONE_THREAD_PIXELS
        threads = 1 if small else min(_MAX_THREADS, os.cpu_count() or 1)
    stream.thread_type, decoder.thread_count = "AUTO", threads
