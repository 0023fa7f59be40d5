"""One draw of all values, and the clip that they give."""

from dataclasses import dataclass

import numpy as np

from clips.loading.augmentation.colors import clahe_limit, color_map, colored, equalized
from clips.loading.augmentation.geometry import PositionMap, affine_map, elastic_field
from clips.loading.augmentation.losses import Erased, blurred, dropped_pixels, erased_area
from recipes.schema import Augment

# A narrower filter changes no pixel.
_LEAST_DEVIATION = 0.1


@dataclass(frozen=True)
class ClipDraw:
    """The random values of one clip; they apply to any number of its frames.

    Attributes:
        positions: Flip, rotation, shift, zoom and elastic deformation.
        colors: Map of colors, 3x4.
        clahe: Contrast limit of CLAHE; None for none.
        blur: Deviation of the blur in pixels; 0 for none.
        dropped: Black pixels, bool (H, W); None for none.
        erased: Rectangle of noise; None for none.
        reverses: Whether time runs backwards.
    """

    positions: PositionMap
    colors: np.ndarray
    clahe: float | None
    blur: float
    dropped: np.ndarray | None
    erased: Erased | None
    reverses: bool

    def frames(self, frames: np.ndarray) -> np.ndarray:
        """Return augmented uint8 RGB frames (n, H, W, 3), or the frames if nothing changes."""
        changed = colored(self.positions(frames), self.colors)
        if self.clahe is not None:
            changed = equalized(changed, self.clahe)
        if self.blur > _LEAST_DEVIATION:
            changed = blurred(changed, self.blur)
        if self.dropped is not None:
            changed = np.where(self.dropped[:, :, None], np.uint8(0), changed)
        return self.erased(changed) if self.erased else changed

    def clip(self, clip: np.ndarray) -> np.ndarray:
        """Return an augmented clip, uint8 RGB (T, H, W, 3), with time reversed if drawn."""
        changed = self.frames(clip)
        return changed[::-1] if self.reverses else changed


def draw(width: int, height: int, amounts: Augment, random: np.random.Generator) -> ClipDraw:
    """Return the random values of a clip.

    Keys that are 0 take nothing from the generator, so a new key changes no earlier result.

    Args:
        width, height: Size of the frames in pixels.
        amounts: Ranges of the random values.
        random: Generator of the random values.
    """
    affine = affine_map(width, height, amounts, random)
    colors = color_map(amounts, random)
    erased = erased_area(width, height, amounts.erasing, random)
    field = elastic_field(width, height, amounts.elastic, random) if amounts.elastic else None
    return ClipDraw(
        positions=PositionMap(affine, field),
        colors=colors,
        clahe=clahe_limit(amounts.clahe, random) if amounts.clahe else None,
        blur=random.uniform(0, amounts.blur) * min(width, height) if amounts.blur else 0.0,
        dropped=(
            dropped_pixels(width, height, amounts.pixel_dropout, random)
            if amounts.pixel_dropout
            else None
        ),
        erased=erased,
        reverses=bool(amounts.time_reversal and random.random() < amounts.time_reversal),
    )


def augment_clip(clip: np.ndarray, amounts: Augment, random: np.random.Generator) -> np.ndarray:
    """Return an augmented copy of a clip, or the clip itself if nothing changes.

    Flip, rotation, shift, zoom and elastic deformation are one map of positions, so that pixels are
    interpolated once; areas outside the image repeat its edge. Hue, saturation, contrast and
    brightness are one map of colors, so that values are rounded and clipped once. CLAHE, blur,
    pixel dropout and erasing come last, in this order.

    Args:
        clip: uint8 RGB (T, H, W, 3).
        amounts: Ranges of the random values.
        random: Generator of the random values.
    """
    height, width = clip.shape[1:3]
    return draw(width, height, amounts, random).clip(clip)
