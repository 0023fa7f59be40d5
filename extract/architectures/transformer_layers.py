"""Shared building blocks of the video transformers.

Every layer has its module name in Hugging Face's checkpoints, so weight conversion needs no name
table. Tokens keep their axes: (B, N, C), or (B, T, S, C) with S patches per frame.
"""

import re

from extract.architectures.conv3d_layers import layers, ops
from extract.architectures.layer_names import layer_name
from training.keras_backend import keras

PATCH = 16  # pixels along a side


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


def attention(query, key, value, heads: int, name: str, axis: int = 1):
    """Apply scaled dot-product attention without projections; see `token_layers.Attention`."""
    from extract.architectures.token_layers import Attention  # loads Keras

    return Attention(heads, axis, name=layer_name(name))(query, key, value)


def mlp(x, prefix: str, inner: int, epsilon: float):
    """Apply the MLP of a block with its skip connection: x + W2 gelu(W1 norm(x))."""
    from extract.architectures.token_layers import gelu  # loads Keras

    y = norm(x, f"{prefix}.layernorm_after", epsilon)
    y = layers.Activation(gelu)(linear(y, inner, f"{prefix}.intermediate.dense"))
    return layers.Add()([x, linear(y, x.shape[-1], f"{prefix}.output.dense")])


def norm(x, name: str, epsilon: float):
    """Apply layer normalization over the channels."""
    return layers.LayerNormalization(epsilon=epsilon, name=layer_name(name))(x)


def _initializer() -> "keras.initializers.Initializer":
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
