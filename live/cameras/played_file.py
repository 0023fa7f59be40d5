"""A video file that is played as a camera: at its own pace, again and again."""

import time
from collections.abc import Iterator

import av

from video.frame import Frame
from video.sources.device import Device
from video.sources.file import FileSource

_LATE_SECONDS = 1.0
_LONGEST_PAUSE = 10.0  # whatever the times in a file are


class PlayedFile(Device):
    """A file in place of a camera, to try out a model, rules and messages."""

    def __init__(self, path: str) -> None:
        self.name, self._path = path, path
        self._source: FileSource | None = None

    def open(self) -> None:
        """See `Device.open`."""
        self._source = FileSource(self._path, 1)
        self.size, self.rate = self._source.size, self._source.rate
        self.pixel_aspect = self._source.pixel_aspect
        self._frames: Iterator[Frame] = iter(self._source)
        self._offset, self._last, self._began = 0.0, 0.0, time.monotonic()

    def read(self) -> av.VideoFrame | None:
        """See `Device.read`; turned files are shown as they are stored."""
        frame = next(self._frames, None)
        if frame is None:  # from the beginning, one frame interval later
            self._offset += self._last + 1 / self.rate
            self.close()
            self._source = FileSource(self._path, 1)
            self._frames = iter(self._source)
            frame = next(self._frames)
        self._last = frame.seconds
        due, now = self._began + self._offset + frame.seconds, time.monotonic()
        if now - due > _LATE_SECONDS:  # the computer slept: what was missed is not hurried through
            self._began += now - due
        time.sleep(min(max(0.0, due - now), _LONGEST_PAUSE))
        return frame.image

    def close(self) -> None:
        """See `Device.close`."""
        if self._source is not None:
            self._source.close()
