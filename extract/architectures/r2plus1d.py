"""R(2+1)D-18: 3D convolutions factored into spatial and temporal ones.

Paper: Tran et al. 2018, A Closer Look at Spatiotemporal Convolutions for Action Recognition.
Weights: torchvision `r2plus1d_18`. License BSD-3-Clause. Kinetics-400 top-1: 67.5 % (torchvision,
five clips of 16 frames at 15 per second).
Parity: logits within 1e-4 of the largest logit (tests/parity/test_parity.py).
Departures: none.
"""

from extract.architectures.conv3d_layers import conv, norm, relu
from extract.architectures.spec import BackboneSpec, Normalization
from training.keras_backend import keras

_MEAN = (0.43216, 0.394666, 0.37645)
_STD = (0.22803, 0.22145, 0.216989)
_WIDTHS, _BLOCKS = (64, 128, 256, 512), 2


def r2plus1d(
    shape: tuple[int, int, int], widths: tuple[int, ...] = _WIDTHS, stem_width: int = 45
) -> "keras.Model":
    """Return the network up to its features: (T, H, W, 3) to (widths[-1],)."""
    inputs = keras.Input((*shape, 3))
    x = conv(inputs, stem_width, (1, 7, 7), "stem.0", (1, 2, 2))
    x = relu(norm(x, "stem.1"))
    x = relu(norm(conv(x, widths[0], (3, 1, 1), "stem.3"), "stem.4"))
    for number, width in enumerate(widths, 1):
        for block in range(_BLOCKS):
            stride = 2 if number > 1 and block == 0 else 1
            x = _block(x, f"layer{number}.{block}", width, stride)
    x = keras.layers.GlobalAveragePooling3D(name="avgpool")(x)
    return keras.Model(inputs, x, name="r2plus1d_18")


def _block(x, prefix: str, width: int, stride: int):
    before = x.shape[-1]
    # With this width the pair has about as many weights as a full 3D convolution.
    middle = (before * width * 27) // (before * 9 + 3 * width)
    shortcut = x
    if stride != 1 or before != width:
        shortcut = conv(x, width, (1, 1, 1), f"{prefix}.downsample.0", (stride,) * 3)
        shortcut = norm(shortcut, f"{prefix}.downsample.1")
    x = _factored(x, f"{prefix}.conv1", middle, width, stride)
    x = _factored(relu(x), f"{prefix}.conv2", middle, width, 1)
    return relu(keras.layers.Add()([x, shortcut]))


def _factored(x, prefix: str, middle: int, width: int, stride: int):
    x = conv(x, middle, (1, 3, 3), f"{prefix}.0.0", (1, stride, stride))
    x = relu(norm(x, f"{prefix}.0.1"))
    x = conv(x, width, (3, 1, 1), f"{prefix}.0.3", (stride, 1, 1))
    return norm(x, f"{prefix}.1")


SPEC = BackboneSpec(
    name="r2plus1d_18",
    clip_length=16,
    input_size=112,
    stages=("stem", "layer1", "layer2", "layer3", "layer4"),
    source="torchvision, Kinetics-400",
    licence="BSD-3-Clause",
    make=lambda frames, side, weights: r2plus1d((frames, side, side)),
    scale=Normalization(_MEAN, _STD),
    stage_of=lambda name: name.split(".")[0] if "." in name else None,
    feature_size=512,
    parameters=31_505_325,
    gflops=40.519,
    published="kinetics400",
    accuracy="67.5 % top-1 over 5 clips (torchvision)",
    frame_rate=15.0,
    short_side=128,
    classifier="fc",
)
