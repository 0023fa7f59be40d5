"""Gradients of a clip's score, against differences of the score itself."""

import numpy as np
import pytest

from metrics.pooling import Pooling, pool, window_shares
from metrics.task import MULTI_LABEL
from sequence.explain.chain import step_slopes
from sequence.model import build_sequence_model
from sequence.own_head import OwnPredictor
from sequence.prediction import Predictor
from sequence.windows import windows
from training.keras_backend import keras


def odds(predictor: Predictor, features: np.ndarray, newest: range, target: int) -> np.ndarray:
    """Return the log odds of a class in each window: float64 (n,)."""
    chosen = windows(features, predictor.look_back)[list(newest)]
    share = predictor.probabilities(np.ascontiguousarray(chosen))[:, target]
    return np.log(share / (1 - share))


def differences(predictor, features, newest, target, shares) -> np.ndarray:
    slopes, small = np.zeros(features.shape), 1e-2
    for place in np.ndindex(features.shape):
        sides = []
        for change in (small, -small):
            moved = features.copy()
            moved[place] += change
            sides.append((odds(predictor, moved, newest, target) * shares).sum())
        slopes[place] = (sides[0] - sides[1]) / (2 * small)
    return slopes


@pytest.mark.parametrize("rule", ["mean", "attention"])
def test_slopes_are_the_derivatives_of_the_log_odds(rule):
    keras.utils.set_random_seed(0)
    model = build_sequence_model("lstm", 3, 2, 3, (4,), 0.0, True, scored=rule == "attention")
    predictor = Predictor(model, 3, temperature=1.7, pooling=Pooling(rule))
    features = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
    newest = range(3, 6)  # the first step is in no window
    probabilities, scores = predictor.scored(np.ascontiguousarray(windows(features, 3)[3:]))
    shares = window_shares(probabilities, predictor.pooling, 1, scores)
    found = step_slopes(predictor, features, newest, 1)
    expected = differences(predictor, features, newest, 1, shares)
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert not found[0].any()
    assert np.abs(found[1:]).max() > 0.05


def test_one_logit_has_a_slope_for_both_classes():
    inputs = keras.Input((3,))
    dense = keras.layers.Dense(1)
    predictor = OwnPredictor(keras.Model(inputs, dense(inputs)), 1.0)
    kernel = np.asarray(dense.kernel)[:, 0]
    features = np.ones((2, 3), np.float32)
    for target, sign in ((0, -1), (1, 1)):
        found = step_slopes(predictor, features, [1], target)
        np.testing.assert_allclose(found, [np.zeros(3), sign * kernel], atol=1e-6)


def test_shares_of_windows_give_the_clip_of_the_pooling():
    random = np.random.default_rng(4)
    rows, scores, clip = random.dirichlet(np.ones(2), 9), random.normal(size=9), np.zeros(9, int)
    poolings = [Pooling("mean"), Pooling("attention"), Pooling("top", (1,))]
    for pooling in (*poolings, Pooling("top", (1,), MULTI_LABEL)):
        whole = pool(rows, clip, pooling, scores)[0]
        for target in (0, 1):
            shares = window_shares(rows, pooling, target, scores)
            assert shares.sum() == pytest.approx(1.0)
            assert shares @ rows[:, target] == pytest.approx(whole[target])


def test_of_several_classes_the_slope_is_that_of_the_logit_of_one():
    inputs = keras.Input((3,))
    dense = keras.layers.Dense(4)
    predictor = OwnPredictor(keras.Model(inputs, dense(inputs)), 2.0, MULTI_LABEL)
    found = step_slopes(predictor, np.ones((2, 3), np.float32), [0, 1], 2)
    kernel = np.asarray(dense.kernel)[:, 2]
    np.testing.assert_allclose(found, [kernel / 4, kernel / 4], atol=1e-6)  # mean of 2, T = 2
