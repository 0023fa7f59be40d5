"""Efficient X3D: PyTorchVideo's variant of X3D for mobile processors.

Paper: Feichtenhofer 2020, X3D: Expanding Architectures for Efficient Video Recognition.
Weights: PyTorchVideo `efficient_x3d_xs/s`, the original (not the deployed) form. License
Apache-2.0. Kinetics-400 top-1: 68.5 and 73.0 % (model zoo, ten clips).
Parity: logits within 1e-4 of the largest logit (tests/parity/test_parity.py).
Departures: none. Unlike X3D, it normalizes every projected skip connection.
"""

from extract.architectures.conv3d_layers import conv, depthwise, layers, norm, relu
from extract.architectures.layer_names import layer_name
from extract.architectures.spec import BackboneSpec
from extract.architectures.x3d import NORMALIZATION, rounded_width, squeeze_excite
from training.keras_backend import keras

_STEM, _MIDDLE, _HEAD = 24, 432, 2048
_BLOCKS, _WIDTHS = (3, 5, 11, 7), (24, 48, 96, 192)
_EXPANSION, _SQUEEZE = 2.25, 0.0625


def efficient_x3d(shape: tuple[int, int, int]) -> "keras.Model":
    """Return the network up to its features: (T, H, W, 3) to (2048,)."""
    inputs = keras.Input((*shape, 3))
    stem = "s1.pathway0_stem_conv"
    x = conv(inputs, _STEM, (1, 3, 3), f"{stem}_xy.kernel.conv", (1, 2, 2))
    x = depthwise(x, (5, 1, 1), f"{stem}.kernel.conv")
    x = relu(norm(x, f"{stem}.kernel.bn"))
    for stage, (blocks, width) in enumerate(zip(_BLOCKS, _WIDTHS, strict=True), 2):
        for block in range(blocks):
            prefix = f"s{stage}.pathway0_res{block}"
            # Every second block of a stage has a squeeze-and-excitation layer.
            x = _block(x, prefix, width, stride=2 if block == 0 else 1, excite=block % 2 == 0)
    x = relu(_conv_norm(x, _MIDDLE, "head.conv_5"))
    x = layers.GlobalAveragePooling3D(name=layer_name("head.avg_pool"))(x)
    x = relu(layers.Dense(_HEAD, use_bias=False, name=layer_name("head.lin_5.kernel.conv"))(x))
    return keras.Model(inputs, x, name="efficient_x3d")


def _block(x, prefix: str, width: int, stride: int, excite: bool):
    inner = int(_EXPANSION * width)
    strides = (1, stride, stride)
    shortcut = x
    if x.shape[-1] != width or stride != 1:
        shortcut = _conv_norm(x, width, f"{prefix}._res_proj", strides)
    branch = f"{prefix}.layers"
    x = relu(_conv_norm(x, inner, f"{branch}.conv_0"))
    x = depthwise(x, (3, 3, 3), f"{branch}.conv_1.kernel.conv", strides)
    x = norm(x, f"{branch}.conv_1.kernel.bn")
    if excite:
        x = squeeze_excite(x, f"{branch}.se.se.block", rounded_width(inner, _SQUEEZE))
    x = layers.Activation("silu")(x)
    x = _conv_norm(x, width, f"{branch}.conv_2")
    return relu(layers.Add()([shortcut, x]))


def _conv_norm(x, width: int, prefix: str, strides: tuple = (1, 1, 1)):
    x = conv(x, width, (1, 1, 1), f"{prefix}.kernel.conv", strides)
    return norm(x, f"{prefix}.kernel.bn")


_STAGES = {"s1": "stem", "s2": "res2", "s3": "res3", "s4": "res4", "s5": "res5", "head": "top"}


def _spec(size: str, frames: int, rate: float, gflops: float, accuracy: float) -> BackboneSpec:
    return BackboneSpec(
        name=f"efficient_x3d_{size}",
        clip_length=frames,
        input_size=160,
        stages=tuple(_STAGES.values()),
        source="PyTorchVideo, Kinetics-400",
        licence="Apache-2.0",
        make=lambda frames, side, weights: efficient_x3d((frames, side, side)),
        scale=NORMALIZATION,
        stage_of=lambda name: _STAGES.get(name.split(".")[0]),
        feature_size=_HEAD,
        parameters=3_794_322,
        gflops=gflops,
        published="kinetics400",
        accuracy=f"{accuracy} % top-1 over 10 clips (PyTorchVideo model zoo)",
        frame_rate=rate,
        short_side=182,
        classifier="projection.model",
    )


SPECS = (_spec("xs", 4, 2.5, 0.605, 68.5), _spec("s", 13, 5.0, 1.963, 73.0))
