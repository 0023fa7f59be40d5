"""Frames of a video file, decoded by PyAV (FFmpeg): all its formats, AV1 and gif included."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

import av

from video.clock import Clock
from video.errors import VideoError
from video.frame import Frame
from video.orientation import orientation_of
from video.skipping import SkippingPlan, skipping_plan
from video.sources.base import VideoSource


def nominal_rate(stream: av.VideoStream) -> float:
    """Return a stream's frames a second, 25 where the container does not tell a sensible one."""
    rate = float(stream.average_rate or stream.guessed_rate or 25)
    return rate if 0 < rate <= 1000 else 25.0


# Up to 1080p (with the rows that a coder adds), a thread decodes several times as fast as it plays.
_ONE_THREAD_PIXELS = 1920 * 1088
_MOST_THREADS = 4


def first_video_stream(
    container: av.container.InputContainer, name: str, threads: int | None = None
) -> av.VideoStream:
    """Return the first video stream that is no cover picture; raise `VideoError` without one.

    It is decoded by so many threads, 0 for one a core; None for as few as a video needs that is
    worked on while it plays: threads that decode ahead take the cores from the networks in the
    middle of a step, and each holds a frame back, by which a camera is late.
    """
    for stream in container.streams.video:
        if "attached_pic" not in str(stream.disposition):
            decoder = stream.codec_context
            if threads is None:
                small = decoder.width * decoder.height <= _ONE_THREAD_PIXELS
                threads = 1 if small else min(_MOST_THREADS, os.cpu_count() or 1)
            stream.thread_type, decoder.thread_count = "AUTO", threads
            return stream
    raise VideoError(f"{name}: holds no video stream")


# Containers whose packets bear the time at which their frame is shown. Of others', such as AVI's,
# libav guesses the time.
_TELLING_FORMATS = {"mov", "matroska", "mpegts", "flv"}


class _NotAsPlanned(Exception):
    """The frames are not those that the packets told of."""


