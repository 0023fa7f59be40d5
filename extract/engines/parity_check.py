"""Parity check: an engine's features against those of Keras, before its first use."""

import numpy as np

from extract.engines.base import Engine
from recipes.commands import command
from training.keras_backend import keras
from video.console import logger

_LOG = logger(__name__)

_TOLERANCE = 1e-4  # maximum difference as a share of the largest feature, at f32


def require_equal(engine: Engine, model: "keras.Model") -> np.ndarray:
    """Raise `RuntimeError` if the features of a random clip differ from those of Keras.

    Returns:
        The features of Keras, float32 (1, D), which are kept with the converted network.
    """
    wanted = features_of_noise(model)
    ours = engine(_noise(model.input_shape[1:], model.inputs[0].dtype))
    difference = np.abs(ours - wanted).max() / max(np.abs(wanted).max(), 1e-12)
    if not difference <= _TOLERANCE:
        raise RuntimeError(f"its features differ from Keras by {difference:.1e}")
    return wanted


def report_cosine(engine: Engine, shape: tuple[int, ...], dtype: str, wanted: np.ndarray) -> None:
    """Print the cosine similarity of a random clip's features to those of Keras.

    Args:
        engine: Engine.
        shape: Shape of its input, without the batch axis.
        dtype: Type of its input.
        wanted: Features of Keras (1, D), of `require_equal`.
    """
    cosine = cosines(engine(_noise(shape, dtype)), wanted)[0]
    _LOG.info(
        f"{engine.precision}: cosine similarity to the float32 features of a random clip "
        f"{cosine:.5f} (1: equal); {command('evaluate')} measures the accuracy on your clips."
    )


def cosines(ours: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the cosine similarity (n,) of rows (n, D) and (n, D); 1 for two zero rows.

    >>> cosines(np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[1.0, 1.0], [0.0, 0.0]])).round(3)
    array([0.707, 1.   ])
    """
    ours, wanted = ours.astype(np.float64), wanted.astype(np.float64)
    lengths = np.linalg.norm(ours, axis=-1) * np.linalg.norm(wanted, axis=-1)
    equal = (ours == wanted).all(-1)
    return np.where(equal, 1.0, (ours * wanted).sum(-1) / np.maximum(lengths, 1e-300))


def features_of_noise(model: "keras.Model") -> np.ndarray:
    """Return the features (1, D) that Keras computes for the random clip, float32."""
    clip = _noise(model.input_shape[1:], model.inputs[0].dtype)
    return keras.ops.convert_to_numpy(model(clip)).astype(np.float32)


def _noise(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    clip = np.random.default_rng(0).integers(0, 256, (1, *shape), np.uint8)
    return clip.astype(dtype)  # the part after a stem takes float32
