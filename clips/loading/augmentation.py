"""Variation of training clips: one draw a clip, the same for all its frames."""

import math

import cv2
import numpy as np

from recipes.schema import Augment
from video.errors import UsageError
from video.preprocessing import CENTER, Placement, Preprocessing

# Random erasing as Zhong et al. 2017 (arXiv:1708.04896) do it: shares of the picture, height by
# width, and how often a rectangle that does not fit is drawn again.
_ERASED_AREA = (0.02, 0.33)
_ERASED_ASPECT = (0.3, 3.3)
_ERASING_TRIES = 20

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def check_augment(amounts: Augment, preprocessing: Preprocessing) -> None:
    """Raise `UsageError` where the crop is to vary and `preprocessing` cannot have it vary."""
    for key in ("random_crop", "short_side"):
        if getattr(amounts, key) and preprocessing.resize != "crop":
            raise UsageError(
                f"finetune.augment.{key}: there is no crop to vary; set preprocessing.resize to "
                f"crop, or leave {key} out"
            )
    if amounts.short_side:
        low, high = amounts.short_side
        least = max(preprocessing.width, preprocessing.height)
        if not least <= low <= high:
            raise UsageError(
                f"finetune.augment.short_side is [{low}, {high}]; the lower end comes first and is "
                f"at least the side of the network's input, {least}"
            )


def sample_placement(amounts: Augment, random: np.random.Generator) -> Placement:
    """Draw where a clip's crop lies, and how large its picture is."""
    if not (amounts.random_crop or amounts.short_side):
        return CENTER
    across, down = random.random(2) if amounts.random_crop else (0.5, 0.5)
    short_side = None
    if amounts.short_side:
        low, high = amounts.short_side
        short_side = int(random.integers(low, high + 1))
    return Placement(float(across), float(down), short_side)


def augment_clip(clip: np.ndarray, amounts: Augment, random: np.random.Generator) -> np.ndarray:
    """Return `clip`, uint8 RGB (T, H, W, 3), varied; `clip` itself where nothing varies.

    Flip, turn, shift and zoom are one affine map of places, so that pixels are interpolated once;
    what comes in from outside repeats the edge. Hue, saturation, contrast and brightness are one
    affine map of colours, so that they are rounded and clipped once. Then a rectangle is erased.
    """
    height, width = clip.shape[1:3]
    places = _places(width, height, amounts, random)
    colours = _colours(amounts, random)
    varied = clip
    if not np.array_equal(places, np.eye(2, 3)):
        varied = np.empty_like(clip)
        for frame, moved in zip(clip, varied, strict=True):
            cv2.warpAffine(
                frame,
                places,
                (width, height),
                dst=moved,
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
    if not np.array_equal(colours, np.eye(3, 4)):
        rows = varied.reshape(-1, width, 3)  # all frames at once
        varied = cv2.transform(rows, colours).reshape(clip.shape)
    if random.random() < amounts.erasing:
        varied = _erased(varied, random)
    return varied


def _places(width: int, height: int, amounts: Augment, random: np.random.Generator) -> np.ndarray:
    """Return the 2x3 matrix of flip, rotation and zoom about the middle, then a shift."""
    mirror = -1.0 if amounts.flip and random.random() < 0.5 else 1.0
    angle = math.radians(random.uniform(-amounts.rotation_degrees, amounts.rotation_degrees))
    scale = 1 + random.uniform(-amounts.zoom, amounts.zoom)
    shift = random.uniform(-amounts.shift, amounts.shift, 2) * (width, height)
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    turn = np.array([[cos * mirror, -sin], [sin * mirror, cos]])
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    return np.column_stack([turn, middle + shift - turn @ middle])


def _colours(amounts: Augment, random: np.random.Generator) -> np.ndarray:
    """Return the 3x4 matrix of hue, saturation, contrast and brightness for RGB of 0..255."""
    contrast = 1 + random.uniform(-amounts.contrast, amounts.contrast)
    brightness = 255 * random.uniform(-amounts.brightness, amounts.brightness)
    saturation = 1 + random.uniform(-amounts.saturation, amounts.saturation)
    angle = 2 * math.pi * random.uniform(-amounts.hue, amounts.hue)
    # The colour circle lies around the axis of the greys, where R = G = B: Rodrigues' rotation.
    cos, sin = math.cos(angle), math.sin(angle)
    across = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    hue = cos * np.eye(3) + sin * across + (1 - cos) / 3
    colourful = saturation * np.eye(3) + (1 - saturation) * np.array(_LUMA)
    # Contrast turns about the middle grey.
    offset = np.full(3, 127.5 * (1 - contrast) + brightness)
    return np.column_stack([contrast * colourful @ hue, offset])


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
