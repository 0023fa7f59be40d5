"""A frame: a decoded image with its index and time in the video."""

import threading
from dataclasses import dataclass

import av
import numpy as np

from video.libav import video_error
from video.scaling import Scaler

_thread = threading.local()


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a video.

    The image stays in the decoder's format. It is converted to RGB on request, at the requested
    size, so that a frame that is never used is never converted.

    Attributes:
        index: Index of the frame in the video, from 0.
        seconds: Time in the video; the first frame is at 0.
        image: Output of the decoder, in any pixel format, before rotation.
        quarter_turns: Number of counterclockwise 90-degree turns that make the image upright.
        mirrored: Whether to mirror the image left to right before that rotation.
        after_gap: Whether there is a gap in the recording before this frame; see
            `video.sampling`.
        video: Name of the video, for error messages.
    """

    index: int
    seconds: float
    image: av.VideoFrame
    quarter_turns: int = 0
    mirrored: bool = False
    after_gap: bool = False
    video: str = "image"

    @classmethod
    def from_array(
        cls, pixels: np.ndarray, index: int = 0, seconds: float = 0.0, order: str = "rgb24"
    ) -> "Frame":
        """Return a frame of uint8 pixels (H, W, 3); `order` is `rgb24` or `bgr24` (cameras)."""
        image = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=order)
        return cls(index, seconds, image)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, upright."""
        width, height = self.image.width, self.image.height
        return (height, width) if self.quarter_turns % 2 else (width, height)

    @property
    def rgb(self) -> np.ndarray:
        """The whole image, upright: uint8 RGB of shape (H, W, 3)."""
        return self.resized(*self.size)

    def resized(self, width: int, height: int, scaler: Scaler | None = None) -> np.ndarray:
        """Return the image, upright and resized: uint8 RGB of shape (height, width, 3).

        Raises:
            VideoError: FFmpeg cannot convert it.
        """
        if scaler is None:
            if not hasattr(_thread, "scaler"):
                _thread.scaler = Scaler()
            scaler = _thread.scaler
        # Scale first, then rotate the small image: rotation does not change what a pixel averages.
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
