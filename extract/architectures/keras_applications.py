"""Image networks of keras.applications, with their pixel scaling inside the graph.

Papers: VGG (Simonyan and Zisserman 2014), ResNet (He et al. 2015), Inception v3 (Szegedy et al.
2015), MobileNet (Howard et al. 2017), MobileNetV3 (Howard et al. 2019), EfficientNet (Tan and Le
2019), EfficientNetV2 (Tan and Le 2021), ConvNeXt (Liu et al. 2022).
Weights: https://keras.io/api/applications, trained on ImageNet. License Apache-2.0, but CC-BY-4.0
for VGG and MIT for ResNet and ConvNeXt.
Parity: keras.applications builds the graph itself, so nothing is converted. The scaling equals
`preprocess_input` (tests/extract/architectures/test_keras_applications.py).
Departures: EfficientNets B0 to B7 always divide by the standard deviation a second time, which
Keras does for `weights="imagenet"` only. Otherwise a weights file loaded by path would see other
pixels than the weights loaded by name.
"""

import re
from collections.abc import Callable

from extract.architectures.spec import BackboneSpec
from training.keras_backend import keras

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)


# Feature size; trainable parameters without the classifier; GFLOPs at the network's own input size;
# top-1 accuracy in percent.
_FIGURES = {
    "vgg16": (512, 14_714_688, 15.347, 71.3),
    "vgg19": (512, 20_024_384, 19.508, 71.3),
    "efficientnet_b0": (1280, 4_007_548, 0.385, 77.1),
    "efficientnet_b1": (1280, 6_513_184, 0.686, 79.1),
    "efficientnet_b2": (1408, 7_700_994, 0.992, 80.1),
    "efficientnet_b3": (1536, 10_696_232, 1.826, 81.6),
    "efficientnet_b4": (1792, 17_548_616, 4.392, 82.9),
    "efficientnet_b5": (2048, 28_340_784, 10.264, 83.6),
    "efficientnet_b6": (2304, 40_735_704, 19.065, 84.0),
    "efficientnet_b7": (2560, 63_786_960, 37.743, 84.3),
    "efficientnet_v2_b0": (1280, 5_858_704, 0.717, 78.7),
    "efficientnet_v2_b1": (1280, 6_860_052, 1.196, 79.8),
    "efficientnet_v2_b2": (1408, 8_687_086, 1.696, 80.5),
    "efficientnet_v2_b3": (1536, 12_821_406, 3.01, 82.0),
    "efficientnet_v2_s": (1280, 20_177_488, 8.364, 83.9),
    "mobilenet_025": (256, 213_072, 0.041, 50.6),
    "mobilenet": (1024, 3_206_976, 0.568, 70.4),
    "mobilenet_v3_small": (576, 927_008, 0.055, 68.1),
    "mobilenet_v3_large": (960, 2_971_952, 0.214, 75.6),
    "resnet50": (2048, 23_534_592, 3.856, 74.9),
    "inception_v3": (2048, 21_768_352, 5.711, 77.9),
    "convnext_tiny": (768, 27_820_128, 4.455, 81.3),
}
_SOURCE = "keras.io/api/applications"
# Sources of the accuracies that the page lacks.
_SOURCES = {
    "mobilenet_025": "the paper",
    "mobilenet_v3_small": "docstring of keras.applications",
    "mobilenet_v3_large": "docstring of keras.applications",
}


def _unscaled(pixels):
    """Return the pixels unchanged: the network scales them itself."""
    return pixels


def _to_one(pixels):
    """Scale to -1..1."""
    return pixels / 127.5 - 1.0


def _caffe(pixels):
    """Convert to BGR and subtract the ImageNet mean."""
    return keras.ops.flip(pixels, axis=-1) - keras.ops.array(_CAFFE_MEAN_BGR, "float32")


def _efficientnet(pixels):
    """Compensate in advance, so that the network's own scaling divides by `std` a second time.

    The network computes (x / 255 - mean) / sqrt(variance). With s = 1 / sqrt(std), the identity is
    s (x / 255 - mean) = (s x + 255 mean (1 - s)) / 255 - mean.
    """
    std = keras.ops.array(_IMAGENET_STD, "float32")
    mean = keras.ops.array(_IMAGENET_MEAN, "float32")
    factor = 1.0 / keras.ops.sqrt(std)
    return pixels * factor + 255.0 * mean * (1.0 - factor)


