"""Classification metrics against values computed by hand."""

import json

import numpy as np
import pytest

from metrics.classification import calibration_error, class_areas, scores


def test_calibration_error_of_values_computed_by_hand():
    # Bin 0.9-1.0: confidence 0.95, accuracy 1. Bin 0.5-0.6: confidence 0.55, accuracy 0.5.
    probabilities = np.array([0.95, 0.95, 0.55, 0.55])
    assert calibration_error(probabilities, np.array([1, 1, 1, 0])) == pytest.approx(0.05)
    # Three of four are in a bin with a gap of 0.35; probability 1.0 belongs to the last bin.
    probabilities = np.array([0.65, 0.65, 0.65, 1.0])
    assert calibration_error(probabilities, np.array([1, 1, 1, 1])) == pytest.approx(0.75 * 0.35)
    assert calibration_error(np.array([1.0, 1.0]), np.array([0, 0])) == pytest.approx(1.0)
    assert calibration_error(np.full(10, 0.7), np.arange(10) < 7) == pytest.approx(0.0)


def test_class_areas_are_none_if_all_or_no_targets_are_of_the_class():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.8, 0.1, 0.1]])
    areas = class_areas(probabilities, np.array([0, 1, 0]), ["a", "b", "c"])
    assert areas["a"] == {"roc_auc": 1.0, "pr_auc": 1.0}
    assert areas["c"] == {"roc_auc": None, "pr_auc": None}
    areas = class_areas(probabilities, np.array([1, 1, 1]), ["a", "b", "c"])
    assert all(area == {"roc_auc": None, "pr_auc": None} for area in areas.values())


def test_scores_of_values_computed_by_hand():
    probabilities = np.array([[0.8, 0.1, 0.1], [0.4, 0.5, 0.1], [0.1, 0.7, 0.2], [0.6, 0.3, 0.1]])
    found = scores(probabilities, np.array([0, 0, 1, 1]), ["a", "b", "c"])
    assert found["count"] == 4
    assert found["accuracy"] == 0.5
    assert found["confusion"] == [[1, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert found["log_loss"] == pytest.approx(-np.mean(np.log([0.8, 0.4, 0.7, 0.3])))
    # No clip is of class c, so the averages leave it out.
    assert found["balanced_accuracy"] == 0.5
    assert found["macro_f1"] == 0.5
    assert found["classes"]["a"]["precision"] == found["classes"]["a"]["recall"] == 0.5
    assert found["classes"]["c"]["count"] == 0
    assert found["classes"]["a"]["roc_auc"] == 0.75
    assert found["roc_auc"] == pytest.approx((0.75 + 0.75) / 2)


def test_scores_of_a_single_class_are_valid_json():
    found = scores(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 0]), ["a", "b"])
    assert found["roc_auc"] is None
    assert found["pr_auc"] is None
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_log_loss_of_a_zero_probability_is_large_but_finite():
    found = scores(np.array([[1.0, 0.0]]), np.array([1]), ["a", "b"])
    assert 20 < found["log_loss"] < 30
