"""Writer of H.264 mp4 files that browsers and phones play."""

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
    """Writes RGB frames with individual times to an H.264 (yuv420p, BT.709) mp4 file.

    H.264 in yuv420p needs an even width and height: an odd one is extended by a copy of the last
    row or column.

    Args:
        path: The file to write; an existing one is replaced.
        size: Width and height of every frame in pixels.
        rate: Nominal frames per second, for the header; every frame has its own time.
        pixel_aspect: Width of a pixel divided by its height; players stretch the image by it.

    Raises:
        VideoError: The file cannot be written.
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
        # With its macroblock tree, x264 is not deterministic: equal frames sometimes give different
        # files. Without it, crf 22 gives about the file size of crf 20 with it.
        stream.options = {"preset": "veryfast", "crf": "22", "x264-params": "mbtree=0"}
        self._stream = stream
        self._to_yuv = VideoReformatter()
        self._last_pts = -1
        self._failed = False
        self._closed = False

    def write(self, rgb: np.ndarray, seconds: float) -> None:
        """Append uint8 RGB (H, W, 3), shown from `seconds` on; times must increase."""
        if any(self._pad):
            rgb = np.pad(rgb, ((0, self._pad[0]), (0, self._pad[1]), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
        # One thread: starting swscale's threads for each frame costs more time than they save.
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
        """Flush the encoder and write the index. May be called twice."""
        if self._closed:
            return
        self._closed = True
        try:
            # After an error there is nothing to save, and libav crashes if the header is missing.
            if self._last_pts >= 0 and not self._failed:
                self._mux(None)
        finally:
            with self._writing():
                self._container.close()

    def __enter__(self) -> "Mp4Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
