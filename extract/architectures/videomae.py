"""VideoMAE: a plain vision transformer on tubes of 2 x 16 x 16 pixels, pretrained as a masked
autoencoder.

Paper: Tong et al. 2022, VideoMAE: Masked Autoencoders are Data-Efficient Learners for
Self-Supervised Video Pre-Training.
Weights: Hugging Face `MCG-NJU/videomae-*-finetuned-kinetics`. License CC-BY-NC-4.0, no commercial
use. Kinetics-400 top-1: 79.0 % (small) and 81.5 % (base) (the authors' model zoo, five clips of
three crops); the base model's config states 80.9 %.
Parity: logits within 1e-4 of the largest logit (tests/parity/test_parity.py).
Departures: position embeddings are computed for any grid of tubes, while the original has one size.
From a pretraining checkpoint only the encoder is used. Its final layer norm is left out and
`fc_norm` starts at scale 1 and offset 0, as in the original's fine-tuning.
"""

from extract.architectures.conv3d_layers import layers, ops
from extract.architectures.layer_names import layer_name
from extract.architectures.spec import BackboneSpec, Normalization
from extract.architectures.transformer_layers import (
    attention,
    linear,
    mlp,
    norm,
    patches,
    stage_of,
    stages,
)
from training.keras_backend import keras

_TUBE_FRAMES, _BLOCKS, _EXPANSION = 2, 12, 4
# Hugging Face sets epsilon for all layer norms but the last, which has PyTorch's default.
_EPSILON, _LAST_EPSILON = 1e-12, 1e-5
_HEAD_SIZE = 64


def videomae(
    shape: tuple[int, int, int], width: int, blocks: int = _BLOCKS, head_size: int = _HEAD_SIZE
) -> "keras.Model":
    """Return the network up to its features: (T, H, W, 3) to (width,).

    Args:
        shape: Input size (T, H, W).
        width: Channels of a token.
        blocks: Number of blocks, each with attention and an MLP.
        head_size: Channels of an attention head.

    Raises:
        ValueError: T is odd, or H or W is not a multiple of 16.
    """
    from extract.architectures.token_layers import SinusoidalPositions  # loads Keras

    inputs = keras.Input((*shape, 3))
    projection = "videomae.embeddings.patch_embeddings.projection"
    x = patches(inputs, width, _TUBE_FRAMES, projection)
    x = ops.reshape(x, (-1, x.shape[1] * x.shape[2], width))
    x = SinusoidalPositions(name=layer_name("videomae.embeddings.positions"))(x)
    for block in range(blocks):
        prefix = f"videomae.encoder.layer.{block}"
        x = _attend(x, prefix, width // head_size)
        x = mlp(x, prefix, _EXPANSION * width, _EPSILON)
    x = norm(layers.GlobalAveragePooling1D()(x), "fc_norm", _LAST_EPSILON)
    return keras.Model(inputs, x, name="videomae")


def _attend(x, prefix: str, heads: int):
    """Apply the attention of a block with its skip connection."""
    name, width = f"{prefix}.attention.attention", x.shape[-1]
    y = norm(x, f"{prefix}.layernorm_before", _EPSILON)
    query = linear(y, width, f"{name}.query")
    # No bias: the same vector added to every key does not change the softmax.
    key = linear(y, width, f"{name}.key", bias=False)
    value = linear(y, width, f"{name}.value")
    y = attention(query, key, value, heads, name)
    return layers.Add()([x, linear(y, width, f"{prefix}.attention.output.dense")])


def _spec(
    size: str, width: int, parameters: int, gflops: float, accuracy: float, note: str = ""
) -> BackboneSpec:
    return BackboneSpec(
        name=f"videomae_{size}",
        clip_length=16,
        input_size=224,
        stages=stages(_BLOCKS),
        source="Hugging Face MCG-NJU, Kinetics-400",
        licence="CC-BY-NC-4.0",
        make=lambda frames, side, weights: videomae((frames, side, side), width),
        scale=Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        stage_of=stage_of,
        feature_size=width,
        parameters=parameters,
        gflops=gflops,
        published="kinetics400",
        accuracy=f"{accuracy} % top-1 over 5 clips of 3 crops (VideoMAE model zoo{note})",
        frame_rate=7.5,
        short_side=224,
        classifier="classifier",
        attention="joint",
    )


SPECS = (
    _spec("small", 384, 22_033_936, 56.878, 79.0),
    _spec("base", 768, 86_534_800, 180.345, 81.5, "; the model's config: 80.9"),
)