class FileSource(VideoSource):
    """A video file. Rotation from its metadata is applied; nothing is ever dropped.

    What decodes is used: a file that breaks off gives the frames before the break and a note.

    Raises:
        VideoError: there is no such file, it is empty, no video, or (while iterating) it gives no
            frame at all.
    """

    live = False

    def __init__(
        self, path: str | Path, threads: int | None = None, sampled_at: float | None = None
    ) -> None:
        """Open a file.

        Args:
            path: the file.
            threads: of the decoder; as for `first_video_stream`.
            sampled_at: the rate of the sampler that the frames are for, in ticks a second: frames
                that it does not take may be left out, where that changes no other. None gives all.
        """
        path = Path(path)
        self.name = str(path)
        if not path.is_file():
            raise VideoError(f"{path}: there is no such file")
        if path.stat().st_size == 0:
            raise VideoError(f"{path}: the file is empty (0 bytes)")
        self._path, self._threads = path, threads
        self._open()
        self.rate = nominal_rate(self._stream)
        self._plan = self._planned(sampled_at) if sampled_at else None
        self.size = self._upright_size()

    def _open(self) -> None:
        try:
            self._container = av.open(str(self._path))
            self._stream = first_video_stream(self._container, self.name, self._threads)
        except VideoError:
            self._container.close()
            raise
        except (av.FFmpegError, ValueError, OSError) as error:
            raise VideoError(f"{self._path}: cannot be read as a video ({reason(error)})") from None

    def _open_again(self) -> None:
        self._container.close()
        self._open()

    def _planned(self, fps: float) -> SkippingPlan | None:
        if not _TELLING_FORMATS & set(self._container.format.name.split(",")):
            return None
        try:
            packets = self._container.demux(self._stream)
            stamps = [each.pts for each in packets if each.size and not each.is_discard]
        except (av.FFmpegError, ValueError):
            return None  # what breaks off is read frame by frame
        finally:
            self._open_again()
        return skipping_plan(stamps, self._stream.time_base, 1 / self.rate, fps)

    def _upright_size(self) -> tuple[int, int]:
        # The rotation stands on the frames alone, so the first one tells; then back to the start.
        self._first = self._decoded()
        self._ahead = next(self._first, None)
        if self._ahead is None:
            self.close()
            raise VideoError(
                f"{self.name}: no frame of it can be decoded ({self.note or 'no data'})"
            )
        return self._ahead.size

    def __iter__(self) -> Iterator[Frame]:
        if self._ahead is not None:
            frame, self._ahead = self._ahead, None
            yield frame
        yield from self._first

    def _decoded(self) -> Iterator[Frame]:
        given = -1
        if self._plan:
            try:
                for frame in self._sampled(self._plan):
                    given = frame.index
                    yield frame
                return
            except _NotAsPlanned:
                # Something is wrong with the file. What was given is what the whole would have
                # given; from there on nothing is left out.
                self._open_again()
        for frame in self._whole():
            if frame.index > given:
                given = frame.index
                yield frame
        if self.note and self._stream.codec_context.thread_count != 1:
            # Of a file that is damaged, several threads give fewer frames than one, by their
            # number: one gives the rest, so that the frames are the same on every machine.
            self._threads = 1
            self._open_again()
            yield from (frame for frame in self._whole() if frame.index > given)

    def _sampled(self, plan: SkippingPlan) -> Iterator[Frame]:
        """Yield at least the wanted frames; raise `_NotAsPlanned` before any that would differ from
        the whole file's."""
        due = iter(sorted(plan.wanted))
        next_due, last = next(due), -1
        decoder = self._stream.codec_context
        try:
            for packet in self._container.demux(self._stream):
                is_wanted = packet.pts in plan.wanted or not packet.size
                decoder.skip_frame = "DEFAULT" if is_wanted else "NONREF"
                for picture in packet.decode():
                    index, seconds = plan.places.get(picture.pts, (-1, 0.0))
                    if index <= last or picture.pts > next_due:
                        raise _NotAsPlanned
                    if picture.pts == next_due:
                        next_due = next(due, math.inf)
                    last = index
                    yield Frame(index, seconds, picture, *orientation_of(picture))
        except (av.FFmpegError, ValueError):
            raise _NotAsPlanned from None
        if next_due != math.inf:
            raise _NotAsPlanned
        self.note = self._ends_early(last + 1, seconds)

    def _whole(self) -> Iterator[Frame]:
        clock = Clock(1 / self.rate)
        index, seconds, damaged, broken = 0, 0.0, 0, ""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, ValueError) as error:
                broken = reason(error)
                break
            if packet is None:
                break
            try:
                pictures = packet.decode()
            except av.FFmpegError as error:
                damaged, last_error = damaged + 1, reason(error)
                continue
            for picture in pictures:
                seconds = clock.seconds(picture.time)
                yield Frame(index, seconds, picture, *orientation_of(picture))
                index += 1
        if broken:
            self.note = f"breaks off after {index} frames ({broken})"
        else:
            self.note = self._ends_early(index, seconds)
        if damaged:
            skipped = f"{damaged} damaged packet{'s' * (damaged > 1)} skipped ({last_error})"
            self.note = f"{self.note}; {skipped}" if self.note else f"{skipped}, {index} frames"

    def _ends_early(self, frames: int, seconds: float) -> str:
        promised = float((self._stream.duration or 0) * (self._stream.time_base or 0))
        if not promised and "matroska" in self._container.format.name:  # tells the file's alone
            promised = (self._container.duration or 0) / av.time_base
        missing = promised - (seconds + 1 / self.rate)
        if missing > max(1.0, 0.1 * promised):
            return f"ends after {frames} frames, {missing:.1f} s before what its header says"
        return ""

    def close(self) -> None:
        # The generator holds this object and this object the generator: unless the ring is cut, the
        # decoder's buffers wait for the garbage collector.
        self._first.close()
        self._container.close()


def reason(error: Exception) -> str:
    """Return libav's words for an error, without the file's name and number."""
    if isinstance(error, av.ExitError):  # what libav calls a timeout of ours
        return "nothing came in time"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
