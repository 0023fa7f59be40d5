"""Inference with Keras on its backend's device; the reference for the other engines."""

import threading

import numpy as np

from extract.engines.base import Engine, Workload
from extract.engines.converted_cache import NetworkId
from extract.engines.unbuilt import UnbuiltModel, built
from training.keras_backend import keras

PRECISIONS = ("f32",)
_FRAMES_PER_BATCH = 32


class KerasEngine(Engine):
    """Computes float32 features with a Keras model, compiled for one batch shape."""

    name = "keras"
    precision = "f32"

    def __init__(self, model: "keras.Model", batch_size: int | None = None) -> None:
        """Wrap a model.

        Args:
            model: Model from uint8 (B, T, H, W, 3) to features (B, D).
            batch_size: Clips per batch; None for about 32 frames per batch.
        """
        super().__init__(batch_size or max(1, _FRAMES_PER_BATCH // model.input_shape[1]))
        # By default Keras compiles with XLA, which is many times slower on a CPU for depthwise
        # networks.
        model.jit_compile = False
        self._model = model
        # Not thread-safe: Keras compiles at the first call and, on some backends, moves variables.
        self._one_at_a_time = threading.Lock()
        self.feature_size = model.output_shape[-1]

    def _compute(self, clips: np.ndarray) -> np.ndarray:
        with self._one_at_a_time:
            return np.asarray(self._model.predict_on_batch(clips), np.float32)


def missing() -> str:
    """Return an empty string: this engine is always available."""
    return ""


def make(model: "keras.Model | UnbuiltModel", network: NetworkId, workload: Workload) -> Engine:
    """Return the engine; see `extract.engines.registry.make_engine`."""
    return KerasEngine(built(model), 1 if workload.live else workload.batch_size)
