"""What stands on a backbone, and the hash that tells one set of weights from another."""

import numpy as np
import pytest

from extract.backbones import build_trunk
from extract.network import (
    FEATURES,
    classifier_network,
    feature_network,
    pooled_network,
    weights_sha256,
)
from recipes.schema import Network

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 1, 48, 48, 3), np.uint8)


def head(**values) -> Network:
    return Network(**{"pooling": "avg", "features": 24, "dropout": 0.5, "hidden": (), **values})


@pytest.fixture(scope="module")
def trunk():
    return build_trunk("tiny", "none", 48)


def test_the_pooled_network_gives_the_mean_of_the_feature_map(trunk):
    map_of = np.asarray(trunk.model(PIXELS))
    pooled = np.asarray(pooled_network(trunk)(PIXELS))
    assert pooled.shape == (3, 128)
    assert pooled.dtype == np.float32
    assert np.allclose(pooled, map_of.mean((1, 2)), atol=1e-6)


@pytest.mark.parametrize("pooling", ["avg", "flatten"])
@pytest.mark.parametrize("hidden", [(), (16, 8)])
def test_the_classifier_is_what_the_recipe_says(trunk, pooling, hidden):
    model = classifier_network(trunk, head(pooling=pooling, hidden=hidden), 5)
    probabilities = np.asarray(model(PIXELS))
    assert probabilities.shape == (3, 5)
    assert np.allclose(probabilities.sum(1), 1, atol=1e-5)
    assert (probabilities > 0).all()
    inputs = 128 if pooling == "avg" else 2 * 2 * 128
    assert model.get_layer(FEATURES).kernel.shape == (inputs, 24)
    widths = [model.get_layer(f"hidden{n}").units for n in range(1, len(hidden) + 1)]
    assert tuple(widths) == hidden
    assert model.get_layer("dropout").rate == 0.5


def test_the_features_of_a_classifier_are_those_of_its_layer(trunk):
    model = classifier_network(trunk, head(), 5)
    features = np.asarray(feature_network(model)(PIXELS))
    assert features.shape == (3, 24)
    dense, last = model.get_layer(FEATURES), model.get_layer("classifier")
    pooled = np.asarray(trunk.model(PIXELS)).mean((1, 2))
    by_hand = np.maximum(pooled @ np.asarray(dense.kernel) + np.asarray(dense.bias), 0)
    assert np.allclose(features, by_hand, atol=1e-5)
    scores = features @ np.asarray(last.kernel) + np.asarray(last.bias)
    softmax = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    assert np.allclose(np.asarray(model(PIXELS)), softmax, atol=1e-5)


def test_the_hash_follows_the_values_and_nothing_else(tmp_path):
    model = classifier_network(build_trunk("tiny", "none", 48), head(), 3)
    before = weights_sha256(model)
    model(PIXELS, training=True)  # draws from the dropout's random state
    assert weights_sha256(model) == before
    model.save_weights(tmp_path / "x.weights.h5")
    again = classifier_network(build_trunk("tiny", "none", 48), head(dropout=0.1), 3)
    assert weights_sha256(again) != before
    again.load_weights(tmp_path / "x.weights.h5")
    assert weights_sha256(again) == before
    bias = again.get_layer("classifier").bias
    bias.assign(np.nextafter(np.asarray(bias), 1))
    assert weights_sha256(again) != before
