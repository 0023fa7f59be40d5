"""JPEGs of frames: for cameras whose packets cannot be kept, and for stills."""

from pathlib import Path

import cv2
import numpy as np

from video.atomic_write import atomic_write
from video.errors import VideoError
from video.frame import Frame
from video.libav import video_error

_QUALITY = 85
_PICTURES_PER_SECOND = 15.0


class PictureRate:
    """Chooses the frames that are kept: at most 15 a second, evenly spaced."""

    def __init__(self, rate: float = _PICTURES_PER_SECOND) -> None:
        self._interval = 1 / rate
        self._due = 0.0

    def wants(self, seconds: float) -> bool:
        """Return whether to keep a frame that arrived at `seconds`."""
        # Half a millisecond of tolerance: else 30 frames a second sometimes give 10.
        if seconds < self._due - 0.0005 and self._due - seconds <= self._interval:
            return False
        late = seconds - self._due
        self._due = (self._due if late < self._interval else seconds) + self._interval
        return True


def jpeg_of(frame: Frame) -> bytes:
    """Return a frame as JPEG of quality 85.

    Raises:
        VideoError: The frame cannot be converted.
    """
    try:
        # FFmpeg's plain conversion: that of `Frame.rgb`, for networks, costs ten times as much.
        pixels: np.ndarray = frame.image.to_ndarray(format="bgr24")
    except Exception as error:
        failure = f"frame {frame.index} cannot be converted"
        raise video_error(frame.video, failure, error) from None
    if frame.mirrored:
        pixels = pixels[:, ::-1]
    pixels = np.ascontiguousarray(np.rot90(pixels, frame.quarter_turns))
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise VideoError(f"{frame.video}: frame {frame.index} cannot be written as JPEG")
    return bytes(data)


def write_still(frame: Frame, path: str | Path) -> None:
    """Write a frame as JPEG, in one step; missing folders are created.

    Args:
        frame: The frame, with the privacy polygons black.
        path: File.

    Raises:
        OSError: The file cannot be written.
        VideoError: The frame cannot be converted.
    """
    data = jpeg_of(frame)
    with atomic_write(Path(path)) as temporary:
        temporary.write_bytes(data)
