import json

import numpy as np
import pytest

from metrics.classification import calibration_error, class_areas, scores


def test_the_calibration_error_of_numbers_made_by_hand():
    # Bin 0.9-1.0: says 0.95, right always: 0.05 off. Bin 0.5-0.6: says 0.55, right half: 0.05 off.
    probabilities = np.array([0.95, 0.95, 0.55, 0.55])
    assert calibration_error(probabilities, np.array([1, 1, 1, 0])) == pytest.approx(0.05)
    # Three quarters stand in a bin that is 0.35 off, a quarter (1.0 itself) in one that is right.
    probabilities = np.array([0.65, 0.65, 0.65, 1.0])
    assert calibration_error(probabilities, np.array([1, 1, 1, 1])) == pytest.approx(0.75 * 0.35)
    assert calibration_error(np.array([1.0, 1.0]), np.array([0, 0])) == pytest.approx(1.0)
    assert calibration_error(np.full(10, 0.7), np.arange(10) < 7) == pytest.approx(0.0)


def test_areas_are_none_where_a_class_or_its_opposite_is_missing():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.8, 0.1, 0.1]])
    areas = class_areas(probabilities, np.array([0, 1, 0]), ["a", "b", "c"])
    assert areas["a"] == {"roc_auc": 1.0, "pr_auc": 1.0}
    assert areas["c"] == {"roc_auc": None, "pr_auc": None}
    areas = class_areas(probabilities, np.array([1, 1, 1]), ["a", "b", "c"])
    assert all(area == {"roc_auc": None, "pr_auc": None} for area in areas.values())


def test_scores_of_numbers_made_by_hand():
    probabilities = np.array([[0.8, 0.1, 0.1], [0.4, 0.5, 0.1], [0.1, 0.7, 0.2], [0.6, 0.3, 0.1]])
    found = scores(probabilities, np.array([0, 0, 1, 1]), ["a", "b", "c"])
    assert found["count"] == 4
    assert found["accuracy"] == 0.5
    assert found["confusion"] == [[1, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert found["log_loss"] == pytest.approx(-np.mean(np.log([0.8, 0.4, 0.7, 0.3])))
    # c is in no clip: it counts in no average.
    assert found["balanced_accuracy"] == 0.5
    assert found["macro_f1"] == 0.5
    assert found["classes"]["a"]["precision"] == found["classes"]["a"]["recall"] == 0.5
    assert found["classes"]["c"]["count"] == 0
    assert found["classes"]["a"]["roc_auc"] == 0.75
    assert found["roc_auc"] == pytest.approx((0.75 + 0.75) / 2)


def test_scores_of_one_class_alone_are_numbers_or_none_and_json_takes_them():
    found = scores(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 0]), ["a", "b"])
    assert found["roc_auc"] is None
    assert found["pr_auc"] is None
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_probability_of_0_for_the_truth_costs_much_but_not_infinity():
    found = scores(np.array([[1.0, 0.0]]), np.array([1]), ["a", "b"])
    assert 20 < found["log_loss"] < 30
