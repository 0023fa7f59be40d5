"""Detail and areas that a clip loses: blur, pixel dropout and erasing."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

# Random erasing (Zhong et al. 2017, arXiv:1708.04896): share of the image area, height divided by
# width, and the number of tries to find a rectangle that fits.
_ERASED_AREA = (0.02, 0.33)
_ERASED_ASPECT = (0.3, 3.3)
_ERASING_TRIES = 20


@dataclass(frozen=True)
class Erased:
    """A rectangle of noise.

    Attributes:
        top, left: Position of its corner in pixels.
        noise: Pixels, uint8 (h, w, 3).
    """

    top: int
    left: int
    noise: np.ndarray

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Return a copy of uint8 frames (n, H, W, 3) with the rectangle in all of them."""
        tall, wide = self.noise.shape[:2]
        erased = frames.copy()
        erased[:, self.top : self.top + tall, self.left : self.left + wide] = self.noise
        return erased


def erased_area(
    width: int, height: int, amount: float, random: np.random.Generator
) -> Erased | None:
    """Return a random rectangle, or None for a clip without one, or if none fits.

    Args:
        width, height: Size of the frames.
        amount: Probability.
        random: Generator of the random values.
    """
    if random.random() >= amount:
        return None
    for _ in range(_ERASING_TRIES):
        area = random.uniform(*_ERASED_AREA) * height * width
        aspect = random.uniform(*_ERASED_ASPECT)
        tall, wide = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < tall <= height and 0 < wide <= width:
            break
    else:
        return None
    top, left = random.integers(height - tall + 1), random.integers(width - wide + 1)
    return Erased(int(top), int(left), random.integers(0, 256, (tall, wide, 3), np.uint8))


def dropped_pixels(
    width: int, height: int, amount: float, random: np.random.Generator
) -> np.ndarray:
    """Return the pixels that are black in all frames, bool (H, W).

    Args:
        width, height: Size of the frames.
        amount: Maximum share of the pixels.
        random: Generator of the random values.
    """
    share = random.uniform(0, amount)
    dropped: np.ndarray = random.random((height, width)) < share
    return dropped


def blurred(frames: np.ndarray, deviation: float) -> np.ndarray:
    """Return uint8 frames (n, H, W, 3) through a Gaussian filter; its deviation is in pixels."""
    result = np.empty_like(frames)
    for frame, target in zip(frames, result, strict=True):
        cv2.GaussianBlur(frame, (0, 0), deviation, dst=target, borderType=cv2.BORDER_REPLICATE)
    return result
