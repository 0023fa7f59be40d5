"""Backgrounds of clips: what stays in place, and how much two of them agree.

The background is the median of frames over the whole clip, in which moving things fade. Two of them
are compared in an 8x8 grid, by the correlation of their fine structure in color: cameras differ in
it even where they look alike from afar, and one thing that both show, such as a person in the
middle, fills few cells. A camera that moves blurs its median, so its clips are seldom found.
"""

from collections.abc import Sequence
from typing import Generic, TypeVar

import cv2
import numpy as np

SIDE = 64  # of a background, in pixels
_CELLS = 8  # in each direction
_PIXELS = SIDE // _CELLS
_SCALE = 2.0  # standard deviation of the blur that is subtracted, in pixels
_MAX_FRAMES = 16  # from 9 on the median hardly changes
_NOISE = 1.0  # mean square of fine structure that is noise
_MIN_STRUCTURE = 4.0  # mean square from which a cell counts
_MIN_CELLS = 8  # that count, of 64
_BLOCK = 256  # clips that are compared with all others at once

Item = TypeVar("Item")


class BackgroundMeter(Generic[Item]):
    """Collects frames of a clip and returns its background.

    Attributes:
        frames: The frames, or what stands for them.
    """

    def __init__(self) -> None:
        self.frames: list[Item] = []
        self._every, self._count = 1, 0

    def wants(self) -> bool:
        """Return whether `add` keeps the next frame. Counts the frame."""
        self._count += 1
        return (self._count - 1) % self._every == 0

    def add(self, frame: Item) -> None:
        """Add a frame that `wants` has asked for: uint8 RGB (64, 64, 3), or what stands for it."""
        self.frames.append(frame)
        if len(self.frames) > _MAX_FRAMES:
            self.frames, self._every = self.frames[::2], 2 * self._every

    def background(self: "BackgroundMeter[np.ndarray]") -> np.ndarray:
        """Return the background of the frames so far, at least one: uint8 RGB (64, 64, 3)."""
        median: np.ndarray = np.median(np.stack(self.frames), axis=0)
        return median.astype(np.uint8)


def agreements(backgrounds: Sequence[np.ndarray], least: float) -> dict[tuple[int, int], float]:
    """Return how much each pair of backgrounds agrees, where it is `least` or more.

    The time grows with the square of their number.

    Args:
        backgrounds: Backgrounds, uint8 RGB (64, 64, 3) each.
        least: Smallest agreement to return; 1 means the same, 0 nothing in common.

    Returns:
        The agreement by the indices of a pair, the smaller one first.
    """
    found: dict[tuple[int, int], float] = {}
    if not backgrounds:
        return found
    cells = _fine_structure(backgrounds)
    energies = (cells**2).mean(2)
    for start in range(0, len(backgrounds), _BLOCK):
        stop = min(start + _BLOCK, len(backgrounds))
        total = np.zeros((stop - start, len(backgrounds) - start), np.float32)
        count = np.zeros_like(total)
        for cell, energy in zip(cells, energies, strict=True):
            one, others = energy[start:stop, None], energy[None, start:]
            # A cell with structure in one of the two only disagrees; one without any says nothing.
            counts = np.maximum(one, others) > _MIN_STRUCTURE
            products = cell[start:stop] @ cell[start:].T / cell.shape[1]
            total += counts * products / (np.sqrt(one * others) + _NOISE)
            count += counts
        agreement = np.where(count >= _MIN_CELLS, total / np.maximum(count, 1), 0.0)
        for row, column in np.argwhere(agreement >= least).tolist():
            if column > row:
                found[start + row, start + column] = float(agreement[row, column])
    return found


def _fine_structure(backgrounds: Sequence[np.ndarray]) -> np.ndarray:
    """Return each cell of each background without what is coarser: float32 (64, n, 192)."""
    fine = []
    for background in backgrounds:
        pixels = background.astype(np.float32)
        fine.append(pixels - cv2.GaussianBlur(pixels, (0, 0), _SCALE))
    grid = np.stack(fine).reshape(-1, _CELLS, _PIXELS, _CELLS, _PIXELS, 3)
    return grid.transpose(1, 3, 0, 2, 4, 5).reshape(_CELLS**2, len(backgrounds), -1)
