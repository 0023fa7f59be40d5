"""A webcam or capture device, through OpenCV."""

import time

import av
import cv2
import numpy as np

from video.errors import VideoError
from video.libav import failing_as
from video.sources.device import Device
from video.sources.newest import SILENCE_SECONDS, NewestFrameSource

# A USB camera sometimes fails to read and then recovers. An unplugged one fails immediately and
# permanently, so retries need a limit and a pause.
_RETRY_SECONDS = SILENCE_SECONDS / 2
_PAUSE_SECONDS = 0.1


class Webcam(Device):
    """A camera by OpenCV index (0 is the first) or by device name (`/dev/video2`).

    A failed read is retried for half of `SILENCE_SECONDS`.
    """

    def __init__(self, device: int | str) -> None:
        self.name = f"camera {device}"
        self._device = device
        self._capture: cv2.VideoCapture | None = None

    def open(self) -> None:
        """See `Device.open`."""
        with failing_as(self.name, "cannot be opened"):
            self._capture = cv2.VideoCapture(self._device)
            opened, pixels = self._capture.read() if self._capture.isOpened() else (False, None)
        if not opened or pixels is None:
            self._capture.release()
            raise VideoError(
                f"{self.name}: cannot be opened; check that it is plugged in, that this program "
                "may use it, and that no other program does (for another camera: --webcam 1)"
            )
        self.size = (pixels.shape[1], pixels.shape[0])
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate <= 1000 else 30.0

    def read(self) -> av.VideoFrame | None:
        """See `Device.read`."""
        assert self._capture is not None
        deadline = time.monotonic() + _RETRY_SECONDS
        while True:
            arrived, pixels = self._capture.read()
            if arrived:
                return av.VideoFrame.from_ndarray(np.asarray(pixels, np.uint8), format="bgr24")
            if time.monotonic() > deadline:
                return None
            time.sleep(_PAUSE_SECONDS)

    def close(self) -> None:
        """See `Device.close`."""
        if self._capture is not None:
            self._capture.release()


class CameraSource(NewestFrameSource):
    """A webcam, until it is disconnected.

    Raises:
        VideoError: The camera cannot be opened or gives no image.
    """

    def __init__(self, device: int | str) -> None:
        super().__init__(Webcam(device))
