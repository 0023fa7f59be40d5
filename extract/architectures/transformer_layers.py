"""Shared building blocks of the video transformers.

Every layer has its module name in Hugging Face's checkpoints, so weight conversion needs no name
table. Tokens keep their axes: (B, N, C), or (B, T, S, C) with S patches per frame.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from extract.architectures.conv3d_layers import layers, ops
from extract.architectures.layer_names import layer_name
from training.keras_backend import keras

PATCH = 16  # pixels along a side


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


def patches(clips, width: int, frames: int, name: str):
    """Embed tubes of `frames` x 16 x 16 pixels: (B, T, H, W, 3) to (B, T / frames, S, width).

    Raises:
        ValueError: T is not a multiple of `frames`, or H or W not a multiple of 16.
    """
    _, instants, height, side, _ = clips.shape
    if instants % frames:
        raise ValueError(f"T must be a multiple of {frames}, the frames of a tube")
    if height % PATCH or side % PATCH:
        raise ValueError(f"the side must be a multiple of {PATCH}, the side of a patch")
    tube = (frames, PATCH, PATCH)
    x = layers.Conv3D(width, tube, tube, kernel_initializer=_initializer(), name=layer_name(name))(
        clips
    )
    return ops.reshape(x, (-1, x.shape[1], x.shape[2] * x.shape[3], width))


def linear(x, width: int, name: str, bias: bool = True):
    """Apply a dense layer over the channels."""
    return layers.Dense(
        width, use_bias=bias, kernel_initializer=_initializer(), name=layer_name(name)
    )(x)


@keras.saving.register_keras_serializable(package="lookback")
def gelu(x):
    """Apply the exact GELU (Hendrycks and Gimpel 2016).

    It is computed with erf, because TensorFlow's own uses erfc, which ONNX lacks.
    """
    return 0.5 * x * (1.0 + ops.erf(x * 0.5**0.5))


def mlp(x, prefix: str, inner: int, epsilon: float):
    """Apply the MLP of a block with its skip connection: x + W2 gelu(W1 norm(x))."""
    y = norm(x, f"{prefix}.layernorm_after", epsilon)
    y = layers.Activation(gelu)(linear(y, inner, f"{prefix}.intermediate.dense"))
    return layers.Add()([x, linear(y, x.shape[-1], f"{prefix}.output.dense")])


def norm(x, name: str, epsilon: float):
    """Apply layer normalization over the channels."""
    return layers.LayerNormalization(epsilon=epsilon, name=layer_name(name))(x)


def _initializer() -> keras.initializers.Initializer:
    return keras.initializers.TruncatedNormal(stddev=0.02)


def stages(blocks: int) -> tuple[str, ...]:
    """Return the stage names of a transformer with this number of blocks."""
    return ("embeddings", *(f"block{number}" for number in range(1, blocks + 1)), "top")


def stage_of(name: str) -> str | None:
    """Return the stage that a layer's name shows, such as videomae.encoder.layer.0.output.dense."""
    block = re.match(r"\w+\.encoder\.layer\.(\d+)\.", name)
    if block:
        return f"block{int(block[1]) + 1}"
    if re.match(r"\w+\.embeddings\b", name):
        return "embeddings"
    return "top" if re.fullmatch(r"fc_norm|\w+\.layernorm", name) else None
