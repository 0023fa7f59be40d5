"""A webcam or capture device, through OpenCV."""

import av
import cv2

from video.errors import VideoError
from video.sources.newest import NewestFrameSource


class CameraSource(NewestFrameSource):
    """A camera by OpenCV index (0 is the first) or by device name (`/dev/video2`).

    Raises:
        VideoError: the camera cannot be opened or gives no picture.
    """

    def __init__(self, device: int | str) -> None:
        self.name = f"camera {device}"
        self._capture = cv2.VideoCapture(device)
        opened, pixels = self._capture.read() if self._capture.isOpened() else (False, None)
        if not opened:
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
        arrived, pixels = self._capture.read()
        return av.VideoFrame.from_ndarray(pixels, format="bgr24") if arrived else None

    def _release(self) -> None:
        self._capture.release()
