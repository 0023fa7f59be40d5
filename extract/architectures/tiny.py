"""Tiny: five strided convolutions that learn small tasks from random weights in a minute.

Paper: none; a network of this project for the demo and the tests. Its group normalization (Wu and
He 2018) trains stably at any batch size.
Weights: none published.
Parity: none, as there is no original.
"""

from extract.architectures.spec import BackboneSpec
from training.keras_backend import keras

_WIDTHS = (16, 32, 64, 96, 128)


def _make(frames: int, side: int, weights: str | None):
    layers = keras.layers
    inputs = keras.Input((side, side, 3))
    x = inputs
    for number, width in enumerate(_WIDTHS, 1):
        x = layers.Conv2D(width, 3, strides=2, padding="same", name=f"block{number}_conv")(x)
        x = layers.GroupNormalization(8, name=f"block{number}_norm")(x)
        x = layers.Activation("relu", name=f"block{number}_relu")(x)
    return keras.Model(inputs, x, name="tiny")


SPEC = BackboneSpec(
    name="tiny",
    clip_length=1,
    input_size=96,
    stages=tuple(f"block{number}" for number in range(1, len(_WIDTHS) + 1)),
    source="this project, no published weights",
    licence="MIT",
    make=_make,
    scale=lambda pixels: pixels / 127.5 - 1.0,
    stage_of=lambda layer_name: layer_name[:6] if layer_name.startswith("block") else None,
    feature_size=_WIDTHS[-1],
    parameters=190_368,
    gflops=0.009,
    published=None,
)
