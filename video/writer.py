"""Writing H.264 mp4 files that browsers and phones play."""

from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Colorspace, VideoReformatter

from video.errors import VideoError
from video.libav import address_of, failing_as

_TIME_BASE = Fraction(1, 90_000)
_BT709 = 1


class Mp4Writer:
    """Writes RGB frames with their own times as H.264 (yuv420p, BT.709) mp4.

    H.264 in yuv420p needs even sides: an odd one gains a pixel, its edge repeated.

    Args:
        path: the file, replaced where it exists.
        size: width and height of every frame in pixels.
        rate: nominal frames a second, for the header; times come with the frames.
        pixel_aspect: width of a pixel over its height: players stretch the picture by it.

    Raises:
        VideoError: the file cannot be written.
    """

    def __init__(
        self,
        path: str | Path,
        size: tuple[int, int],
        rate: float,
        pixel_aspect: Fraction = Fraction(1),
    ) -> None:
        self.path = Path(path)
        width, height = size
        self._pad = (height % 2, width % 2)
        with self._writing():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._container = av.open(
                address_of(self.path), "w", format="mp4", options={"movflags": "+faststart"}
            )
            stream = self._container.add_stream(
                "libx264", rate=Fraction(rate).limit_denominator(1001)
            )
        stream.width, stream.height = width + self._pad[1], height + self._pad[0]
        stream.pix_fmt = "yuv420p"
        if pixel_aspect != 1:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        stream.time_base = _TIME_BASE
        stream.codec_context.time_base = _TIME_BASE
        stream.codec_context.colorspace = _BT709
        stream.codec_context.color_primaries = _BT709
        stream.codec_context.color_trc = _BT709
        # With its macroblock tree, x264 makes unequal files of equal frames now and then; without
        # it a crf of 22 has about the size that 20 had.
        stream.options = {"preset": "veryfast", "crf": "22", "x264-params": "mbtree=0"}
        self._stream = stream
        self._to_yuv = VideoReformatter()
        self._last_pts = -1
        self._failed = False
        self._closed = False

    def write(self, rgb: np.ndarray, seconds: float) -> None:
        """Append uint8 RGB (H, W, 3) to be shown from `seconds` on; times must rise."""
        if any(self._pad):
            rgb = np.pad(rgb, ((0, self._pad[0]), (0, self._pad[1]), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
        # One thread: for each frame, starting swscale's own costs more than they save.
        frame = self._to_yuv.reformat(
            frame, format="yuv420p", dst_colorspace=Colorspace.ITU709, threads=1
        )
        frame.pts = max(round(seconds / _TIME_BASE), self._last_pts + 1)
        frame.time_base = _TIME_BASE
        self._last_pts = frame.pts
        self._mux(frame)

    def _writing(self) -> AbstractContextManager[None]:
        return failing_as(str(self.path), "cannot be written")

    def _mux(self, frame: av.VideoFrame | None) -> None:
        try:
            with self._writing():
                for packet in self._stream.encode(frame):
                    self._container.mux(packet)
        except VideoError:
            self._failed = True
            raise

    def close(self) -> None:
        """Write what the encoder still holds and the index. May be called twice."""
        if self._closed:
            return
        self._closed = True
        try:
            # After an error nothing is left to save, and libav crashes where the header is missing.
            if self._last_pts >= 0 and not self._failed:
                self._mux(None)
        finally:
            with self._writing():
                self._container.close()

    def __enter__(self) -> "Mp4Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