def _application(
    name: str,
    class_name: str,
    input_size: int,
    scale: Callable,
    stages: tuple[tuple[str, str], ...],
    licence: str = "Apache-2.0",
    **options,
) -> BackboneSpec:
    """Return the spec of one network; `stages` are (name, regular expression on layer names)."""
    feature_size, parameters, gflops, accuracy = _FIGURES[name]
    patterns = [(stage, re.compile(pattern)) for stage, pattern in stages]

    def make(frames: int, side: int, weights: str | None):
        build = getattr(keras.applications, class_name)
        return build(include_top=False, weights=weights, input_shape=(side, side, 3), **options)

    def stage_of(layer_name: str) -> str | None:
        return next((stage for stage, pattern in patterns if pattern.match(layer_name)), None)

    return BackboneSpec(
        name=name,
        clip_length=1,
        input_size=input_size,
        stages=tuple(stage for stage, _ in stages),
        source=f"keras.applications.{class_name}, ImageNet",
        licence=licence,
        make=make,
        scale=scale,
        stage_of=stage_of,
        feature_size=feature_size,
        parameters=parameters,
        gflops=gflops,
        published="imagenet",
        accuracy=f"{accuracy} % top-1, one crop ({_SOURCES.get(name, _SOURCE)})",
    )


def _numbered(stem: str, count: int, last: str | None = None) -> tuple[tuple[str, str], ...]:
    stages = [("stem", stem)] + [(f"block{n}", rf"block{n}[a-z_]") for n in range(1, count + 1)]
    return tuple(stages + ([("top", last)] if last else []))


_VGG = tuple((f"block{n}", rf"block{n}_") for n in range(1, 6))
_RESNET = (("stem", r"(conv1|pool1)_"), *((f"conv{n}", rf"conv{n}_") for n in range(2, 6)))
_MOBILENET = (
    ("stem", r"conv1"),
    ("block1", r"conv_(dw|pw|pad)_1(_|$)"),
    ("block2", r"conv_(dw|pw|pad)_[23](_|$)"),
    ("block3", r"conv_(dw|pw|pad)_[45](_|$)"),
    ("block4", r"conv_(dw|pw|pad)_([6-9]|10|11)(_|$)"),
    ("block5", r"conv_(dw|pw|pad)_1[23](_|$)"),
)
# Grouped by output stride, as in the paper's tables.
_MOBILENET_V3_SMALL = (
    ("stem", r"conv(_bn)?$"),
    ("block1", r"expanded_conv_[a-z]"),
    ("block2", r"expanded_conv_[12]_"),
    ("block3", r"expanded_conv_[3-7]_"),
    ("block4", r"expanded_conv_([89]|10)_"),
    ("top", r"conv_1(_bn)?$"),
)
_MOBILENET_V3_LARGE = (
    ("stem", r"conv(_bn)?$"),
    ("block1", r"expanded_conv_([a-z]|[12]_)"),
    ("block2", r"expanded_conv_[345]_"),
    ("block3", r"expanded_conv_([6-9]|10|11)_"),
    ("block4", r"expanded_conv_1[234]_"),
    ("top", r"conv_1(_bn)?$"),
)
# Only the concatenations have stable names; the layers before one belong to its stage.
_INCEPTION = tuple((f"mixed{n}", rf"mixed{n}$") for n in range(11))
_CONVNEXT = (
    ("stem", r"convnext_tiny_stem"),
    ("stage1", r"convnext_tiny_stage_0"),
    *(
        (f"stage{n + 1}", rf"convnext_tiny_(stage_{n}|downsampling_block_{n - 1})")
        for n in (1, 2, 3)
    ),
)
_EFFICIENTNET = _numbered(r"stem_", 7, last=r"top_")
_EFFICIENTNET_V2 = _numbered(r"stem_", 6, last=r"top_")

SPECS = (
    _application("vgg16", "VGG16", 224, _caffe, _VGG, licence="CC-BY-4.0"),
    _application("vgg19", "VGG19", 224, _caffe, _VGG, licence="CC-BY-4.0"),
    *(
        _application(f"efficientnet_b{n}", f"EfficientNetB{n}", side, _efficientnet, _EFFICIENTNET)
        for n, side in enumerate((224, 240, 260, 300, 380, 456, 528, 600))
    ),
    *(
        _application(
            f"efficientnet_v2_{size}",
            f"EfficientNetV2{size.upper()}",
            side,
            _unscaled,
            _EFFICIENTNET_V2,
        )
        for size, side in (("b0", 224), ("b1", 240), ("b2", 260), ("b3", 300), ("s", 384))
    ),
    _application("mobilenet_025", "MobileNet", 224, _to_one, _MOBILENET, alpha=0.25),
    _application("mobilenet", "MobileNet", 224, _to_one, _MOBILENET),
    _application("mobilenet_v3_small", "MobileNetV3Small", 224, _unscaled, _MOBILENET_V3_SMALL),
    _application("mobilenet_v3_large", "MobileNetV3Large", 224, _unscaled, _MOBILENET_V3_LARGE),
    _application("resnet50", "ResNet50", 224, _caffe, _RESNET, licence="MIT"),
    _application("inception_v3", "InceptionV3", 299, _to_one, _INCEPTION),
    _application("convnext_tiny", "ConvNeXtTiny", 224, _unscaled, _CONVNEXT, licence="MIT"),
)
