"""Grad-CAM: by hand, and on a network that must look at a known place."""

import numpy as np
import pytest

from sequence.explain.grad_cam import GradCam, added, spread
from tests.sequence.explain.corner import make_clips, network_of, shares, train
from training.keras_backend import keras

layers = keras.layers


def test_a_map_is_the_weighted_sum_of_the_feature_maps():
    inputs = keras.Input((2, 2, 3))
    convolution = layers.Conv2D(2, 1, use_bias=False)
    core = keras.Model(inputs, convolution(inputs))
    convolution.set_weights([np.array([[1, 0], [0, 1], [0, 0]], np.float32)[None, None]])
    network = network_of(core, images=True)
    clip = np.zeros((1, 2, 2, 3), np.uint8)
    clip[0, ..., 0] = [[255, 0], [255, 0]]  # the feature map of red is 1 there, else -1
    clip[0, ..., 1] = [[255, 255], [0, 0]]
    # The feature is the mean over places, so the gradients of all places sum to the slope.
    found = GradCam(network)(clip, np.array([2.0, -1.0]))
    np.testing.assert_allclose(found, [[[2 - 1, 0], [2 + 1, 0]]], atol=1e-6)


def test_the_maps_of_two_pathways_are_added_frame_by_frame():
    slow = np.array([[[4.0]], [[8.0]]], np.float32)
    fast = np.arange(4, dtype=np.float32)[:, None, None]
    np.testing.assert_allclose(added([slow, fast], 4).ravel(), [4, 6, 9, 11])


def test_a_single_instant_is_spread_over_all_frames():
    np.testing.assert_array_equal(spread(np.full((1, 2, 2), 3.0), 5), np.full((5, 2, 2), 3.0))


@pytest.fixture(scope="module")
def trained() -> tuple[keras.Model, np.ndarray]:
    keras.utils.set_random_seed(1)
    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(8, 3, 2, padding="same", activation="relu")(inputs)
    x = layers.Conv2D(16, 3, 2, padding="same", activation="relu")(x)
    network = network_of(keras.Model(inputs, x), images=True)
    return network, train(network, make_clips(256, 1, 32, seed=0), epochs=12)


def test_the_map_lies_where_the_class_is_decided(trained):
    network, kernel = trained
    clips = make_clips(16, 1, 32, seed=1)
    assert len(set(clips.quarter)) == 4
    maps_of = GradCam(network)
    assert shares(maps_of, kernel, clips).min() > 0.8
    assert shares(maps_of, kernel[:, ::-1], clips).mean() < 0.3  # of the other class


def test_the_map_depends_on_the_weights(trained):
    """Adebayo et al. 2018, Sanity Checks for Saliency Maps: random weights give other maps."""
    network, kernel = trained
    clips, before = make_clips(16, 1, 32, seed=1), network.get_weights()
    random = np.random.default_rng(3)
    try:
        network.set_weights(
            [random.permutation(each.ravel()).reshape(each.shape) for each in before]
        )
        assert shares(GradCam(network), kernel, clips).mean() < 0.5
    finally:
        network.set_weights(before)
