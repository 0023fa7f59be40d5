"""Inference by Keras itself, with the call compiled once a batch size."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

# A batch is cut into these sizes so that few shapes are compiled and few rows are padding.
_SMALL_BATCHES = (8, 1)


class KerasEngine:
    """Computes features with a Keras model on its backend, float32.

    How a batch is cut depends on its length alone, so the same clips give the same bits.
    """

    name = "keras"
    precision = "f32"

    def __init__(self, model: "keras.Model", batch_size: int) -> None:
        # Without this Keras compiles by XLA, which on a CPU is many times slower on depthwise
        # networks.
        model.jit_compile = False
        self._model = model
        self._sizes = (batch_size, *(size for size in _SMALL_BATCHES if size < batch_size))

    def __call__(self, clips: np.ndarray) -> np.ndarray:
        """Return float32 features (B, D) of uint8 clips (B, T, H, W, 3)."""
        parts, start = [np.empty((0, self._model.output_shape[-1]), np.float32)], 0
        while start < len(clips):
            size = next(size for size in self._sizes if size <= len(clips) - start)
            part = self._model.predict_on_batch(clips[start : start + size])
            parts.append(np.asarray(part, np.float32))
            start += size
        return np.concatenate(parts)
