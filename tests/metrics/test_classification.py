"""Classification metrics against values computed by hand."""

import json

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from metrics.calibration import calibration_error, reliability
from metrics.classification import class_areas, scores


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


@pytest.fixture
def many() -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of 120 clips for 7 classes of different size, and their true classes."""
    random = np.random.default_rng(1)
    targets = random.choice(7, 120, p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.05, 0.05])
    return random.dirichlet(np.ones(7), 120) * 0.6 + 0.4 * np.eye(7)[targets], targets


def test_every_score_is_that_of_scikit_learn(many):
    probabilities, targets = many
    predicted = probabilities.argmax(1)
    found = scores(probabilities, targets, [*"abcdefg"])
    assert found["top5_accuracy"] == pytest.approx(
        sk.top_k_accuracy_score(targets, probabilities, k=5)
    )
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(targets, predicted))
    assert found["balanced_accuracy"] == pytest.approx(
        sk.balanced_accuracy_score(targets, predicted)
    )
    for average in ("macro", "weighted"):
        expected = sk.precision_recall_fscore_support(
            targets, predicted, average=average, zero_division=0.0
        )[:3]
        names = ("precision", "recall", "f1")
        assert [found[f"{average}_{name}"] for name in names] == pytest.approx(expected)
    assert found["log_loss"] == pytest.approx(sk.log_loss(targets, probabilities))
    assert found["roc_auc"] == pytest.approx(
        sk.roc_auc_score(targets, probabilities, multi_class="ovr", average="macro")
    )
    truth = np.eye(7)[targets]
    assert found["pr_auc"] == pytest.approx(sk.average_precision_score(truth, probabilities))
    each = sk.precision_recall_fscore_support(targets, predicted, zero_division=0.0)
    for number, row in enumerate(found["classes"].values()):
        values = [row["precision"], row["recall"], row["f1"], row["count"]]
        assert values == pytest.approx([column[number] for column in each])
        assert row["roc_auc"] == pytest.approx(
            sk.roc_auc_score(truth[:, number], probabilities[:, number])
        )
        assert row["pr_auc"] == pytest.approx(
            sk.average_precision_score(truth[:, number], probabilities[:, number])
        )
    assert found["confusion"] == sk.confusion_matrix(targets, predicted).tolist()


def test_top_5_needs_more_than_five_classes():
    five = scores(np.full((2, 5), 0.2), np.array([0, 4]), [*"abcde"])
    assert "top5_accuracy" not in five
    six = scores(np.full((2, 6), 1 / 6), np.array([0, 5]), [*"abcdef"])
    assert six["top5_accuracy"] == 0.5  # of equal ones the first five


def test_reliability_is_that_of_scikit_learn(many):
    probabilities, targets = many
    confidences, hits = probabilities.max(1), probabilities.argmax(1) == targets
    found = reliability(confidences, hits)
    accuracy, confidence = calibration_curve(hits, confidences, n_bins=10)
    assert [each.accuracy for each in found] == pytest.approx(accuracy)
    assert [each.confidence for each in found] == pytest.approx(confidence)
    assert sum(each.count for each in found) == len(targets)
    error = sum(each.count * abs(each.accuracy - each.confidence) for each in found) / len(targets)
    assert calibration_error(confidences, hits) == pytest.approx(error)
