"""Gradients, against derivatives known by hand."""

import numpy as np
import pytest

from training.gradients import gradients
from training.keras_backend import keras


def test_score_gradients_and_further_values():
    def function(first, second, unused):
        return keras.ops.sum(first * first * second), [first + 1.0]

    first, second = np.array([1.0, 2.0], np.float32), np.array([3.0, -1.0], np.float32)
    score, slopes, kept = gradients(function, [first, second, np.ones(3, np.float32)])
    assert score == pytest.approx(-1.0)
    np.testing.assert_allclose(slopes[0], 2 * first * second)
    np.testing.assert_allclose(slopes[1], first**2)
    np.testing.assert_array_equal(slopes[2], np.zeros(3))
    np.testing.assert_allclose(kept[0], [2.0, 3.0])
