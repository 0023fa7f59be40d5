"""Gradients of a score with respect to arrays, on every backend of Keras."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from training.keras_backend import keras

# From tensors to a score without axes, and to further values that are wanted.
Scored = Callable[..., tuple[Any, Sequence[Any]]]


def gradients(
    function: Scored, arrays: Sequence[np.ndarray]
) -> tuple[float, list[np.ndarray], list[np.ndarray]]:
    """Return a score, its gradient with respect to each array, and the function's other values.

    Args:
        function: Function of as many tensors as there are arrays. It returns the score, a tensor
            without axes, and a list of further tensors.
        arrays: Values of the tensors, float32.

    Returns:
        score: Value of the score.
        slopes: Gradient for each array, of its shape: float32. Zeros where the score does not
            depend on it.
        kept: The further tensors as arrays.
    """
    score, slopes, kept = _BACKENDS[keras.backend.backend()](function, arrays)
    numbers = [keras.ops.convert_to_numpy(each) for each in kept]
    return float(score), [np.asarray(each, np.float32) for each in slopes], numbers


def _tensorflow(function: Scored, arrays: Sequence[np.ndarray]) -> tuple[Any, list, list]:
    import tensorflow as tf

    tensors = [tf.constant(array) for array in arrays]
    # The tape records what depends on these tensors only: no gradients of weights are kept.
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(tensors)
        score, kept = function(*tensors)
    slopes = tape.gradient(score, tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return score, [each.numpy() for each in slopes], list(kept)


def _torch(function: Scored, arrays: Sequence[np.ndarray]) -> tuple[Any, list, list]:
    import torch

    tensors = [keras.ops.convert_to_tensor(array).requires_grad_() for array in arrays]
    score, kept = function(*tensors)
    slopes = torch.autograd.grad(score, tensors, allow_unused=True)
    pairs = zip(slopes, arrays, strict=True)
    filled = [np.zeros_like(array) if s is None else s.cpu().numpy() for s, array in pairs]
    return score.detach(), filled, [each.detach() for each in kept]


def _jax(function: Scored, arrays: Sequence[np.ndarray]) -> tuple[Any, list, list]:
    import jax

    places = tuple(range(len(arrays)))
    scored = jax.value_and_grad(function, argnums=places, has_aux=True)
    (score, kept), slopes = scored(*(jax.numpy.asarray(array) for array in arrays))
    return score, list(slopes), list(kept)


_BACKENDS = {"tensorflow": _tensorflow, "torch": _torch, "jax": _jax}
