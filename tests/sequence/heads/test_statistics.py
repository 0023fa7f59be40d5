"""The statistics of a window, and an ensemble on the engines."""

import numpy as np
import pytest

from extract.engines.registry import ENGINES
from sequence.dataset import Moments
from sequence.model import DIFFERENCE, STANDARDISE, join
from sequence.prediction import Predictor
from tests.sequence.heads.test_every_head import model_of
from training.keras_backend import keras


def windows(count: int, look_back: int = 6) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(count, look_back, 6)).astype("float32")


@pytest.mark.parametrize("delta", [False, True])
def test_the_logits_are_linear_in_the_mean_deviation_and_difference_of_the_features(delta):
    model = model_of("statistics", 6, 6, 3, (8,), 0.5, delta)
    moments = np.random.default_rng(2).uniform(0.5, 2, (4, 6)).astype("float32")
    model.get_layer(STANDARDISE).set_moments(Moments(*moments[:2]))
    batch = windows(5)
    rows = (batch - moments[0]) / moments[1]
    if delta:
        model.get_layer(DIFFERENCE).set_moments(Moments(*moments[2:]))
        steps = np.abs(np.diff(rows, axis=1))
        steps = np.concatenate([steps[:, :1], steps], axis=1)
        rows = np.concatenate([rows, (steps - moments[2]) / moments[3]], axis=-1)
    kernel, bias = model.get_layer("classifier").get_weights()
    wanted = np.concatenate([rows.mean(1), rows.std(1)], axis=1) @ kernel + bias
    np.testing.assert_allclose(model.predict_on_batch(batch), wanted, atol=1e-5)
    assert np.abs(wanted).max() > 0.1


@pytest.mark.parametrize("name", ["openvino", "onnx"])
def test_an_ensemble_on_an_engine_gives_the_logits_of_keras(name):
    if missing := ENGINES[name].missing():
        pytest.skip(f"{name} {missing}")
    keras.utils.set_random_seed(0)
    members = [model_of("statistics", 6, 6, 3, (8,), 0.5, True) for _ in range(3)]
    for number, member in enumerate(members, 1):
        kernel = member.get_layer("classifier").kernel
        kernel.assign(number * np.asarray(kernel))
    predictor = Predictor(join(members), 6)
    # The last window stands still, as the first steps of a video do.
    batch = np.concatenate([windows(4), np.repeat(windows(1, 1), 6, axis=1)])
    wanted = predictor.logits(batch)
    predictor.use_engine(name, None)
    np.testing.assert_allclose(predictor.logits(batch), wanted, atol=1e-4)
    assert np.abs(np.diff(wanted, axis=0)).max() > 1e-2
