"""Losses of one class per clip and of several, by hand."""

import numpy as np
import pytest

from metrics.task import MULTI_LABEL, SINGLE_LABEL
from training.keras_backend import keras
from training.objective import MultiLabelLoss, Objective
from training.optimizers import class_weights

TARGETS = np.array([[1, 0], [1, 1], [1, 0], [0, 0]], np.float32)
LOGITS = np.array([[2.0, -1.0], [0.5, 0.0], [-3.0, 1.0], [0.0, 4.0]], np.float32)


def losses(targets: np.ndarray) -> np.ndarray:
    """Return the binary cross-entropies of LOGITS: (4, 2)."""
    return np.log1p(np.exp(-np.abs(LOGITS))) + np.maximum(LOGITS, 0) - LOGITS * targets


def test_the_loss_is_the_weighted_mean_of_the_classes():
    objective = Objective(MULTI_LABEL, TARGETS, 2, "auto")
    # Class 0 has three clips, class 1 one: its weight is three times as large, and the mean is 1.
    np.testing.assert_allclose(objective.class_weights, [0.5, 1.5], rtol=1e-6)
    wanted = (losses(TARGETS) * [0.5, 1.5]).mean()
    assert float(objective.sparse_loss()(TARGETS, LOGITS)) == pytest.approx(wanted, rel=1e-5)
    assert objective.example_weights(TARGETS).tolist() == [1, 1, 1, 1]


def test_label_smoothing_moves_targets_towards_one_half():
    objective = Objective(MULTI_LABEL, TARGETS, 2, "none")
    wanted = losses(0.8 * TARGETS + 0.1).mean()
    assert float(objective.soft_loss(0.2)(TARGETS, LOGITS)) == pytest.approx(wanted, rel=1e-5)


def test_a_class_without_clips_has_a_finite_weight():
    weights = class_weights(np.array([[1, 0], [1, 0]], np.float32), 2, "auto")
    np.testing.assert_allclose(weights, [2 / 3, 4 / 3], rtol=1e-6)


def test_the_loss_can_be_saved():
    loss = MultiLabelLoss([0.5, 1.5], 0.1)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert (again.weights, again.label_smoothing) == ([0.5, 1.5], 0.1)


def test_one_class_per_clip_weighs_the_clips():
    objective = Objective(SINGLE_LABEL, np.array([0, 0, 0, 1]), 2, "auto")
    np.testing.assert_allclose(objective.example_weights(np.array([1, 0])), [2, 2 / 3], rtol=1e-6)
    assert isinstance(objective.sparse_loss(), keras.losses.SparseCategoricalCrossentropy)
    assert isinstance(objective.soft_loss(0.0), keras.losses.CategoricalCrossentropy)
