"""Frames of a video file, decoded by PyAV (FFmpeg): all its formats, AV1 and gif included."""

from collections.abc import Iterator
from pathlib import Path

import av

from video.errors import VideoError
from video.frame import Frame
from video.orientation import orientation_of
from video.sources.base import VideoSource

# A step of the clock beyond this is a broken time stamp, not a pause.
_LONGEST_GAP_SECONDS = 3600.0


class Clock:
    """Turns presentation time stamps into seconds from 0 that rise strictly.

    A stamp that is missing, goes back or jumps by more than an hour counts as one frame's interval.
    """

    def __init__(self, interval_seconds: float) -> None:
        self._interval = interval_seconds
        self._origin: float | None = None
        self._last = 0.0

    def seconds(self, stamp: float | None) -> float:
        """Return the clip's time for a stamp in seconds (None where the container has none)."""
        if self._origin is None:
            self._origin = stamp if stamp is not None else 0.0
            return 0.0
        passed = self._last + self._interval if stamp is None else stamp - self._origin
        if not self._last < passed <= self._last + _LONGEST_GAP_SECONDS:
            passed = self._last + self._interval
        self._last = passed
        return passed


def nominal_rate(stream: av.VideoStream) -> float:
    """Return a stream's frames a second, 25 where the container does not tell a sensible one."""
    rate = float(stream.average_rate or stream.guessed_rate or 25)
    return rate if 0 < rate <= 1000 else 25.0


def first_video_stream(container: av.container.InputContainer, name: str) -> av.VideoStream:
    """Return the first video stream that is no cover picture; raise `VideoError` without one."""
    for stream in container.streams.video:
        if "attached_pic" not in str(stream.disposition):
            stream.thread_type = "AUTO"
            return stream
    raise VideoError(f"{name}: holds no video stream")


class FileSource(VideoSource):
    """A video file. Rotation from its metadata is applied; nothing is ever dropped.

    What decodes is used: a file that breaks off gives the frames before the break and a note.

    Raises:
        VideoError: there is no such file, it is empty, no video, or (while iterating) it gives no
            frame at all.
    """

    live = False

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        self.name = str(path)
        if not path.is_file():
            raise VideoError(f"{path}: there is no such file")
        if path.stat().st_size == 0:
            raise VideoError(f"{path}: the file is empty (0 bytes)")
        try:
            self._container = av.open(str(path))
            self._stream = first_video_stream(self._container, self.name)
        except VideoError:
            self._container.close()
            raise
        except (av.FFmpegError, ValueError, OSError) as error:
            raise VideoError(f"{path}: cannot be read as a video ({reason(error)})") from None
        self.rate = nominal_rate(self._stream)
        self.size = self._upright_size()

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
        elif damaged:
            self.note = f"{damaged} damaged packets skipped ({last_error}), {index} frames decoded"
        else:
            self.note = self._ends_early(index, seconds)

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
