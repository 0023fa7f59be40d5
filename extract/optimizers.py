"""Optimizers by name, and weights for uneven classes."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras


def make_optimizer(
    name: str, learning_rate: float, weight_decay: float
) -> "keras.optimizers.Optimizer":
    """Return the Keras optimizer `adam`, `adamw`, `rmsprop` or `sgd` (momentum 0.9)."""
    from extract.framework import keras

    optimizers = keras.optimizers
    decay = weight_decay or None
    if name == "adamw":
        return optimizers.AdamW(learning_rate, weight_decay=weight_decay)
    if name == "adam":
        return optimizers.Adam(learning_rate, weight_decay=decay)
    if name == "rmsprop":
        return optimizers.RMSprop(learning_rate, weight_decay=decay)
    return optimizers.SGD(learning_rate, momentum=0.9, weight_decay=decay)


def class_weights(classes: np.ndarray, count: int, choice: str) -> np.ndarray:
    """Return a weight for each of `count` classes: float32, mean 1 over the examples.

    `auto` weighs every class alike in all; with even classes, and with `none`, all weights are 1.
    """
    if choice == "none":
        return np.ones(count, np.float32)
    numbers = np.bincount(classes, minlength=count)
    return (len(classes) / (count * np.maximum(numbers, 1))).astype(np.float32)
