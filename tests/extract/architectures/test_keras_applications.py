"""Parity with keras.applications: the same pixels reach the same network."""

import warnings

import numpy as np
import pytest

from extract.architectures.registry import BACKBONES
from extract.backbones import build, build_trunk
from extract.backbones.heads import pooled_network
from video.errors import LookbackError

# The module of keras.applications whose preprocess_input belongs to a backbone.
MODULES = {
    "vgg16": "vgg16",
    "vgg19": "vgg19",
    "resnet50": "resnet50",
    "mobilenet": "mobilenet",
    "mobilenet_025": "mobilenet",
    "inception_v3": "inception_v3",
    "mobilenet_v3_small": "mobilenet_v3",
    "mobilenet_v3_large": "mobilenet_v3",
    "efficientnet_v2_b0": "efficientnet_v2",
    "efficientnet_v2_s": "efficientnet_v2",
    "convnext_tiny": "convnext",
}
IMAGENET_MEAN = np.array([0.485, 0.456, 0.406])
IMAGENET_STD = np.array([0.229, 0.224, 0.225])


def pixels(count: int, side: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)


@pytest.mark.parametrize("name", MODULES)
def test_scaling_equals_preprocess_input(name):
    from training.keras_backend import keras

    module = getattr(keras.applications, MODULES[name])
    wanted = module.preprocess_input(pixels(2, 8).astype(np.float32))
    got = BACKBONES[name].scale(keras.ops.array(pixels(2, 8), "float32"))
    assert np.abs(np.asarray(got) - np.asarray(wanted)).max() < 1e-4


def test_every_scaling_is_compared_with_keras():
    families = {spec.scale for name, spec in BACKBONES.items() if name in MODULES}
    for name, spec in BACKBONES.items():
        # Others have tests of their own, such as test_efficientnet_lite.py.
        frames = name.startswith(("efficientnet_b", "efficientnet_lite", "tiny"))
        assert spec.scale in families or frames or spec.is_clip_network, name


def test_vgg16_equals_keras_on_preprocessed_pixels(tmp_path):
    from training.keras_backend import keras

    theirs = keras.applications.VGG16(
        include_top=False, weights=None, pooling="avg", input_shape=(32, 32, 3)
    )
    theirs.save_weights(tmp_path / "vgg.weights.h5")
    ours = build("vgg16", str(tmp_path / "vgg.weights.h5"), side=32)
    scaled = keras.applications.vgg16.preprocess_input(pixels(2, 32).astype(np.float32))
    wanted = np.asarray(theirs(scaled))
    assert np.allclose(ours(pixels(2, 32)[:, None]), wanted, rtol=1e-5, atol=1e-5)


def test_mobilenet_025_with_published_weights_equals_keras(shared):
    from training.keras_backend import keras

    path = shared / "weights" / "mobilenet_2_5_224_tf_no_top.h5"
    theirs = keras.applications.MobileNet(
        alpha=0.25, include_top=False, pooling="avg", weights=str(path), input_shape=(224, 224, 3)
    )
    ours = build("mobilenet_025", str(path))
    scaled = pixels(2, 224).astype(np.float32) / 127.5 - 1
    wanted = np.asarray(theirs(scaled))
    assert np.abs(wanted).max() > 0.1
    assert np.abs(np.asarray(ours(pixels(2, 224)[:, None])) - wanted).max() < 1e-5


@pytest.fixture
def downloaded(monkeypatch):
    """Return a function that makes every download of ImageNet weights give a local file."""
    from keras.src.utils import file_utils

    asked = []

    def set_file(path) -> list:
        def get_file(name, origin=None, **options):
            asked.append(name)
            return str(path)

        monkeypatch.setattr(file_utils, "get_file", get_file)
        return asked

    return set_file


def imagenet_like(path, side: int):
    """Save EfficientNetB0 with random weights and the normalization of the published file."""
    from training.keras_backend import keras

    core = keras.applications.EfficientNetB0(
        include_top=False, weights=None, input_shape=(side, side, 3)
    )
    for layer in core.layers:
        if isinstance(layer, keras.layers.Normalization):
            mean, variance, count = layer.get_weights()
            layer.set_weights([mean * 0 + IMAGENET_MEAN, variance * 0 + IMAGENET_STD, count])
            layer.finalize_state()
        elif isinstance(layer, keras.layers.BatchNormalization):
            random = np.random.default_rng(len(layer.name))
            scale, shift, mean, variance = layer.get_weights()
            draw = random.uniform(0.5, 1.5, scale.shape)
            layer.set_weights([draw, shift + 0.1, mean + 0.05, draw[::-1]])
    core.save_weights(path)


@pytest.mark.slow
def test_efficientnet_is_scaled_as_its_imagenet_weights_need(downloaded, tmp_path):
    """Keras divides by the standard deviation twice, but only for `weights="imagenet"`."""
    from training.keras_backend import keras

    side = 64
    path = tmp_path / "x.weights.h5"
    imagenet_like(path, side)
    asked = downloaded(path)
    theirs = keras.applications.EfficientNetB0(
        include_top=False, weights="imagenet", input_shape=(side, side, 3), pooling="avg"
    )
    assert asked == ["efficientnetb0_notop.h5"]
    wanted = np.asarray(theirs(pixels(2, side).astype(np.float32)))
    by_name = build("efficientnet_b0", "imagenet", side=side)
    assert len(asked) == 2
    trunk = build_trunk("efficientnet_b0", str(path), side)
    by_path = pooled_network(trunk)
    clips = pixels(2, side)[:, None]
    for ours in (by_name, by_path):
        got = np.asarray(ours(clips))
        assert np.abs(got - wanted).max() < 1e-5 * np.abs(wanted).max()
    # Without our scaling the network gives different features.
    plain = np.asarray(trunk.core(pixels(2, side).astype(np.float32))).mean((1, 2))
    assert np.abs(plain - wanted).max() > 1e-3 * np.abs(wanted).max()


def test_imagenet_weights_equal_the_downloaded_ones(downloaded, tmp_path):
    path = tmp_path / "x.weights.h5"
    given = build_trunk("mobilenet_025", "none", 96).core
    given.save_weights(path)
    downloaded(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns about the side
        core = build_trunk("mobilenet_025", "imagenet", 96).core
    for one, other in zip(core.get_weights(), given.get_weights(), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("name", ["efficientnet_b0", "vgg16", "mobilenet_v3_small"])
def test_offline_error_names_the_file_to_fetch(name, monkeypatch, tmp_path):
    from keras.src.utils import file_utils

    def get_file(file, origin=None, **options):
        raise Exception(f"URL fetch failure on https://host/{file}: None -- [Errno -3] no name")

    monkeypatch.setattr(file_utils, "get_file", get_file)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    with pytest.raises(LookbackError) as error:
        build(name, "imagenet", side=96)
    message = str(error.value)
    assert message.startswith(
        f"{name}: the ImageNet weights cannot be downloaded; download https://host/"
    )
    assert ".h5 on another computer" in message
    assert "--backbone efficientnet_lite0" in message
    assert str(tmp_path / "keras" / "models") in message
    assert "\n" not in message
