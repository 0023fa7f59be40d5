"""The last tensors with places: found in every network, and a cut that loses nothing."""

import numpy as np
import pytest

from extract.architectures.building import from_pixels
from extract.architectures.registry import BACKBONES
from extract.architectures.spatial_maps import core_of, map_tensors, split_at
from extract.architectures.spec import Trunk
from extract.backbones.heads import pooled_network
from tests.golden.cases import ALL_CASES, IMAGE_CASES, built
from training.keras_backend import keras

CONVOLUTIONAL = [name for name in ALL_CASES if name not in ("videomae", "timesformer")]


# Small to compute; the others are the slow part of the same test.
QUICK = "r2plus1d"


def network_of(name: str) -> keras.Model:
    case = ALL_CASES[name]
    core = case.make(case.shape) if name in IMAGE_CASES else built(name)
    return pooled_network(Trunk(from_pixels(BACKBONES[case.backbone], core), core, {}))


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_every_convolutional_network_has_maps(name):
    case = ALL_CASES[name]
    core = case.make(case.shape) if name in IMAGE_CASES else built(name)
    tensors = map_tensors(core)
    assert len(tensors) == (2 if name == "slowfast" else 1)
    assert all(max(each.shape[-3:-1]) > 1 for each in tensors)


@pytest.mark.parametrize(
    "name",
    [
        name if name == QUICK else pytest.param(name, marks=pytest.mark.slow)
        for name in CONVOLUTIONAL
    ],
)
def test_the_two_parts_are_the_network(name):
    network = network_of(name)
    split = split_at(network, map_tensors(core_of(network)))
    clip = np.random.default_rng(0).integers(0, 256, network.input_shape[1:], dtype=np.uint8)
    maps = split.maps(clip)
    expected = network(clip[None], training=False)
    np.testing.assert_allclose(split.features(maps), expected, atol=1e-5)
    for made, computed in zip(maps, split.computed_maps(clip), strict=True):
        np.testing.assert_allclose(made, computed, rtol=1e-3, atol=1e-4)


def test_local_pooling_is_passed_because_the_maps_before_it_are_finer():
    layers = keras.layers
    inputs = keras.Input((16, 16, 3))
    maps = layers.Conv2D(4, 3, padding="same")(inputs)
    core = keras.Model(inputs, layers.MaxPooling2D()(maps))
    assert map_tensors(core) == [maps]


def test_a_network_without_places_is_refused():
    inputs = keras.Input((8,))
    with pytest.raises(ValueError, match="no feature maps"):
        map_tensors(keras.Model(inputs, keras.layers.Dense(2)(inputs)))


def test_every_transformer_says_how_its_tokens_attend():
    kinds = {spec.name: spec.attention for spec in BACKBONES.values() if spec.attention}
    assert kinds == {
        "videomae_small": "joint",
        "videomae_base": "joint",
        "timesformer_base": "divided",
    }
