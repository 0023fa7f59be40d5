"""Augmentation of training clips: random values per clip, the same for all its frames."""

import math

import cv2
import numpy as np

from recipes.schema import Augment
from video.errors import UsageError
from video.preprocessing import CENTER, Placement, Preprocessing

# Random erasing (Zhong et al. 2017, arXiv:1708.04896): share of the image area, height divided by
# width, and the number of tries to find a rectangle that fits.
_ERASED_AREA = (0.02, 0.33)
_ERASED_ASPECT = (0.3, 3.3)
_ERASING_TRIES = 20

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def check_augment(amounts: Augment, preprocessing: Preprocessing) -> None:
    """Check that the settings of the crop fit the preprocessing.

    Raises:
        UsageError: There is no crop to vary, or the range of `short_side` is not valid.
    """
    for key in ("random_crop", "short_side"):
        if getattr(amounts, key) and preprocessing.resize != "crop":
            raise UsageError(
                f"finetune.augment.{key}: needs a crop; set preprocessing.resize to crop, or "
                f"remove {key}"
            )
    if amounts.short_side:
        low, high = amounts.short_side
        minimum = max(preprocessing.width, preprocessing.height)
        if not minimum <= low <= high:
            raise UsageError(
                f"finetune.augment.short_side is [{low}, {high}]; write the minimum first, which "
                f"must be {minimum} or more, the size of the network's input"
            )


def sample_placement(amounts: Augment, random: np.random.Generator) -> Placement:
    """Return a random position of a clip's crop and a random scale of its frames."""
    if not (amounts.random_crop or amounts.short_side):
        return CENTER
    across, down = random.random(2) if amounts.random_crop else (0.5, 0.5)
    short_side = None
    if amounts.short_side:
        low, high = amounts.short_side
        short_side = int(random.integers(low, high + 1))
    return Placement(float(across), float(down), short_side)


def augment_clip(clip: np.ndarray, amounts: Augment, random: np.random.Generator) -> np.ndarray:
    """Return an augmented copy of a clip, or the clip itself if nothing changes.

    Flip, rotation, shift and zoom are one affine map of positions, so that pixels are interpolated
    once; areas outside the image repeat its edge. Hue, saturation, contrast and brightness are one
    affine map of colors, so that values are rounded and clipped once. Erasing comes last.

    Args:
        clip: uint8 RGB (T, H, W, 3).
        amounts: Ranges of the random values.
        random: Generator of the random values.
    """
    height, width = clip.shape[1:3]
    affine = _affine(width, height, amounts, random)
    colors = _color_map(amounts, random)
    augmented = clip
    if not np.array_equal(affine, np.eye(2, 3)):
        augmented = np.empty_like(clip)
        for frame, moved in zip(clip, augmented, strict=True):
            cv2.warpAffine(
                frame,
                affine,
                (width, height),
                dst=moved,
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
    if not np.array_equal(colors, np.eye(3, 4)):
        rows = augmented.reshape(-1, width, 3)  # all frames at once
        augmented = cv2.transform(rows, colors).reshape(clip.shape)
    if random.random() < amounts.erasing:
        augmented = _erased(augmented, random)
    return augmented


def _affine(width: int, height: int, amounts: Augment, random: np.random.Generator) -> np.ndarray:
    """Return the 2x3 matrix of flip, rotation and zoom around the center, then a shift."""
    mirror = -1.0 if amounts.flip and random.random() < 0.5 else 1.0
    angle = math.radians(random.uniform(-amounts.rotation_degrees, amounts.rotation_degrees))
    scale = 1 + random.uniform(-amounts.zoom, amounts.zoom)
    shift = random.uniform(-amounts.shift, amounts.shift, 2) * (width, height)
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    linear = np.array([[cos * mirror, -sin], [sin * mirror, cos]])
    center = np.array([(width - 1) / 2, (height - 1) / 2])
    return np.column_stack([linear, center + shift - linear @ center])


def _color_map(amounts: Augment, random: np.random.Generator) -> np.ndarray:
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


def _erased(clip: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return a copy with one rectangle of noise, the same in all frames."""
    height, width = clip.shape[1:3]
    for _ in range(_ERASING_TRIES):
        area = random.uniform(*_ERASED_AREA) * height * width
        aspect = random.uniform(*_ERASED_ASPECT)
        tall, wide = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < tall <= height and 0 < wide <= width:
            break
    else:
        return clip
    top, left = random.integers(height - tall + 1), random.integers(width - wide + 1)
    erased = clip.copy()
    noise = random.integers(0, 256, (tall, wide, 3), np.uint8)
    erased[:, top : top + tall, left : left + wide] = noise
    return erased
