"""Images as planes of brightness and color (yuv420p), as H.264 has them.

A picture that is drawn on and encoded needs no RGB: the decoder's planes are copied, and the
drawing is converted once.
"""

from dataclasses import dataclass

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from video.frame import Frame

_PLANAR = ("yuv420p", "yuvj420p")
_RGB = ("rgb24", "bgr24")  # webcams
# MJPEG cameras, phones, and what graphics processors decode: one conversion, without RGB.
_OTHER = ("yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "yuv420p10le")
_BT709, _UNSPECIFIED = 1, 2
_HDR = (16, 18)  # transfer functions PQ and HLG: white text would have the sun's brightness
_TURNS = (None, cv2.ROTATE_90_COUNTERCLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE)


@dataclass(frozen=True)
class Colors:
    """How the numbers of an image stand for colors, as H.264 writes it (ITU-T H.273).

    Attributes:
        matrix: Matrix from RGB; 2 where the video does not name it, which swscale reads as BT.601.
        range: 2 for 0 to 255; else 16 to 235 (brightness) and 16 to 240 (color).
        primaries, transfer: Primaries and transfer function; they are handed on unchanged.
    """

    matrix: int = _BT709
    range: int = ColorRange.UNSPECIFIED
    primaries: int = _BT709
    transfer: int = _BT709

    @classmethod
    def of(cls, image: av.VideoFrame) -> "Colors":
        """Return the colors of an image."""
        full = image.format.name.startswith("yuvj")
        scope = ColorRange.JPEG if full else image.color_range
        return cls(image.colorspace, scope, image.color_primaries, image.color_trc)

    def mark(self, image: av.VideoFrame) -> None:
        """Set these colors as those of an image, whose pixels stay the same."""
        image.colorspace, image.color_range = self.matrix, self.range
        image.color_primaries, image.color_trc = self.primaries, self.transfer

    @property
    def _swscale(self) -> int:
        same = (Colorspace.ITU709, Colorspace.FCC, Colorspace.SMPTE240M, Colorspace.BT2020)
        return self.matrix if self.matrix in same else Colorspace.ITU601

    def converted(self, image: av.VideoFrame, reformatter: VideoReformatter) -> av.VideoFrame:
        """Return an image of any format in yuv420p with these colors."""
        wanted = self.range if self.range == ColorRange.JPEG else ColorRange.MPEG
        # One thread: starting swscale's threads for each frame costs more time than they save.
        made = reformatter.reformat(
            image,
            format="yuv420p",
            dst_colorspace=self._swscale,
            dst_color_range=wanted,
            threads=1,
        )
        self.mark(made)
        return made


def planar_copy(frame: Frame, reformatter: VideoReformatter) -> av.VideoFrame | None:
    """Return an upright copy of a frame in yuv420p that may be drawn on, with the frame's colors.

    Args:
        frame: The frame. Its image may be the reference of later ones, so it stays as it is.
        reformatter: The conversion context of the calling thread.

    Returns:
        The copy, or None where only RGB will do: an odd width or height, high dynamic range, or
        another pixel format.
    """
    image = frame.image
    width, height = frame.size
    if width % 2 or height % 2 or image.color_trc in _HDR:
        return None
    name = image.format.name
    if name in _RGB or name in _OTHER:
        colors = Colors() if name in _RGB else Colors.of(image)
        try:
            image = colors.converted(image, reformatter)
        except av.FFmpegError:  # the way through RGB tells whose fault it is
            return None
        if not frame.mirrored and not frame.quarter_turns % 4:
            return image
    elif name not in _PLANAR or any(plane.line_size <= 0 for plane in image.planes):
        return None
    copy = av.VideoFrame(width, height, "yuv420p")
    for old, new in zip(planes(image), planes(copy), strict=True):
        upright = old[:, ::-1] if frame.mirrored else old
        turn = _TURNS[frame.quarter_turns % 4]
        new[:] = upright if turn is None else cv2.rotate(np.ascontiguousarray(upright), turn)
    Colors.of(image).mark(copy)
    return copy


def planes(image: av.VideoFrame) -> list[np.ndarray]:
    """Return views of the planes of a yuv420p image: brightness uint8 (H, W), and two of color
    (H/2, W/2)."""
    return [
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]  # type: ignore[call-overload]
        for plane in image.planes
    ]
