"""Heads on a backbone, and the hash of its weights."""

import numpy as np
import pytest

from extract.backbones import build_trunk
from extract.backbones.heads import (
    FEATURES,
    class_logits,
    classifier_network,
    feature_network,
    own_classifier,
    pooled_network,
    weights_sha256,
)
from metrics.calibration import softmax
from recipes.schema import Network

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 1, 48, 48, 3), np.uint8)


def head(**values) -> Network:
    small = {"pooling": "avg", "features": 24, "dropout": 0.5, "hidden": (), "one_logit": False}
    return Network(**{**small, **values})


@pytest.fixture(scope="module")
def trunk():
    return build_trunk("tiny", "none", 48)


def test_pooled_network_returns_the_mean_of_the_feature_map(trunk):
    feature_map = np.asarray(trunk.model(PIXELS))
    pooled = np.asarray(pooled_network(trunk)(PIXELS))
    assert pooled.shape == (3, 128)
    assert pooled.dtype == np.float32
    assert np.allclose(pooled, feature_map.mean((1, 2)), atol=1e-6)


@pytest.mark.parametrize("pooling", ["avg", "flatten"])
@pytest.mark.parametrize("hidden", [(), (16, 8)])
def test_classifier_network_follows_the_recipe(trunk, pooling, hidden):
    model = classifier_network(trunk, head(pooling=pooling, hidden=hidden), 5)
    logits = np.asarray(model(PIXELS))
    assert logits.shape == (3, 5)
    assert logits.dtype == np.float32
    assert not np.allclose(logits.sum(1), 1)  # no softmax
    inputs = 128 if pooling == "avg" else 2 * 2 * 128
    assert model.get_layer(FEATURES).kernel.shape == (inputs, 24)
    widths = [model.get_layer(f"hidden{n}").units for n in range(1, len(hidden) + 1)]
    assert tuple(widths) == hidden
    assert model.get_layer("dropout").rate == 0.5


def test_feature_network_returns_the_layer_features(trunk):
    model = classifier_network(trunk, head(), 5)
    features = np.asarray(feature_network(model)(PIXELS))
    assert features.shape == (3, 24)
    dense, last = model.get_layer(FEATURES), model.get_layer("classifier")
    pooled = np.asarray(trunk.model(PIXELS)).mean((1, 2))
    by_hand = np.maximum(pooled @ np.asarray(dense.kernel) + np.asarray(dense.bias), 0)
    assert np.allclose(features, by_hand, atol=1e-5)
    logits = features @ np.asarray(last.kernel) + np.asarray(last.bias)
    assert np.allclose(np.asarray(model(PIXELS)), logits, atol=1e-5)


@pytest.mark.parametrize("features", [24, None])
@pytest.mark.parametrize("hidden", [(), (16, 8)])
@pytest.mark.parametrize("one_logit", [False, True])
def test_feature_network_and_own_classifier_equal_the_whole_network(
    trunk, features, hidden, one_logit
):
    settings = head(features=features, hidden=hidden, one_logit=one_logit)
    model = classifier_network(trunk, settings, 2)
    made = np.asarray(feature_network(model)(PIXELS))
    assert made.shape == (3, features or 128)
    logits = np.asarray(own_classifier(model)(made))
    assert logits.shape == (3, 1 if one_logit else 2)
    np.testing.assert_array_equal(logits, np.asarray(model(PIXELS)))


def test_features_without_a_dense_layer_are_the_pooled_ones(trunk):
    model = classifier_network(trunk, head(features=None), 2)
    pooled = np.asarray(pooled_network(trunk)(PIXELS))
    np.testing.assert_array_equal(np.asarray(feature_network(model)(PIXELS)), pooled)


def test_softmax_of_one_logit_is_its_sigmoid():
    outputs = np.array([[-2.0], [0.0], [3.0]], np.float32)
    logits = class_logits(outputs)
    assert logits.dtype == np.float32
    np.testing.assert_array_equal(logits, [[0, -2], [0, 0], [0, 3]])
    sigmoid = 1 / (1 + np.exp(-outputs[:, 0].astype(np.float64)))
    np.testing.assert_allclose(softmax(logits)[:, 1], sigmoid, rtol=1e-12)
    several = np.array([[1.0, 2.0, 3.0]])
    assert class_logits(several) is several


def test_weights_sha256_depends_on_the_values_only(tmp_path):
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
