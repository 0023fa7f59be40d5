"""Look-back windows: the input of one prediction.

    features  f0 f1 f2 f3 f4 f5      look-back L = 4
    step 0    f0 f0 f0 f0            fewer than L steps so far: the oldest is repeated
    step 2    f0 f0 f1 f2
    step 5          f2 f3 f4 f5      full: four different steps

A window lies within one video and always has L rows. There is no padding value and no mask.
"""

from dataclasses import dataclass, replace

import numpy as np

from clips.loading.clip_sampling import full_ends
from extract.feature_store.reader import FeatureStore


def windows(features: np.ndarray, look_back: int) -> np.ndarray:
    """Return the windows of all steps as a view (N, L, D) of one padded copy.

    Args:
        features: Features of a video: (N, D).
        look_back: Number of steps in a window, L.

    >>> windows(np.array([[0.0], [1.0], [2.0]]), 2)[..., 0].tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 2.0]]
    """
    padded = np.concatenate([np.repeat(features[:1], look_back - 1, axis=0), features])
    view = np.lib.stride_tricks.sliding_window_view(padded, look_back, axis=0)
    return view.transpose(0, 2, 1)  # sliding_window_view puts the window axis last


def window_rows(newest: np.ndarray, first: np.ndarray, look_back: int) -> np.ndarray:
    """Return row indices (n, L) of windows in an array that holds one video after another.

    Args:
        newest: Row of each window's newest step: (n,).
        first: Row of step 0 of each window's video, repeated if there are fewer than L steps so
            far: (n,).
        look_back: Number of steps in a window, L.

    >>> window_rows(np.array([1, 9]), np.array([0, 5]), 3).tolist()
    [[0, 0, 1], [7, 8, 9]]
    """
    back = np.arange(1 - look_back, 1)
    return np.maximum(newest[:, None] + back, first[:, None])


def full_steps(first: int, last: int, look_back: int) -> range:
    """Return the steps of the segment `first`..`last`-1 whose window lies inside the segment.

    A segment shorter than a window gives its last step.

    Args:
        first: First step of the segment.
        last: Step after its last one.
        look_back: Number of steps in a window, L.

    >>> list(full_steps(0, 6, 4)), list(full_steps(0, 3, 4))
    ([3, 4, 5], [2])
    """
    return full_ends(range(first, last), look_back)


class RollingWindow:
    """Window of the newest step of a video stream; step for step equal to `windows`."""

    def __init__(self, look_back: int) -> None:
        """Start without steps.

        Args:
            look_back: Number of steps in a window, L.
        """
        self._look_back = look_back
        self._rows: np.ndarray | None = None

    def push(self, feature: np.ndarray) -> np.ndarray:
        """Return the window (L, D) that ends with `feature` (D,)."""
        if self._rows is None:
            self._rows = np.repeat(feature[None], self._look_back, axis=0)
        else:
            self._rows = np.concatenate([self._rows[1:], feature[None]])
        return self._rows


@dataclass(frozen=True)
class Windows:
    """Windows stored as rows of a feature store: `windows[4:9]` reads five of them.

    Attributes:
        store: Feature store of the videos.
        newest: Row of each window's newest step: (n,).
        first: Row of step 0 of each window's video: (n,).
        segment: Index of the segment that each window belongs to: (n,).
        look_back: Number of steps in a window, L.
    """

    store: FeatureStore
    newest: np.ndarray
    first: np.ndarray
    segment: np.ndarray
    look_back: int

    def __len__(self) -> int:
        return len(self.newest)

    def __getitem__(self, indices: slice) -> np.ndarray:
        """Return windows: float32 (B, L, D)."""
        rows = window_rows(self.newest[indices], self.first[indices], self.look_back)
        return self.store.take(rows)

    def reorder(self, order: np.ndarray) -> "Windows":
        """Return the same windows in the order of the indices `order` (n,)."""
        newest, first, segment = (each[order] for each in (self.newest, self.first, self.segment))
        return replace(self, newest=newest, first=first, segment=segment)
