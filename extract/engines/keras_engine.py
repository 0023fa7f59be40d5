"""Inference by Keras itself, with the call compiled once a batch size."""

from typing import TYPE_CHECKING

import numpy as np

from extract.engines.base import Engine

if TYPE_CHECKING:
    import keras


class KerasEngine(Engine):
    """Computes features with a Keras model on its backend, float32."""

    name = "keras"
    precision = "f32"

    def __init__(self, model: "keras.Model", batch_size: int) -> None:
        super().__init__(batch_size)
        # Without this Keras compiles by XLA, which on a CPU is many times slower on depthwise
        # networks.
        model.jit_compile = False
        self._model = model
        self.feature_size = model.output_shape[-1]

    def _compute(self, clips: np.ndarray) -> np.ndarray:
        return np.asarray(self._model.predict_on_batch(clips), np.float32)
