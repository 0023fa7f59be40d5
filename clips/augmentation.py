"""Variation of training clips: one draw a clip, the same for all its frames."""

import math

import cv2
import numpy as np

from recipes.schema import Augment


def augmented(clip: np.ndarray, amounts: Augment, random: np.random.Generator) -> np.ndarray:
    """Return a varied copy of `clip`, uint8 RGB (T, H, W, 3).

    Flip, turn, shift and zoom are one affine map, so that pixels are interpolated once; what comes
    in from outside repeats the edge. Then contrast and brightness.
    """
    height, width = clip.shape[1:3]
    matrix = _affine(width, height, amounts, random)
    contrast = 1 + random.uniform(-amounts.contrast, amounts.contrast)
    brightness = 255 * random.uniform(-amounts.brightness, amounts.brightness)
    # Contrast turns about the middle grey.
    table = (np.arange(256) - 127.5) * contrast + 127.5 + brightness
    table = np.clip(np.rint(table), 0, 255).astype(np.uint8)
    return np.stack(
        [
            cv2.LUT(
                cv2.warpAffine(
                    frame,
                    matrix,
                    (width, height),
                    flags=cv2.INTER_LINEAR,
                    borderMode=cv2.BORDER_REPLICATE,
                ),
                table,
            )
            for frame in clip
        ]
    )


def _affine(width: int, height: int, amounts: Augment, random: np.random.Generator) -> np.ndarray:
    """Return the 2x3 matrix of flip, rotation and zoom about the middle, then a shift."""
    mirror = -1.0 if amounts.flip and random.random() < 0.5 else 1.0
    angle = math.radians(random.uniform(-amounts.rotation_degrees, amounts.rotation_degrees))
    scale = 1 + random.uniform(-amounts.zoom, amounts.zoom)
    shift = random.uniform(-amounts.shift, amounts.shift, 2) * (width, height)
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    turn = np.array([[cos * mirror, -sin], [sin * mirror, cos]])
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    return np.column_stack([turn, middle + shift - turn @ middle])
