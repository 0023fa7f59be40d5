"""Scores of several classes per clip: against scikit-learn, and by hand."""

import json

import numpy as np
import pytest
from sklearn import metrics as sk

from metrics.classification import class_areas
from metrics.multi_label import (
    average_precisions,
    best_thresholds,
    calibration_errors,
    cross_entropies,
    decided,
    mean_average_precisions,
    sigmoid,
)
from metrics.multi_label_scores import scores

# Four clips and the classes a, b and c; no clip has c.
TRUTH = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]], np.float32)
VALUES = np.array([[0.9, 0.2, 0.1], [0.4, 0.8, 0.1], [0.6, 0.3, 0.2], [0.1, 0.1, 0.7]])
LIMITS = (0.5, 0.25, 0.5)


def drawn(count: int, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return random truth and probabilities with ties: (count, classes) each."""
    random = np.random.default_rng(seed)
    truth = random.random((count, classes)) < 0.3
    values = np.round(np.clip(0.3 * truth + random.random((count, classes)) * 0.8, 0, 1), 1)
    return truth, values


def test_the_scores_by_hand():
    found = scores(VALUES, TRUTH, ["a", "b", "c"], LIMITS)
    # Found are a: clips 1 and 3; b: clips 2 and 3; c: clip 4. True are a: 1, 2; b: 2, 3.
    assert found["count"] == 4
    assert found["classes"]["a"]["precision"] == found["classes"]["a"]["recall"] == 0.5
    assert found["classes"]["b"]["f1"] == 1.0
    assert found["classes"]["c"] == {
        "threshold": 0.5,
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0,
        "count": 0,
        "average_precision": None,
        "roc_auc": None,
        "calibration_error": pytest.approx((0.1 + 0.1 + 0.2 + 0.7) / 4),
    }
    # Of a, the clips in order are 1 (true), 3, 2 (true), 4: (1 + 2/3) / 2.
    assert found["classes"]["a"]["average_precision"] == pytest.approx(5 / 6)
    assert found["mean_average_precision"] == pytest.approx((5 / 6 + 1) / 2)
    assert found["classes"]["a"]["roc_auc"] == 0.75
    # Classes without a clip are no part of the macro averages.
    assert found["macro_f1"] == pytest.approx((0.5 + 1) / 2)
    assert found["micro_precision"] == pytest.approx(3 / 5)
    assert found["micro_recall"] == pytest.approx(3 / 4)
    assert found["micro_f1"] == pytest.approx(2 / 3)
    # Wrong decisions: a of clips 2 and 3, c of clip 4. No decision is wrong in clip 1 only.
    assert found["hamming_loss"] == pytest.approx(3 / 12)
    assert found["subset_accuracy"] == 0.25
    right = [0.9, 0.8, 0.9, 0.4, 0.8, 0.9, 0.4, 0.3, 0.8, 0.9, 0.9, 0.3]
    assert found["log_loss"] == pytest.approx(-np.mean(np.log(right)))
    assert found["co_occurrence"] == [[2, 1, 0], [1, 2, 0], [0, 0, 0]]
    # Of the clips with a, one is found as a (clip 1), and one as b (clip 2).
    assert found["found_by_true"] == [[1, 1, 0], [1, 2, 0], [0, 0, 0]]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_the_scores_are_those_of_scikit_learn():
    truth, values = drawn(60)
    limits = (0.4, 0.5, 0.6, 0.55)
    chosen = values >= limits
    found = scores(values, truth.astype(np.float32), list("abcd"), limits)
    wanted = {
        "mean_average_precision": sk.average_precision_score(truth, values, average="macro"),
        "roc_auc": sk.roc_auc_score(truth, values, average="macro"),
        "macro_f1": sk.f1_score(truth, chosen, average="macro"),
        "macro_precision": sk.precision_score(truth, chosen, average="macro"),
        "macro_recall": sk.recall_score(truth, chosen, average="macro"),
        "micro_precision": sk.precision_score(truth, chosen, average="micro"),
        "micro_recall": sk.recall_score(truth, chosen, average="micro"),
        "micro_f1": sk.f1_score(truth, chosen, average="micro"),
        "subset_accuracy": sk.accuracy_score(truth, chosen),
        "hamming_loss": sk.hamming_loss(truth, chosen),
    }
    assert {name: found[name] for name in wanted} == pytest.approx(wanted)
    for number, label in enumerate("abcd"):
        column = truth[:, number], chosen[:, number]
        mine = found["classes"][label]
        assert mine["precision"] == pytest.approx(sk.precision_score(*column))
        assert mine["recall"] == pytest.approx(sk.recall_score(*column))
        assert mine["f1"] == pytest.approx(sk.f1_score(*column))
        area = sk.average_precision_score(truth[:, number], values[:, number])
        assert mine["average_precision"] == pytest.approx(area)
    together = sk.multilabel_confusion_matrix(truth, chosen)
    assert [row[i] for i, row in enumerate(found["found_by_true"])] == together[:, 1, 1].tolist()


@pytest.mark.parametrize("seed", range(3))
def test_weighted_average_precisions_are_those_of_scikit_learn(seed):
    truth, values = drawn(40, 1, seed)
    weights = np.random.default_rng(seed).integers(0, 4, (6, 40)).astype(float)
    mine = average_precisions(truth[:, 0], values[:, 0], weights)
    wanted = [
        sk.average_precision_score(truth[:, 0], values[:, 0], sample_weight=row) for row in weights
    ]
    np.testing.assert_allclose(mine, wanted)


def test_a_class_that_loses_all_of_its_clips_counts_as_in_all_clips():
    truth = np.array([[1, 0], [0, 1], [0, 0]], bool)
    values = np.array([[0.2, 0.1], [0.9, 0.3], [0.8, 0.7]])
    everything, without_first = mean_average_precisions(
        values, truth, np.array([[1.0, 1, 1], [0, 1, 1]])
    )
    assert everything == pytest.approx((1 / 3 + 1 / 2) / 2)
    assert without_first == everything
    assert mean_average_precisions(values, np.zeros((3, 2), bool), np.ones((1, 3))).tolist() == [0]


def test_sigmoid_is_exact_for_large_logits():
    found = sigmoid(np.array([-8000.0, -2.0, 0.0, 2.0, 8000.0]), 2.0)
    np.testing.assert_allclose(found, [0, 1 / (1 + np.e), 0.5, np.e / (1 + np.e), 1], atol=1e-300)


def test_the_loss_of_a_certain_mistake_is_finite():
    losses = cross_entropies(np.array([[0.0, 1.0]]), np.array([[1, 1]]))
    assert losses == pytest.approx([-np.log(1e-12) / 2])


def test_thresholds_have_the_best_f1_of_all():
    truth, values = drawn(50, 3, 4)
    found = best_thresholds(values, truth)
    for number, threshold in enumerate(found):
        column = truth[:, number], values[:, number]
        best = max(sk.f1_score(column[0], column[1] >= limit) for limit in np.unique(column[1]))
        assert sk.f1_score(column[0], column[1] >= threshold) == pytest.approx(best)


def test_a_threshold_lies_between_two_probabilities_and_near_one_half():
    # From 0.3 to 0.8 nothing changes: the middle between both is the threshold.
    assert best_thresholds(np.array([[0.2], [0.3], [0.8]]), np.array([[0], [0], [1]])) == (0.55,)
    # No clip, or every clip, has the class: nothing can be learned.
    values = np.array([[0.2, 0.9], [0.3, 0.8]])
    assert best_thresholds(values, np.array([[0, 1], [0, 1]])) == (0.5, 0.5)
    # The limits keep a class from being found everywhere, or never.
    assert best_thresholds(np.array([[0.0], [0.001]]), np.array([[0], [1]])) == (0.01,)


def test_a_threshold_is_reached_by_an_equal_probability():
    assert decided(np.array([[0.5, 0.4]]), (0.5, 0.5)).tolist() == [[True, False]]


def test_the_calibration_error_is_that_of_each_class():
    truth = np.array([[1, 0], [0, 0]], bool)
    values = np.array([[0.75, 0.2], [0.75, 0.4]])
    assert calibration_errors(values, truth) == pytest.approx([0.25, 0.3])


def test_areas_of_indicators_are_those_of_each_column():
    truth, values = drawn(30)
    areas = class_areas(values, truth.astype(float), range(4))
    for number in range(4):
        wanted = sk.roc_auc_score(truth[:, number], values[:, number])
        assert areas[number]["roc_auc"] == pytest.approx(wanted)
