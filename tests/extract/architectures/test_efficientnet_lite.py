"""EfficientNet-Lite: figures, stages and scaling; tests/golden holds its logits."""

import numpy as np
import pytest

from extract.architectures.costs import gflops, trainable_parameters
from extract.architectures.registry import spec_of
from extract.backbones import build_trunk
from training.keras_backend import keras


@pytest.mark.parametrize(("number", "published"), [(0, 4.7e6), (1, 5.4e6), (2, 6.1e6)])
def test_figures_are_those_of_the_network_and_of_its_publisher(number, published):
    spec = spec_of(f"efficientnet_lite{number}")
    core = build_trunk(spec.name).core
    parameters, costs = trainable_parameters(core), gflops(core)
    shape = core.output_shape
    keras.backend.clear_session()
    assert parameters == spec.parameters
    assert costs == pytest.approx(spec.gflops, abs=5e-4)
    assert shape[-1] == spec.feature_size
    # The publisher counts the classifier of 1000 classes too.
    assert parameters + 1000 * (spec.feature_size + 1) == pytest.approx(published, rel=0.011)


def test_pixels_are_scaled_as_in_training():
    pixels = np.array([[0.0] * 3, [127.0] * 3, [255.0] * 3], "float32")
    scaled = keras.ops.convert_to_numpy(spec_of("efficientnet_lite0").scale(pixels))
    np.testing.assert_allclose(scaled[:, 0], [-127 / 128, 0, 1], atol=1e-6)


@pytest.mark.parametrize(
    ("number", "layer", "stage"),
    [
        (0, "conv_stem", "stem"),
        (0, "blocks.0._bn1", "block1"),
        (0, "blocks.2._depthwise_conv", "block2"),
        (0, "blocks.3._depthwise_conv", "block3"),
        (1, "blocks.3._depthwise_conv", "block2"),
        (0, "blocks.15._bn2", "block7"),
        (0, "blocks.9._bn0", "block5"),
        (0, "bn1", "top"),
    ],
)
def test_stages_follow_the_number_of_blocks(number, layer, stage):
    assert spec_of(f"efficientnet_lite{number}").stage_of(layer) == stage
