"""Annotated video file with the source's size, pixel aspect, rate and times."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from live.sinks.base import Sink
from video.frame import Frame
from video.writer import Mp4Writer


class VideoSink(Sink):
    """Writes every frame with the latest decision on it as H.264 mp4."""

    draws = True

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        rate: float,
        pixel_aspect: Fraction = Fraction(1),
    ) -> None:
        self._writer = Mp4Writer(path, size, rate, pixel_aspect)
        self._size = size

    def on_frame(self, frame: Frame, image: np.ndarray | None) -> None:
        if frame.size != self._size:  # the stream changed its frame size
            image = Frame.from_array(image).resized(*self._size)
        self._writer.write(image, frame.seconds)

    def close(self) -> None:
        self._writer.close()
