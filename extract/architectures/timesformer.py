"""TimeSformer: a vision transformer with divided attention, first over time, then over space.

Paper: Bertasius et al. 2021, Is Space-Time Attention All You Need for Video Understanding?
Weights: Hugging Face `facebook/timesformer-base-finetuned-k400`. License CC-BY-NC-4.0, no
commercial use. Kinetics-400 top-1: 77.9 % (the authors' README, one clip of three crops).
Parity: logits within 1e-4 of the largest logit (tests/parity/test_parity.py).
Departures: another clip length or side needs embeddings trained for it, while the original
interpolates the published ones.
"""

from extract.architectures.conv3d_layers import layers, ops
from extract.architectures.layer_names import layer_name
from extract.architectures.spec import BackboneSpec
from extract.architectures.transformer_layers import (
    attention,
    linear,
    mlp,
    norm,
    patches,
    stage_of,
    stages,
)
from extract.architectures.x3d import NORMALIZATION
from training.keras_backend import keras

_WIDTH, _BLOCKS, _EXPANSION, _HEAD_SIZE = 768, 12, 4, 64
_EPSILON = 1e-6
_TIME, _SPACE = 1, 2  # axes of the tokens (B, T, S, C)


def timesformer(
    shape: tuple[int, int, int],
    width: int = _WIDTH,
    blocks: int = _BLOCKS,
    head_size: int = _HEAD_SIZE,
) -> "keras.Model":
    """Return the network up to its features: (T, H, W, 3) to (width,).

    Args:
        shape: Input size (T, H, W).
        width: Channels of a token.
        blocks: Number of blocks, each with attention over time, attention over space and an MLP.
        head_size: Channels of an attention head.

    Raises:
        ValueError: H or W is not a multiple of 16.
    """
    from extract.architectures.token_layers import SpaceTimeEmbeddings  # loads Keras

    inputs = keras.Input((*shape, 3))
    projection = "timesformer.embeddings.patch_embeddings.projection"
    x = patches(inputs, width, 1, projection)
    token, x = SpaceTimeEmbeddings(name=layer_name("timesformer.embeddings"))(x)
    for block in range(blocks):
        token, x = _block(token, x, f"timesformer.encoder.layer.{block}", width // head_size)
    x = norm(ops.squeeze(token, 1), "timesformer.layernorm", _EPSILON)
    return keras.Model(inputs, x, name="timesformer")


def _block(token, x, prefix: str, heads: int):
    """Apply one block to the class token (B, 1, C) and the patches (B, T, S, C)."""
    instants, places, width = x.shape[1:]
    y = norm(x, f"{prefix}.temporal_layernorm", _EPSILON)
    y = _attend(y, f"{prefix}.temporal_attention", heads, _TIME)
    x = layers.Add()([x, linear(y, width, f"{prefix}.temporal_dense")])
    # Each frame attends with a copy of the class token; the copies are averaged afterward.
    copies = ops.repeat(ops.expand_dims(token, 1), instants, axis=1)
    y = ops.concatenate([copies, x], axis=_SPACE)
    y = norm(y, f"{prefix}.layernorm_before", _EPSILON)
    y = _attend(y, f"{prefix}.attention", heads, _SPACE)
    token = layers.Add()([token, ops.mean(y[:, :, 0], axis=_TIME, keepdims=True)])
    x = layers.Add()([x, y[:, :, 1:]])
    y = ops.concatenate([token, ops.reshape(x, (-1, instants * places, width))], axis=1)
    y = mlp(y, prefix, _EXPANSION * width, _EPSILON)
    return y[:, :1], ops.reshape(y[:, 1:], (-1, instants, places, width))


def _attend(x, prefix: str, heads: int, axis: int):
    width = x.shape[-1]
    parts = ops.split(linear(x, 3 * width, f"{prefix}.attention.qkv"), 3, axis=-1)
    y = attention(*parts, heads, f"{prefix}.attention", axis)
    return linear(y, width, f"{prefix}.output.dense")


SPEC = BackboneSpec(
    name="timesformer_base",
    clip_length=8,
    input_size=224,
    stages=stages(_BLOCKS),
    source="Hugging Face facebook, Kinetics-400",
    licence="CC-BY-NC-4.0",
    make=lambda frames, side, weights: timesformer((frames, side, side)),
    scale=NORMALIZATION,
    stage_of=stage_of,
    feature_size=_WIDTH,
    parameters=121_566_352,
    gflops=195.83,
    published="kinetics400",
    accuracy="77.9 % top-1 over 1 clip of 3 crops (TimeSformer's README)",
    frame_rate=0.9375,
    short_side=224,
    classifier="classifier",
    attention="divided",
)
