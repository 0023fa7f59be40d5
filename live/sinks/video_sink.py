"""Annotated video file with the source's size, pixel aspect, rate and times."""

from fractions import Fraction
from pathlib import Path

from live.overlay import AnnotatedFrame
from live.sinks.base import Sink
from video.background_writer import BackgroundWriter
from video.frame import Frame
from video.signals import defer_signals
from video.writer import Mp4Writer


class VideoSink(Sink):
    """Writes every frame with the latest decision on it as H.264 mp4, encoded in a thread.

    Raises:
        VideoError: The file cannot be written.
    """

    draws = True

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        rate: float,
        pixel_aspect: Fraction = Fraction(1),
    ) -> None:
        self._writer = BackgroundWriter(Mp4Writer(path, size, rate, pixel_aspect, fast=True))
        self._size = size

    def on_frame(self, frame: Frame, image: AnnotatedFrame | None) -> None:
        assert image is not None  # the loop draws for a sink that asks for it
        if frame.size != self._size:  # the stream changed its frame size
            picture = Frame.from_array(image.rgb).resized(*self._size)
        else:
            picture = image.rgb if image.planar is None else image.planar
        self._writer.write(picture, frame.seconds)

    def close(self) -> None:
        with defer_signals():  # a second Ctrl-C must not cost the index of the file
            self._writer.close()
