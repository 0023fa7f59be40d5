"""Motion energy of a step, without a network: how much the pixels changed in a 4x4 grid.

It is the input of the baseline `motion`, which shows what a network adds.
"""

import cv2
import numpy as np

GRID = 4
CELLS = GRID * GRID


def motion_energy(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the mean absolute difference of two frames in each cell of the grid.

    Args:
        before: Earlier frame: uint8 RGB (H, W, 3).
        after: Later frame of the same shape.

    Returns:
        The cells in row-major order: float32 (16,), in 0..255.

    >>> after = np.zeros((8, 8, 3), np.uint8)
    >>> after[:2, 2:4] = 200
    >>> motion_energy(np.zeros_like(after), after)[:3].tolist()
    [0.0, 200.0, 0.0]
    """
    rows, columns = (_cells(side) for side in after.shape[:2])
    cells = [(row, column) for row in rows for column in columns]
    # The norm of two views needs no array of differences.
    sums = [cv2.norm(before[cell], after[cell], cv2.NORM_L1) for cell in cells]
    return np.array(sums, np.float32) / [np.float32(after[cell].size) for cell in cells]


def _cells(side: int) -> list[slice]:
    """Return the cells of a side. On a side of fewer than four pixels, cells share pixels."""
    starts = [cell * side // GRID for cell in range(GRID)]
    ends = [(cell + 1) * side // GRID for cell in range(GRID)]
    return [slice(start, max(end, start + 1)) for start, end in zip(starts, ends, strict=True)]


class MotionMeter:
    """Motion energy of the steps of one video, which are pushed in order."""

    def __init__(self) -> None:
        self._before: np.ndarray | None = None

    def push(self, newest: np.ndarray, repeats: bool) -> np.ndarray:
        """Return the motion since the previous step, 0 at the first one: float32 (16,).

        Args:
            newest: Newest frame of the step: uint8 RGB (H, W, 3).
            repeats: Whether the step shows the frames of the previous step.
        """
        before, self._before = self._before, newest
        if before is None or repeats:
            return np.zeros(CELLS, np.float32)
        return motion_energy(before, newest)
