"""Custom Keras layers of the video transformers.

They load Keras when this module is imported. The modules of the architectures import it where they
build a network, so that their specs are read without Keras.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from training.keras_backend import keras

layers, ops = keras.layers, keras.ops


@dataclass(frozen=True)
class AttentionRecord:
    """What the attention layers of one call of a network took, and what is added to their outputs.

    The gradient with respect to a tensor of zeros that is added to an output is the gradient with
    respect to this output. So no weights of attention, the largest tensors, need to be kept.

    Attributes:
        offsets: Tensor that is added to the output of each layer, by the layer's name.
        taken: Query, key and value of each layer that was called, by its name.
    """

    offsets: Mapping[str, Any]
    taken: dict[str, tuple[Any, Any, Any]] = field(default_factory=dict)


_record: ContextVar[AttentionRecord | None] = ContextVar("record of attention", default=None)


@contextmanager
def recorded(record: AttentionRecord) -> Iterator[None]:
    """Record the attention layers of every network that is called inside this context."""
    token = _record.set(record)
    try:
        yield
    finally:
        _record.reset(token)


@keras.saving.register_keras_serializable(package="lookback")
class Attention(layers.Layer):
    """Multi-head scaled dot-product attention (Vaswani et al. 2017), without projections.

    Query, key and value (B, ..., C) give one tensor of the same shape. The softmax is computed in
    float32, also in mixed precision.

    Args:
        heads: Number of heads; C is a multiple of it.
        axis: Axis along which tokens attend to each other. All other axes act as batch axes.
    """

    def __init__(self, heads: int, axis: int = 1, **options) -> None:
        super().__init__(**options)
        self.heads, self.axis = heads, axis

    def call(self, query, key, value):
        record = _record.get()
        mixed = self._mixed(query, key, value)
        if record is None:
            return mixed
        record.taken[self.name] = (query, key, value)
        return mixed + record.offsets[self.name]

    def _mixed(self, query, key, value):
        shape = query.shape
        size = shape[-1] // self.heads
        batch_axes = [axis for axis in range(len(shape) - 1) if axis != self.axis]
        # (B, ..., heads, size) to (..., heads, tokens, size).
        order = (*batch_axes, len(shape) - 1, self.axis, len(shape))
        query = self._in_heads(query * size**-0.5, order)
        key = self._in_heads(key, (*order[:-2], order[-1], order[-2]))
        weights = ops.softmax(ops.cast(ops.matmul(query, key), "float32"))
        mixed = ops.matmul(ops.cast(weights, value.dtype), self._in_heads(value, order))
        sizes = (shape[axis] for axis in batch_axes[1:])
        mixed = ops.reshape(mixed, (-1, *sizes, self.heads, shape[self.axis], size))
        mixed = ops.transpose(mixed, [int(axis) for axis in np.argsort(order)])
        return ops.reshape(mixed, (-1, *shape[1:]))

    def _in_heads(self, x, order: tuple[int, ...]):
        x = ops.reshape(x, (-1, *x.shape[1:-1], self.heads, x.shape[-1] // self.heads))
        x = ops.transpose(x, order)
        return ops.reshape(
            x, (-1, *x.shape[-3:])
        )  # converters recognize attention in four dimensions

    def compute_output_shape(self, query_shape, key_shape, value_shape):
        return query_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "heads": self.heads, "axis": self.axis}

    def macs(self) -> int:
        """Return the multiply-adds for one input."""
        shape = self.output.shape
        return 2 * prod(shape[1:]) * shape[self.axis]


@keras.saving.register_keras_serializable(package="lookback")
def gelu(x):
    """Apply the exact GELU (Hendrycks and Gimpel 2016).

    It is computed with erf, because TensorFlow's own uses erfc, which ONNX lacks.
    """
    return 0.5 * x * (1.0 + ops.erf(x * 0.5**0.5))


@keras.saving.register_keras_serializable(package="lookback")
class SinusoidalPositions(layers.Layer):
    """Add fixed sinusoidal position embeddings (Vaswani et al. 2017, 3.5): (B, N, C) to (B, N, C).

    The layer has no parameters.
    """

    def build(self, shape) -> None:
        self.waves = sinusoids(shape[1], shape[2])

    def call(self, tokens):
        return tokens + ops.cast(self.waves, tokens.dtype)

    def compute_output_shape(self, shape):
        return shape


def sinusoids(count: int, width: int) -> np.ndarray:
    """Return sinusoidal position embeddings, float32 (count, width).

    Even columns are sines, odd ones cosines. Each pair has one wavelength, from 2 pi to 20,000 pi.
    """
    pairs = np.arange(width) // 2
    angles = np.arange(count)[:, None] / 10000 ** (2 * pairs / width)
    return np.where(np.arange(width) % 2, np.cos(angles), np.sin(angles)).astype(np.float32)


@keras.saving.register_keras_serializable(package="lookback")
class SpaceTimeEmbeddings(layers.Layer):
    """Add trainable space and time embeddings to patches (B, T, S, C), and create the class token.

    The class token (B, 1, C) has a space embedding of its own and no time embedding.
    """

    def build(self, shape) -> None:
        _, instants, places, width = shape
        for name, count in (
            ("cls_token", 1),
            ("position_embeddings", places + 1),
            ("time_embeddings", instants),
        ):
            weight = self.add_weight(
                shape=(1, count, width),
                initializer=keras.initializers.TruncatedNormal(stddev=0.02),
                name=name,
            )
            setattr(self, name, weight)

    def call(self, tokens):
        token = self.cls_token + self.position_embeddings[:, :1]
        token = ops.repeat(token, ops.shape(tokens)[0], axis=0)
        places = ops.expand_dims(self.position_embeddings[:, 1:], 1)
        return token, tokens + places + ops.expand_dims(self.time_embeddings, 2)

    def compute_output_shape(self, shape):
        return (shape[0], 1, shape[-1]), shape
