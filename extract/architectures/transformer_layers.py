"""Building blocks that the transformers over clips share.

Layer names are the module names of Hugging Face's checkpoints, so that weight conversion needs no
table. Tokens keep their axes, (B, N, C) or (B, T, S, C) with S places in a frame: what costs
something shows in the shapes.
"""

import re
from math import prod

import numpy as np

from extract.architectures.conv3d_layers import layers, ops
from extract.architectures.layer_names import layer_name
from training.keras_backend import keras

PATCH = 16  # pixels along a side


@keras.saving.register_keras_serializable(package="lookback")
class Attention(layers.Layer):
    """Scaled dot-product attention with several heads (Vaswani et al. 2017), without projections.

    Three tensors (B, ..., C), query, key and value, give one of the same shape. The softmax is
    taken in float32, whatever the layer computes in.

    Args:
        heads: they share the channels evenly.
        axis: along which tokens see each other; all other axes are kept apart.
    """

    def __init__(self, heads: int, axis: int = 1, **options) -> None:
        super().__init__(**options)
        self.heads, self.axis = heads, axis

    def call(self, query, key, value):
        shape = query.shape
        size = shape[-1] // self.heads
        apart = [axis for axis in range(len(shape) - 1) if axis != self.axis]
        # (B, ..., heads, size) to (..., heads, tokens, size).
        order = (*apart, len(shape) - 1, self.axis, len(shape))
        query = self._in_heads(query * size**-0.5, order)
        key = self._in_heads(key, (*order[:-2], order[-1], order[-2]))
        weights = ops.softmax(ops.cast(ops.matmul(query, key), "float32"))
        mixed = ops.matmul(ops.cast(weights, value.dtype), self._in_heads(value, order))
        kept = (shape[axis] for axis in apart[1:])
        mixed = ops.reshape(mixed, (-1, *kept, self.heads, shape[self.axis], size))
        mixed = ops.transpose(mixed, [int(axis) for axis in np.argsort(order)])
        return ops.reshape(mixed, (-1, *shape[1:]))

    def _in_heads(self, x, order: tuple[int, ...]):
        x = ops.reshape(x, (-1, *x.shape[1:-1], self.heads, x.shape[-1] // self.heads))
        x = ops.transpose(x, order)
        return ops.reshape(x, (-1, *x.shape[-3:]))  # engines know attention in four dimensions

    def compute_output_shape(self, query_shape, key_shape, value_shape):
        return query_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "heads": self.heads, "axis": self.axis}

    def macs(self) -> int:
        """Return the multiplications with additions for one input."""
        shape = self.output.shape
        return 2 * prod(shape[1:]) * shape[self.axis]


def patches(clips, width: int, frames: int, name: str):
    """Project tubes of `frames` x 16 x 16 pixels: (B, T, H, W, 3) to (B, T / frames, S, width).

    Raises:
        ValueError: the clip cannot be cut into such tubes.
    """
    _, instants, height, side, _ = clips.shape
    if instants % frames:
        raise ValueError(f"it takes frames by {frames}: T must be a multiple of {frames}")
    if height % PATCH or side % PATCH:
        raise ValueError(f"its patches have {PATCH} pixels a side: the side must be a multiple")
    tube = (frames, PATCH, PATCH)
    x = layers.Conv3D(width, tube, tube, kernel_initializer=_initializer(), name=layer_name(name))(
        clips
    )
    return ops.reshape(x, (-1, x.shape[1], x.shape[2] * x.shape[3], width))


def linear(x, width: int, name: str, bias: bool = True):
    """Dense layer over the channels."""
    return layers.Dense(
        width, use_bias=bias, kernel_initializer=_initializer(), name=layer_name(name)
    )(x)


@keras.saving.register_keras_serializable(package="lookback")
def gelu(x):
    """x P(X <= x) of a normal X (Hendrycks and Gimpel 2016), exact. By erf: TensorFlow's own is by
    erfc, for which ONNX has no operation."""
    return 0.5 * x * (1.0 + ops.erf(x * 0.5**0.5))


def mlp(x, prefix: str, inner: int, epsilon: float):
    """The second half of a block: x + W2 gelu(W1 norm(x))."""
    y = norm(x, f"{prefix}.layernorm_after", epsilon)
    y = layers.Activation(gelu)(linear(y, inner, f"{prefix}.intermediate.dense"))
    return layers.Add()([x, linear(y, x.shape[-1], f"{prefix}.output.dense")])


def norm(x, name: str, epsilon: float):
    """Layer normalisation over the channels."""
    return layers.LayerNormalization(epsilon=epsilon, name=layer_name(name))(x)


def _initializer() -> keras.initializers.Initializer:
    return keras.initializers.TruncatedNormal(stddev=0.02)


def stages(blocks: int) -> tuple[str, ...]:
    """Return the names of the stages of a transformer with so many blocks."""
    return ("embeddings", *(f"block{number}" for number in range(1, blocks + 1)), "top")


def stage_of(name: str) -> str | None:
    """Return the stage of a layer by its name, such as videomae.encoder.layer.0.output.dense."""
    block = re.match(r"\w+\.encoder\.layer\.(\d+)\.", name)
    if block:
        return f"block{int(block[1]) + 1}"
    if re.match(r"\w+\.embeddings\b", name):
        return "embeddings"
    return "top" if re.fullmatch(r"fc_norm|\w+\.layernorm", name) else None
