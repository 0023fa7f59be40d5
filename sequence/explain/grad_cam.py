"""Grad-CAM: maps of the places that raise a score, from the last feature maps of a backbone.

Paper: Selvaraju et al. 2017, Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization. A map is relu(sum over k of a_k A_k), where A_k are feature maps and a_k the gradient
of the score with respect to A_k.
Departures: a_k is the sum of the gradient over the places instead of its mean. For one set of maps
that is a constant factor. The two pathways of SlowFast have different numbers of places, and with
sums a map has the same unit in both, score per place, so that they can be added.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from extract.architectures.spatial_maps import core_of, map_tensors, split_at
from training.gradients import gradients
from training.keras_backend import keras


class GradCam:
    """Maps of clips for one network.

    Attributes:
        pathways: Number of sets of feature maps that the maps are added from.
    """

    method = "Grad-CAM"

    def __init__(self, network: keras.Model) -> None:
        """Cut the network at its last feature maps.

        Args:
            network: Network from uint8 clips (B, T, H, W, 3) to features (B, D).
        """
        tensors = map_tensors(core_of(network))
        self.pathways = len(tensors)
        self._split = split_at(network, tensors)

    def __call__(self, clip: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """Return how much each place of a clip raises the score: float32 (T, h, w), 0 or more.

        Args:
            clip: Input of the network: uint8 RGB (T, H, W, 3).
            slope: Gradient of the score with respect to the clip's feature: (D,).
        """
        maps = self._split.computed_maps(clip)
        weights = slope.astype(np.float32)

        def score(*tensors):
            return keras.ops.sum(self._split.features(list(tensors)) * weights), []

        slopes = gradients(score, maps)[1]
        sums = [
            (each * change.sum(tuple(range(1, change.ndim - 1)), keepdims=True)).sum(-1)[0]
            for each, change in zip(maps, slopes, strict=True)
        ]
        return np.maximum(added([_with_time(each) for each in sums], len(clip)), 0.0)


def added(maps: Sequence[np.ndarray], frames: int) -> np.ndarray:
    """Return the sum of maps (T', h, w), each spread over all frames: float32 (frames, h, w).

    Maps of other sizes than the first are scaled to its h and w.
    """
    height, width = maps[0].shape[1:]
    total = np.zeros((frames, height, width), np.float32)
    for each in maps:
        for place, picture in enumerate(spread(each, frames)):
            total[place] += cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
    return total


def spread(maps: np.ndarray, frames: int) -> np.ndarray:
    """Return maps of T' instants at every frame, interpolated: float32 (frames, h, w).

    The instants divide the clip into T' equal parts and lie in the middle of theirs.

    >>> spread(np.array([0.0, 1.0])[:, None, None], 4).ravel().tolist()
    [0.0, 0.25, 0.75, 1.0]
    """
    count = len(maps)
    places = np.clip((np.arange(frames) + 0.5) * count / frames - 0.5, 0, count - 1)
    before = places.astype(int)
    after = np.minimum(before + 1, count - 1)
    share = (places - before)[:, None, None]
    mixed: np.ndarray = (maps[before] * (1 - share) + maps[after] * share).astype(np.float32)
    return mixed


def _with_time(picture: np.ndarray) -> np.ndarray:
    """Return a map (h, w) or (T', h, w) with an axis of time."""
    return picture if picture.ndim == 3 else picture[None]
