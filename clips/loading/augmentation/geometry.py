"""Flip, rotation, zoom, shift and elastic deformation, as one map of positions."""

import math

import cv2
import numpy as np

from recipes.schema import Augment

# Random displacements per side, between which the elastic field is smooth.
_ELASTIC_POINTS = 5


def affine_map(
    width: int, height: int, amounts: Augment, random: np.random.Generator
) -> np.ndarray:
    """Return the 2x3 matrix of flip, rotation and zoom around the center, then a shift."""
    mirror = -1.0 if amounts.flip and random.random() < 0.5 else 1.0
    angle = math.radians(random.uniform(-amounts.rotation_degrees, amounts.rotation_degrees))
    scale = 1 + random.uniform(-amounts.zoom, amounts.zoom)
    shift = random.uniform(-amounts.shift, amounts.shift, 2) * (width, height)
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    linear = np.array([[cos * mirror, -sin], [sin * mirror, cos]])
    center = np.array([(width - 1) / 2, (height - 1) / 2])
    return np.column_stack([linear, center + shift - linear @ center])


def elastic_field(
    width: int, height: int, amount: float, random: np.random.Generator
) -> np.ndarray:
    """Return smooth random displacements in pixels, float32 (H, W, 2), x before y.

    The method is that of Simard et al. (2003, "Best Practices for Convolutional Neural Networks"),
    with the field interpolated between few random points instead of a blurred one.

    Args:
        width, height: Size of the frames.
        amount: Maximum displacement, as a fraction of the short side.
        random: Generator of the random values.
    """
    reach = random.uniform(0, amount) * min(width, height)
    points = random.uniform(-reach, reach, (_ELASTIC_POINTS, _ELASTIC_POINTS, 2))
    field: np.ndarray = cv2.resize(
        points.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR
    )
    return field


class PositionMap:
    """A map of positions, the same for all frames. Areas outside the image repeat its edge."""

    def __init__(self, affine: np.ndarray, field: np.ndarray | None) -> None:
        """Prepare a map.

        Args:
            affine: 2x3 matrix from positions in the frame to positions in the result.
            field: Displacements of `elastic_field`; None for none.
        """
        self._affine = affine
        self._is_identity = field is None and np.array_equal(affine, np.eye(2, 3))
        self._sources: tuple[np.ndarray, np.ndarray] | None = None
        if field is not None:
            height, width = field.shape[:2]
            grid = np.dstack(np.meshgrid(np.arange(width), np.arange(height)))
            back = cv2.invertAffineTransform(affine)
            x, y = np.moveaxis((grid + field) @ back[:, :2].T + back[:, 2], 2, 0)
            self._sources = x.astype(np.float32), y.astype(np.float32)

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Return moved uint8 frames (n, H, W, 3); each pixel is interpolated once."""
        if self._is_identity:
            return frames
        moved = np.empty_like(frames)
        for frame, target in zip(frames, moved, strict=True):
            self._move(frame, target)
        return moved

    def _move(self, frame: np.ndarray, target: np.ndarray) -> None:
        edge, linear = cv2.BORDER_REPLICATE, cv2.INTER_LINEAR
        if self._sources is not None:
            cv2.remap(frame, *self._sources, linear, dst=target, borderMode=edge)
            return
        size = (frame.shape[1], frame.shape[0])
        cv2.warpAffine(frame, self._affine, size, dst=target, flags=linear, borderMode=edge)
