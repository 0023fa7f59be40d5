"""A webcam or capture device, through OpenCV."""

import time

import av
import cv2
import numpy as np

from video.errors import VideoError
from video.libav import failing_as
from video.sources.newest import SILENCE_SECONDS, NewestFrameSource

# A USB camera fails to read now and then, and goes on. One that is gone fails at once and for good,
# so the tries need an end, and a pause in between.
_TRIED_SECONDS = SILENCE_SECONDS / 2
_PAUSE_SECONDS = 0.1


class CameraSource(NewestFrameSource):
    """A camera by OpenCV index (0 is the first) or by device name (`/dev/video2`).

    A reading that fails is tried again for half of `SILENCE_SECONDS`.

    Raises:
        VideoError: the camera cannot be opened or gives no picture.
    """

    def __init__(self, device: int | str) -> None:
        self.name = f"camera {device}"
        with failing_as(self.name, "cannot be opened"):
            self._capture = cv2.VideoCapture(device)
            opened, pixels = self._capture.read() if self._capture.isOpened() else (False, None)
        if not opened or pixels is None:
            self._capture.release()
            raise VideoError(
                f"{self.name}: cannot be opened; is it plugged in, allowed for this program, and "
                "free of other programs? (another camera: --webcam 1)"
            )
        self.size = (pixels.shape[1], pixels.shape[0])
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate <= 1000 else 30.0
        self._start()

    def _grab(self) -> av.VideoFrame | None:
        given_up = time.monotonic() + _TRIED_SECONDS
        while True:
            arrived, pixels = self._capture.read()
            if arrived:
                return av.VideoFrame.from_ndarray(np.asarray(pixels, np.uint8), format="bgr24")
            if self._closing or time.monotonic() > given_up:
                return None
            time.sleep(_PAUSE_SECONDS)

    def _release(self) -> None:
        self._capture.release()
