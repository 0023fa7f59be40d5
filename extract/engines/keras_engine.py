"""Inference by Keras itself, on its backend's device: the reference."""

import threading

import numpy as np

from extract.engines.base import Engine, Workload
from extract.engines.converted_cache import NetworkId
from training.keras_backend import keras

PRECISIONS = ("f32",)
_FRAMES_A_BATCH = 32


class KerasEngine(Engine):
    """Computes features with a Keras model, float32, by a call that is compiled once."""

    name = "keras"
    precision = "f32"

    def __init__(self, model: keras.Model, batch_size: int | None = None) -> None:
        """Take a model of uint8 (B, T, H, W, 3) to (B, D); by default so many clips at once as
        have 32 frames."""
        super().__init__(batch_size or max(1, _FRAMES_A_BATCH // model.input_shape[1]))
        # Without this Keras compiles by XLA, which on a CPU is many times slower on depthwise
        # networks.
        model.jit_compile = False
        self._model = model
        # Keras compiles at the first call and, on some backends, moves variables at each.
        self._one_at_a_time = threading.Lock()
        self.feature_size = model.output_shape[-1]

    def _compute(self, clips: np.ndarray) -> np.ndarray:
        with self._one_at_a_time:
            return np.asarray(self._model.predict_on_batch(clips), np.float32)


def missing() -> str:
    """Return why the engine cannot be used here: it always can."""
    return ""


def make(model: keras.Model, network: NetworkId, workload: Workload) -> Engine:
    """Return the engine; arguments as for `extract.engines.registry.make_engine`."""
    return KerasEngine(model, 1 if workload.live else workload.batch_size)
