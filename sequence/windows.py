"""Look-back windows: what one prediction sees.

    features  f0 f1 f2 f3 f4 f5      look-back 4
    step 0    f0 f0 f0 f0            the oldest repeated where history is short
    step 2    f0 f0 f1 f2
    step 5          f2 f3 f4 f5      full: four steps of its own

A window never segments two videos and always has L rows: no padding value, no mask.
"""

import numpy as np

from clips.loading.clip_sampling import full_ends


def windows(features: np.ndarray, look_back: int) -> np.ndarray:
    """Return the window of every step, as a view: (N, L, D) of features (N, D).

    >>> windows(np.array([[0.0], [1.0], [2.0]]), 2)[..., 0].tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 2.0]]
    """
    padded = np.concatenate([np.repeat(features[:1], look_back - 1, axis=0), features])
    view = np.lib.stride_tricks.sliding_window_view(padded, look_back, axis=0)
    return view.transpose(0, 2, 1)  # the window's axis comes last


def window_rows(newest: np.ndarray, first: np.ndarray, look_back: int) -> np.ndarray:
    """Return the rows of windows in an array that holds many videos one after another: (n, L).

    Args:
        newest: (n,) row of each window's newest step.
        first: (n,) row of step 0 of its video, repeated where history is short.
        look_back: L.

    >>> window_rows(np.array([1, 9]), np.array([0, 5]), 3).tolist()
    [[0, 0, 1], [7, 8, 9]]
    """
    back = np.arange(1 - look_back, 1)
    return np.maximum(newest[:, None] + back, first[:, None])


def full_steps(first: int, last: int, look_back: int) -> range:
    """Return the steps of the piece `first`..`last`-1 whose windows lie in it whole.

    A piece shorter than a window has one: that of its last step.

    >>> list(full_steps(0, 6, 4)), list(full_steps(0, 3, 4))
    ([3, 4, 5], [2])
    """
    return full_ends(range(first, last), look_back)


class RollingWindow:
    """The window at the newest step of a running video; equal to `windows` step for step."""

    def __init__(self, look_back: int) -> None:
        self._look_back = look_back
        self._rows: np.ndarray | None = None

    def push(self, feature: np.ndarray) -> np.ndarray:
        """Return the window (L, D) that ends with `feature` (D,)."""
        if self._rows is None:
            self._rows = np.repeat(feature[None], self._look_back, axis=0)
        else:
            self._rows = np.concatenate([self._rows[1:], feature[None]])
        return self._rows
