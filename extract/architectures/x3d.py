"""X3D: a small 2D network expanded along time, width, depth and resolution.

Paper: Feichtenhofer 2020, X3D: Expanding Architectures for Efficient Video Recognition.
Weights: PyTorchVideo `x3d_xs/s/m/l`. License Apache-2.0. Kinetics-400 top-1: 69.1, 73.3, 75.9 and
77.4 % (model zoo, ten clips of three crops).
Parity: logits within 1e-4 of the largest logit (tests/parity/test_parity.py).
Departures: it returns logits, while the original's head ends in a softmax. The pooling averages the
whole feature map, while the original's window has a fixed size; at the published input sizes both
are equal.
"""

import math

from extract.architectures.conv3d_layers import conv, depthwise, layers, norm, relu
from extract.architectures.layer_names import layer_name
from extract.architectures.spec import BackboneSpec, Normalization
from training.keras_backend import keras

_STEM, _HEAD = 24, 2048
_BLOCKS, _WIDTHS = (1, 2, 5, 3), (24, 48, 96, 192)
_EXPANSION, _SQUEEZE = 2.25, 0.0625


def x3d(shape: tuple[int, int, int], depth: float) -> "keras.Model":
    """Return the network up to its features: (T, H, W, 3) to (2048,).

    Args:
        shape: Input size (T, H, W).
        depth: Factor on the number of blocks of each stage.
    """
    inputs = keras.Input((*shape, 3))
    x = conv(inputs, _STEM, (1, 3, 3), "blocks.0.conv.conv_t", (1, 2, 2))
    x = depthwise(x, (5, 1, 1), "blocks.0.conv.conv_xy")
    x = relu(norm(x, "blocks.0.norm"))
    for stage, (blocks, width) in enumerate(zip(_BLOCKS, _WIDTHS, strict=True), 1):
        for block in range(math.ceil(depth * blocks)):
            prefix = f"blocks.{stage}.res_blocks.{block}"
            # Every second block of a stage has a squeeze-and-excitation layer.
            x = _block(x, prefix, width, stride=2 if block == 0 else 1, excite=block % 2 == 0)
    x = conv(x, int(_EXPANSION * _WIDTHS[-1]), (1, 1, 1), "blocks.5.pool.pre_conv")
    x = relu(norm(x, "blocks.5.pool.pre_norm"))
    x = layers.GlobalAveragePooling3D(name=layer_name("blocks.5.pool.pool"))(x)
    x = relu(layers.Dense(_HEAD, use_bias=False, name=layer_name("blocks.5.pool.post_conv"))(x))
    return keras.Model(inputs, x, name="x3d")


# PyTorchVideo's block names.
STAGES = {
    "blocks.0": "stem",
    "blocks.1": "res2",
    "blocks.2": "res3",
    "blocks.3": "res4",
    "blocks.4": "res5",
    "blocks.5": "top",
}


def _block(x, prefix: str, width: int, stride: int, excite: bool):
    inner = int(_EXPANSION * width)
    strides = (1, stride, stride)
    shortcut = x
    if x.shape[-1] != width or stride != 1:
        shortcut = conv(x, width, (1, 1, 1), f"{prefix}.branch1_conv", strides)
        if x.shape[-1] != width:  # the original normalizes only if the width changes
            shortcut = norm(shortcut, f"{prefix}.branch1_norm")
    branch = f"{prefix}.branch2"
    x = relu(norm(conv(x, inner, (1, 1, 1), f"{branch}.conv_a"), f"{branch}.norm_a"))
    x = depthwise(x, (3, 3, 3), f"{branch}.conv_b", strides)
    if excite:
        x = norm(x, f"{branch}.norm_b.0")
        x = squeeze_excite(x, f"{branch}.norm_b.1.block", rounded_width(inner, _SQUEEZE))
    else:
        x = norm(x, f"{branch}.norm_b.0")
    x = layers.Activation("silu")(x)
    x = norm(conv(x, width, (1, 1, 1), f"{branch}.conv_c"), f"{branch}.norm_c")
    return relu(layers.Add()([shortcut, x]))


def squeeze_excite(x, prefix: str, width: int):
    """Apply squeeze-and-excitation (Hu et al. 2018) with `width` hidden units."""
    channels = x.shape[-1]
    s = layers.GlobalAveragePooling3D(keepdims=True)(x)
    s = layers.Dense(width, activation="relu", name=layer_name(f"{prefix}.0"))(s)
    s = layers.Dense(channels, activation="sigmoid", name=layer_name(f"{prefix}.2"))(s)
    return layers.Multiply()([x, s])


def rounded_width(width: int, multiplier: float, minimum: int = 8, divisor: int = 8) -> int:
    """Return width * multiplier rounded to a multiple of `divisor`, but down by at most 10 %."""
    wanted = width * multiplier
    rounded = max(minimum, int(wanted + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * wanted else rounded


# Pixel scaling of all PyTorchVideo networks.
NORMALIZATION = Normalization((0.45,) * 3, (0.225,) * 3)


def _spec(
    size: str,
    frames: int,
    side: int,
    short_side: int,
    rate: float,
    depth: float,
    parameters: int,
    gflops: float,
    accuracy: float,
) -> BackboneSpec:
    return BackboneSpec(
        name=f"x3d_{size}",
        clip_length=frames,
        input_size=side,
        stages=tuple(STAGES.values()),
        source="PyTorchVideo, Kinetics-400",
        licence="Apache-2.0",
        make=lambda frames, side, weights: x3d((frames, side, side), depth),
        scale=NORMALIZATION,
        stage_of=lambda name: STAGES.get(name[:8]),
        feature_size=_HEAD,
        parameters=parameters,
        gflops=gflops,
        published="kinetics400",
        accuracy=f"{accuracy} % top-1 over 10 clips of 3 crops (PyTorchVideo model zoo)",
        frame_rate=rate,
        short_side=short_side,
        classifier="blocks.5.proj",
    )


SPECS = (
    _spec("xs", 4, 160, 182, 2.5, 2.2, 3_794_274, 0.605, 69.1),
    _spec("s", 13, 160, 182, 5.0, 2.2, 3_794_274, 1.963, 73.3),
    _spec("m", 16, 224, 256, 6.0, 2.2, 3_794_274, 4.732, 75.9),
    _spec("l", 16, 312, 356, 6.0, 5.0, 6_153_384, 18.368, 77.4),
)
