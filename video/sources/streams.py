"""The stream of a container that is watched: its choice, frame rate, pixels and threads."""

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

# Up to 1080p (with the rows that a coder adds), a thread decodes several times as fast as it plays.
_ONE_THREAD_PIXELS = 1920 * 1088
_MAX_THREADS = 4

_PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails

# Packets within which a stream that moves has shown a second one.
_LOOKED_AT_PACKETS = 1000


def nominal_rate(stream: av.VideoStream) -> float:
    """Return a stream's frames a second, 25 where the container does not tell a sensible one."""
    rate = float(stream.average_rate or stream.guessed_rate or 25)
    return rate if 0 < rate <= 1000 else 25.0


def pixel_aspect(stream: av.VideoStream, quarter_turns: int) -> Fraction:
    """Return the width of a pixel over its height after some quarters of a turn; 1 where the header
    holds nothing sensible."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if not Fraction(1, 4) <= aspect <= 4:
        return Fraction(1)
    return 1 / aspect if quarter_turns % 2 else aspect


def candidates(container: InputContainer) -> list[av.VideoStream]:
    """Return the video streams that are no cover picture, those with a decoder where there are."""
    videos = [s for s in container.streams.video if not s.disposition & _PICTURES]
    return [s for s in videos if s.codec_context is not None] or videos


def packet_counts(container: InputContainer, streams: list[av.VideoStream]) -> dict[int, int]:
    """Return how many packets of each stream come first, by the stream's index; stop as soon as all
    have two. The container has to be opened again afterwards."""
    counts = dict.fromkeys((stream.index for stream in streams), 0)
    # What is damaged shows when it is decoded.
    with suppress(av.FFmpegError, LookupError, ValueError):
        for packet in itertools.islice(container.demux(streams), _LOOKED_AT_PACKETS):
            counts[packet.stream.index] += bool(packet.size)
            if min(counts.values()) > 1:
                break
    return counts


def best_stream(
    container: InputContainer, name: str, counts: dict[int, int] | None = None
) -> av.VideoStream:
    """Return the video stream to be watched.

    Cover pictures are none; streams with a decoder come before those without, moving ones before
    those of one frame (a preview), those marked default before others, and then the first. This is
    the order of FFmpeg's av_find_best_stream but for two points: there a preview marked default
    comes before the film, and among equal streams the bit rate decides.

    Args:
        container: The open file or stream.
        name: The source's name, for errors.
        counts: Packets of each stream as `packet_counts` gives them, for where the header has no
            number of frames. Without, a stream moves unless its header says one frame.

    Raises:
        VideoError: There is no video stream, or none that can be decoded.
    """
    streams = candidates(container)
    if not streams:
        raise VideoError(f"{name}: holds no video stream")

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
    """Let so many threads decode a stream: 0 for one a core, None for as few as a video needs that
    is worked on while it plays. Threads that decode ahead take the cores from the networks in the
    middle of a step, and each holds a frame back, by which a camera is late."""
    decoder = stream.codec_context
    if threads is None:
        small = decoder.width * decoder.height <= _ONE_THREAD_PIXELS
        threads = 1 if small else min(_MAX_THREADS, os.cpu_count() or 1)
    stream.thread_type, decoder.thread_count = "AUTO", threads
