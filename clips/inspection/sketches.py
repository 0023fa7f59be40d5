"""Sketches of clips: small gray pictures of sampled frames and their perceptual hashes.

The hash is a pHash: the signs of the low frequencies of the cosine transform of a 32x32 gray
picture, against their median. It hardly changes when a clip is encoded again or resized.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from clips.inspection.backgrounds import SIDE as BACKGROUND_SIDE
from clips.inspection.backgrounds import BackgroundMeter
from video.frame import Frame

SIDE = 32  # of a small picture, in pixels
_LOW = 8  # frequencies of the hash in each direction
_SAMPLES_PER_SECOND = 8.0
# Above this number every second sample is dropped, so the rates are 8, 4, 2 ... a second.
_MAX_SAMPLES = 256
# A picture with a smaller deviation, in gray levels, has a hash of noise: black frames, fades.
_MIN_DEVIATION = 3.0
_TOLERANCE_SECONDS = 1e-3
_GRAY = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Sketch:
    """Small pictures of a clip at regular times.

    Attributes:
        rate: Samples per second; 8 divided by a power of two.
        pictures: uint8 gray (n, 32, 32).
        hashes: Hashes of the pictures, uint64 (n,).
        textured: Whether a picture has enough contrast for a hash, bool (n,).
        background: What stays in place, uint8 RGB (64, 64, 3).
    """

    rate: float
    pictures: np.ndarray
    hashes: np.ndarray
    textured: np.ndarray
    background: np.ndarray

    @property
    def brightness(self) -> float:
        """Mean gray level, 0 to 255."""
        return float(self.pictures.mean())


def phash(picture: np.ndarray) -> int:
    """Return the hash of a gray picture, 63 bits.

    Args:
        picture: uint8 or float32 gray (32, 32).
    """
    low = cv2.dct(picture.astype(np.float32))[:_LOW, :_LOW].ravel()[1:]  # without the mean
    bits = low > np.median(low)
    return int(np.packbits(bits, bitorder="little").view("<u8")[0])


class Sketcher:
    """Builds the sketch of a clip from its frames, while something else decodes them."""

    def __init__(self) -> None:
        self._rate = _SAMPLES_PER_SECOND
        self._pictures: list[np.ndarray] = []
        self._ticks = 0  # of the current rate that have passed
        self._background = BackgroundMeter()

    def __call__(self, frame: Frame) -> None:
        """Take a frame if it is the first one at or after the next sample's time.

        Raises:
            VideoError: Its pixels cannot be converted.
        """
        if frame.seconds < self._ticks / self._rate - _TOLERANCE_SECONDS:
            return
        # A variable frame rate can skip samples; the newest picture stands for them, so that the
        # place of a picture remains its time. After a gap of minutes there is no such picture.
        behind = int((frame.seconds + _TOLERANCE_SECONDS) * self._rate) - self._ticks
        if self._pictures and 0 < behind <= _MAX_SAMPLES:
            self._pictures += [self._pictures[-1]] * behind
        self._ticks += max(behind, 0) + 1
        rgb = frame.resized(SIDE, SIDE)
        self._pictures.append(np.rint(rgb @ _GRAY).astype(np.uint8))
        if self._background.wants():
            self._background.add(frame.resized(BACKGROUND_SIDE, BACKGROUND_SIDE))
        while len(self._pictures) > _MAX_SAMPLES:
            self._pictures = self._pictures[::2]
            self._rate /= 2
            self._ticks = -(-self._ticks // 2)

    def sketch(self) -> Sketch:
        """Return the sketch of the frames so far; at least one is needed."""
        pictures = np.stack(self._pictures)
        hashes = np.array([phash(picture) for picture in pictures], np.uint64)
        textured = pictures.reshape(len(pictures), -1).std(1) >= _MIN_DEVIATION
        return Sketch(self._rate, pictures, hashes, textured, self._background.background())
