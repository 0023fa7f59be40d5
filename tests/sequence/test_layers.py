"""Input layers of the sequence model: standardization and feature differences."""

import numpy as np
import pytest

from sequence.dataset import Moments
from sequence.layers import AppendDifference, Standardise
from sequence.model import DIFFERENCE, STANDARDISE, build_sequence_model


def random_moments(size: int, seed: int) -> Moments:
    random = np.random.default_rng(seed)
    mean = random.normal(size=size).astype(np.float32)
    return Moments(mean, random.uniform(0.5, 3, size).astype(np.float32))


def random_windows(look_back: int, size: int = 5, count: int = 7) -> np.ndarray:
    return np.random.default_rng(look_back).normal(size=(count, look_back, size)).astype("float32")


def standardized(rows: np.ndarray, moments: Moments) -> np.ndarray:
    return (rows - moments.mean) / moments.std


def with_difference(rows: np.ndarray, moments: Moments) -> np.ndarray:
    """Return the rows with |x_t - x_(t-1)|, where the first repeats the second."""
    steps = np.abs(np.diff(rows, axis=1))
    steps = np.concatenate([steps[:, :1], steps], 1) if steps.shape[1] else np.zeros_like(rows)
    return np.concatenate([rows, standardized(steps, moments)], -1)


def test_standardise_subtracts_the_mean_and_divides_by_the_std():
    layer, windows = Standardise(), random_windows(4)
    layer.build(windows.shape)
    np.testing.assert_array_equal(np.asarray(layer(windows)), windows)  # before moments are set
    moments = random_moments(5, 0)
    layer.set_moments(moments)
    np.testing.assert_allclose(np.asarray(layer(windows)), standardized(windows, moments), 1e-5)


@pytest.mark.parametrize("look_back", [1, 2, 9])
def test_append_difference_appends_standardized_differences(look_back):
    layer, windows = AppendDifference(), random_windows(look_back)
    layer.build(windows.shape)
    moments = random_moments(5, 1)
    layer.set_moments(moments)
    appended = np.asarray(layer(windows))
    assert appended.shape == (7, look_back, 10)
    assert layer.compute_output_shape(windows.shape) == appended.shape
    np.testing.assert_allclose(appended, with_difference(windows, moments), 1e-5, 1e-6)


def test_moments_are_non_trainable_weights():
    model = build_sequence_model("mean", 4, 5, 3, (8,), 0.0, True)
    trained = {weight.path for weight in model.trainable_weights}
    kept = {weight.path for weight in model.non_trainable_weights}
    assert sum("mean" in path or "deviation" in path for path in kept) == 4
    assert not any(STANDARDISE in path or DIFFERENCE in path for path in trained)


@pytest.mark.parametrize("delta", [False, True])
def test_moments_are_saved_with_the_models_weights(delta, tmp_path):
    def built():
        return build_sequence_model("lstm", 6, 5, 3, (8, 4), 0.5, delta)

    model, windows = built(), random_windows(6)
    model.get_layer(STANDARDISE).set_moments(random_moments(5, 2))
    if delta:
        model.get_layer(DIFFERENCE).set_moments(random_moments(5, 3))
    path = tmp_path / "sequence.weights.h5"
    model.save_weights(path)
    before = model.predict_on_batch(windows)
    fresh = built()
    assert not np.allclose(fresh.predict_on_batch(windows), before, atol=1e-3)
    fresh.load_weights(path)
    np.testing.assert_allclose(fresh.predict_on_batch(windows), before, atol=1e-6)


def test_the_model_standardizes_its_input():
    model, windows = build_sequence_model("gru", 6, 5, 3, (8,), 0.0, True), random_windows(6)
    model.get_layer(STANDARDISE).set_moments(random_moments(5, 4))
    shifted = Moments(np.zeros(5, np.float32), np.ones(5, np.float32))
    found = model.predict_on_batch(windows)
    model.get_layer(STANDARDISE).set_moments(shifted)
    wanted = model.predict_on_batch(standardized(windows, random_moments(5, 4)))
    np.testing.assert_allclose(found, wanted, atol=1e-5)
