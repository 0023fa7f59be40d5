"""Mixup and CutMix: batches of clips that are mixed in pairs, with soft labels.

Zhang et al. 2017 (arXiv:1710.09412) and Yun et al. 2019 (arXiv:1905.04899), by the layers of Keras.
All frames of a clip mix with the same frames of one other clip, by the same weight or rectangle.
"""

import numpy as np

from recipes.schema import Augment
from training.keras_backend import keras


def mixes(amounts: Augment) -> bool:
    """Return whether batches are mixed."""
    return bool(amounts.mixup or amounts.cutmix)


class BatchMixer:
    """Mixes the batches of an epoch. With both methods, chance takes one of them for each batch."""

    def __init__(self, amounts: Augment, num_classes: int, seed: tuple[int, ...]) -> None:
        """Seed the layers.

        Args:
            amounts: Parameters of the Beta distributions, `mixup` and `cutmix`; not both are 0.
            num_classes: Number of classes, K.
            seed: Seed of the epoch.
        """
        self._classes, self._random = num_classes, np.random.default_rng([*seed, 1])
        first, second = self._random.integers(2**31 - 1, size=2).tolist()
        options = {"data_format": "channels_last", "dtype": "float32"}
        self._layers = []
        if amounts.mixup:
            self._layers.append(keras.layers.MixUp(amounts.mixup, seed=first, **options))
        if amounts.cutmix:
            # Keras draws the parameter of the distribution between two values.
            factor = (amounts.cutmix, amounts.cutmix)
            self._layers.append(keras.layers.CutMix(factor, seed=second, **options))

    def __call__(self, clips: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mixed clips, uint8 (B, T, H, W, 3), and their soft labels, float32 (B, K).

        Args:
            clips: uint8 (B, T, H, W, 3).
            classes: Class indices (B,), or indicators of several classes (B, K).
        """
        several = classes.ndim == 2
        labels = classes if several else np.eye(self._classes, dtype=np.float32)[classes]
        count, frames, height, width, channels = clips.shape
        # The frames become channels of one image, so that they share weight and rectangle.
        images = clips.transpose(0, 2, 3, 1, 4).reshape(count, height, width, frames * channels)
        layer = self._layers[self._random.integers(len(self._layers))]
        mixed = layer({"images": images.astype(np.float32), "labels": labels}, training=True)
        pixels = np.rint(keras.ops.convert_to_numpy(mixed["images"])).astype(np.uint8)
        pixels = pixels.reshape(count, height, width, frames, channels).transpose(0, 3, 1, 2, 4)
        return np.ascontiguousarray(pixels), keras.ops.convert_to_numpy(mixed["labels"])
