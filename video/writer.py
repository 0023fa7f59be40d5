"""Writer of H.264 mp4 files that browsers and phones play."""

from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from video.errors import VideoError
from video.libav import address_of, failing_as
from video.planar import Colors

_TIME_BASE = Fraction(1, 90_000)
# With its macroblock tree, x264 is not deterministic: equal frames sometimes give different files.
# Without it, crf 22 gives about the file size of crf 20 with it.
_SMALL = {"preset": "veryfast", "crf": "22", "x264-params": "mbtree=0"}
# Half the processor time. On eight clips from 320x180 to 4K files were 16 % smaller to 18 % larger,
# at a PSNR 1.6 dB lower (of 47) to 0.6 dB higher.
_FAST = {"preset": "superfast", "crf": "23", "x264-params": "mbtree=0:b-adapt=0"}


class Mp4Writer:
    """Writes frames with individual times to an H.264 (yuv420p) mp4 file.

    H.264 in yuv420p needs an even width and height: an odd one of RGB is extended by a copy of the
    last row or column. The file has the colors of the first frame; those of RGB are BT.709.

    Args:
        path: The file to write; an existing one is replaced.
        size: Width and height of every frame in pixels.
        rate: Nominal frames per second, for the header; every frame has its own time.
        pixel_aspect: Width of a pixel divided by its height; players stretch the image by it.
        fast: Whether to encode with half the processor time, at another size and quality.

    Raises:
        VideoError: The file cannot be written.
    """

    def __init__(
        self,
        path: str | Path,
        size: tuple[int, int],
        rate: float,
        pixel_aspect: Fraction = Fraction(1),
        fast: bool = False,
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
        stream.options = dict(_FAST if fast else _SMALL)
        self._stream = stream
        self._reformatter = VideoReformatter()
        self._colors: Colors | None = None
        self._last_pts = -1
        self._failed = False
        self._closed = False

    def write(self, picture: np.ndarray | av.VideoFrame, seconds: float) -> None:
        """Append a picture, shown from `seconds` on; times must increase.

        Args:
            picture: uint8 RGB (H, W, 3), or a yuv420p image of the writer's size, as
                `video.planar` makes it.
            seconds: Its time.

        Raises:
            VideoError: The file cannot be written.
        """
        frame = picture if isinstance(picture, av.VideoFrame) else self._rgb(picture)
        own = Colors.of(frame) if frame is picture else None
        colors = self._colors or self._begin(own or Colors())
        if own != colors:
            frame = colors.converted(frame, self._reformatter)
        frame.pts = max(round(seconds / _TIME_BASE), self._last_pts + 1)
        frame.time_base = _TIME_BASE
        self._last_pts = frame.pts
        self._mux(frame)

    def _rgb(self, pixels: np.ndarray) -> av.VideoFrame:
        if any(self._pad):
            pixels = np.pad(pixels, ((0, self._pad[0]), (0, self._pad[1]), (0, 0)), mode="edge")
        return av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")

    def _begin(self, colors: Colors) -> Colors:
        """Set the colors of the file, before the first frame opens the encoder."""
        self._colors, context = colors, self._stream.codec_context
        context.colorspace, context.color_range = colors.matrix, colors.range
        context.color_primaries, context.color_trc = colors.primaries, colors.transfer
        return colors

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
