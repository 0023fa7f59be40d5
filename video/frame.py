"""A frame: a decoded picture with its place in the clip's own time."""

import threading
from dataclasses import dataclass

import av
import numpy as np

from video.libav import video_error
from video.scaling import Scaler

_thread = threading.local()


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a video.

    The decoded picture is kept as the decoder gave it; RGB is made when asked for, at the size
    asked for, so that a frame nobody looks at is never converted.

    Attributes:
        index: place in the video, from 0.
        seconds: time on the clip's own clock; the first frame is at 0.
        picture: the decoder's output, in any pixel format, before rotation.
        quarter_turns: quarters of a turn, counter-clockwise, after which it is upright.
        mirrored: whether left and right are swapped before that turn.
        after_gap: whether nothing was recorded between the frame before and this one; see
            `video.sampling`.
        video: the name of its video, for errors.
    """

    index: int
    seconds: float
    image: av.VideoFrame
    quarter_turns: int = 0
    mirrored: bool = False
    after_gap: bool = False
    video: str = "picture"

    @classmethod
    def from_array(
        cls, pixels: np.ndarray, index: int = 0, seconds: float = 0.0, order: str = "rgb24"
    ) -> "Frame":
        """Wrap uint8 pixels of shape (H, W, 3); `order` is `rgb24` or `bgr24` (cameras)."""
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=order)
        return cls(index, seconds, picture)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, upright."""
        width, height = self.image.width, self.image.height
        return (height, width) if self.quarter_turns % 2 else (width, height)

    @property
    def rgb(self) -> np.ndarray:
        """The whole picture, upright: uint8 RGB of shape (H, W, 3)."""
        return self.resized(*self.size)

    def resized(self, width: int, height: int, scaler: Scaler | None = None) -> np.ndarray:
        """Return the picture, upright, at a size: uint8 RGB of shape (height, width, 3).

        Raises:
            VideoError: FFmpeg cannot convert it.
        """
        if scaler is None:
            if not hasattr(_thread, "scaler"):
                _thread.scaler = Scaler()
            scaler = _thread.scaler
        # Scale first and turn the small picture: turning does not change what a pixel averages.
        if self.quarter_turns % 2:
            width, height = height, width
        try:
            pixels = scaler.rgb(self.image, width, height)
        except Exception as error:
            failure = f"frame {self.index} in {self.image.format.name} cannot be converted"
            raise video_error(self.video, failure, error) from None
        if self.mirrored:
            pixels = np.ascontiguousarray(pixels[:, ::-1])
        if self.quarter_turns % 4:
            pixels = np.ascontiguousarray(np.rot90(pixels, self.quarter_turns))
        return pixels
