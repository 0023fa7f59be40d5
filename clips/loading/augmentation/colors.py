"""Brightness, contrast, saturation and hue, as one map of colors; contrast by regions (CLAHE)."""

import math

import cv2
import numpy as np

from recipes.schema import Augment

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601

# CLAHE (Zuiderveld 1994): limits of the histogram's slope, regions per side, and their least side
# in pixels: the histogram of a smaller one says nothing.
_CLAHE_LIMITS = (1.0, 4.0)
_CLAHE_REGIONS = 8
_CLAHE_SIDE = 16


def color_map(amounts: Augment, random: np.random.Generator) -> np.ndarray:
    """Return the 3x4 matrix of hue, saturation, contrast and brightness for RGB of 0..255."""
    contrast = 1 + random.uniform(-amounts.contrast, amounts.contrast)
    brightness = 255 * random.uniform(-amounts.brightness, amounts.brightness)
    saturation = 1 + random.uniform(-amounts.saturation, amounts.saturation)
    angle = 2 * math.pi * random.uniform(-amounts.hue, amounts.hue)
    # Hue is a rotation around the gray axis, R = G = B, by Rodrigues' formula.
    cos, sin = math.cos(angle), math.sin(angle)
    across = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    hue = cos * np.eye(3) + sin * across + (1 - cos) / 3
    saturated = saturation * np.eye(3) + (1 - saturation) * np.array(_LUMA)
    # Contrast scales around mid-gray.
    offset = np.full(3, 127.5 * (1 - contrast) + brightness)
    return np.column_stack([contrast * saturated @ hue, offset])


def colored(frames: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Return uint8 frames (n, H, W, 3) through a map of `color_map`, rounded and clipped once."""
    if np.array_equal(colors, np.eye(3, 4)):
        return frames
    rows = frames.reshape(-1, frames.shape[2], 3)  # all frames at once
    result: np.ndarray = cv2.transform(rows, colors).reshape(frames.shape)
    return result


def clahe_limit(amount: float, random: np.random.Generator) -> float | None:
    """Return a random contrast limit, or None for a clip without CLAHE.

    Args:
        amount: Probability.
        random: Generator of the random values.
    """
    return random.uniform(*_CLAHE_LIMITS) if random.random() < amount else None


def equalized(frames: np.ndarray, limit: float) -> np.ndarray:
    """Return uint8 frames (n, H, W, 3) whose lightness is equalized by regions."""
    count = min(max(min(frames.shape[1:3]) // _CLAHE_SIDE, 1), _CLAHE_REGIONS)
    regions = cv2.createCLAHE(limit, (count, count))
    result = np.empty_like(frames)
    for frame, target in zip(frames, result, strict=True):
        lab = cv2.cvtColor(frame, cv2.COLOR_RGB2LAB)
        lab[..., 0] = regions.apply(np.ascontiguousarray(lab[..., 0]))
        cv2.cvtColor(lab, cv2.COLOR_LAB2RGB, dst=target)
    return result
