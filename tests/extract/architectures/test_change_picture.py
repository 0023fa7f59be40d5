"""The change picture in the graph: its pixels, and that every engine computes the same."""

import numpy as np
import pytest

from extract.architectures.building import from_pixels
from extract.architectures.registry import spec_of
from extract.backbones import build_trunk
from extract.backbones.heads import pooled_network
from extract.engines import NetworkId
from extract.engines.registry import make_engine
from training.keras_backend import keras
from video.errors import UsageError

CLIPS = np.random.default_rng(0).integers(0, 256, (3, 2, 48, 48, 3), np.uint8)


def pictures(clips: np.ndarray) -> np.ndarray:
    """The definition, in whole numbers: 127.5 + later - earlier, clipped."""
    later, earlier = clips[:, 1].astype(np.float64), clips[:, 0].astype(np.float64)
    return np.clip(127.5 + later - earlier, 0, 255).astype(np.float32)


@pytest.mark.parametrize("name", ["tiny", "mobilenet_025", "vgg16", "efficientnet_b0"])
def test_the_network_sees_the_signed_difference_around_gray(name):
    spec = spec_of(name)
    trunk = build_trunk(name, "none", 48, change=True)
    assert trunk.change
    assert trunk.model.input_shape == (None, 2, 48, 48, 3)
    core = trunk.core
    ours = np.asarray(trunk.model(CLIPS))
    wanted = np.asarray(core(spec.scale(keras.ops.array(pictures(CLIPS)))))
    assert np.abs(ours - wanted).max() <= 1e-5 * np.abs(wanted).max()


def test_two_equal_frames_are_gray():
    trunk = build_trunk("tiny", "none", 48, change=True)
    still = np.repeat(CLIPS[:, :1], 2, axis=1)
    features = np.asarray(pooled_network(trunk)(still))
    assert np.abs(features - features[0]).max() < 1e-6


# The conversion for ONNX takes ten seconds: with `-m backend`.
@pytest.mark.parametrize("engine", ["openvino", pytest.param("onnx", marks=pytest.mark.backend)])
def test_engines_compute_the_same(engine):
    model = pooled_network(build_trunk("mobilenet_025", "none", 48, change=True))
    try:
        made = make_engine(model, NetworkId(None, "x"), engine)
    except UsageError as error:
        pytest.skip(str(error))
    wanted = np.asarray(model(CLIPS))
    assert np.abs(made(CLIPS) - wanted).max() <= 1e-4 * np.abs(wanted).max()


def test_a_model_with_it_is_saved_and_loaded(tmp_path):
    model = from_pixels(spec_of("tiny"), build_trunk("tiny", "none", 48).core, change=True)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(np.asarray(again(CLIPS)), np.asarray(model(CLIPS)))
