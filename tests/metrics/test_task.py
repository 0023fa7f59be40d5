"""Both tasks: what they share, and what each decides."""

import numpy as np
import pytest

from metrics.calibration import calibration_error, fit_temperature, log_loss, softmax
from metrics.multi_label import calibration_errors
from metrics.task import (
    MULTI_LABEL,
    SINGLE_LABEL,
    task_named,
    task_of_report,
    task_of_targets,
)

TARGETS = [(0,), (0, 1), ()]
VALUES = np.array([[0.9, 0.3], [0.6, 0.7], [0.2, 0.4]])


@pytest.mark.parametrize("task", [SINGLE_LABEL, MULTI_LABEL])
def test_a_task_is_found_by_its_name_its_targets_and_its_report(task):
    targets = task.encoded([0, 1] if task is SINGLE_LABEL else [(0, 1), ()], 2)
    assert task_named(task.name) is task_of_targets(targets) is task
    assert task_of_report(task.scores(VALUES[:2], targets, ["a", "b"])) is task


def test_one_class_excludes_the_others():
    logits = np.array([[1.0, 3.0, 0.0]])
    np.testing.assert_array_equal(SINGLE_LABEL.probabilities(logits, 2.0), softmax(logits, 2.0))
    rows = SINGLE_LABEL.probabilities(logits)
    assert SINGLE_LABEL.chosen(rows, ()).tolist() == [[False, True, False]]
    targets = SINGLE_LABEL.encoded([1], 3)
    assert SINGLE_LABEL.loss(rows, targets) == log_loss(rows, targets)
    assert SINGLE_LABEL.fit_thresholds(rows, targets) == ()


def test_several_classes_are_found_each_by_itself():
    targets = MULTI_LABEL.encoded(TARGETS, 2)
    assert targets.tolist() == [[1, 0], [1, 1], [0, 0]]
    rows = MULTI_LABEL.probabilities(np.array([[0.0, 100.0]]))
    np.testing.assert_allclose(rows, [[0.5, 1.0]])
    assert MULTI_LABEL.hits(VALUES, targets, (0.5, 0.5)).tolist() == [True, True, True]
    assert MULTI_LABEL.hits(VALUES, targets, (0.65, 0.35)).tolist() == [True, False, False]
    assert MULTI_LABEL.hits(VALUES, targets).tolist() == [True, True, True]  # 0.5 by default
    losses = MULTI_LABEL.losses(VALUES, targets)
    assert losses[0] == pytest.approx(-np.log([0.9, 0.7]).mean())
    assert MULTI_LABEL.main_score(VALUES, targets) == 1.0
    assert MULTI_LABEL.fit_thresholds(VALUES, targets) == (0.4, 0.55)


def test_calibration_is_of_each_class():
    targets = MULTI_LABEL.encoded(TARGETS, 2)
    confidences, hits = MULTI_LABEL.decisions(VALUES, targets)
    assert confidences.tolist() == VALUES.ravel().tolist()
    assert hits.tolist() == [True, False, True, True, False, False]
    mean = np.mean(calibration_errors(VALUES, targets > 0))
    assert MULTI_LABEL.calibration_error(VALUES, targets) == pytest.approx(mean)
    one = SINGLE_LABEL.encoded([0, 1, 1], 2)
    wanted = calibration_error(VALUES.max(1), np.array([True, True, True]))
    assert SINGLE_LABEL.calibration_error(VALUES, one) == wanted


def test_the_temperature_has_the_lowest_binary_cross_entropy():
    random = np.random.default_rng(0)
    logits = random.normal(size=(4000, 3))
    truth = (random.random((4000, 3)) < MULTI_LABEL.probabilities(logits)).astype(np.float32)

    def rows(temperature: float) -> np.ndarray:
        return MULTI_LABEL.probabilities(3 * logits, temperature)

    found = fit_temperature(rows, truth, MULTI_LABEL.loss)
    assert found == pytest.approx(3, rel=0.1)
    best = min(np.linspace(0.5, 5, 91), key=lambda each: MULTI_LABEL.loss(rows(each), truth))
    assert found == pytest.approx(best, abs=0.06)


def test_resampled_differences_follow_the_main_score():
    random = np.random.default_rng(1)
    groups = [str(number // 4) for number in range(40)]
    for task in (SINGLE_LABEL, MULTI_LABEL):
        drawn = random.integers(0, 2, 40)
        targets = task.encoded([int(n) if task is SINGLE_LABEL else (int(n),) for n in drawn], 2)
        head = random.random((40, 2))
        other = head + 2 * (drawn[:, None] == np.arange(2))  # always right
        gains = task.resampled_differences(head, other, targets, groups, 20, 0)
        assert (gains > 0).all()
        gain, interval = task.difference(head, [other], targets, groups, 20, 0)
        assert gain == pytest.approx(1 - task.main_score(head, targets))
        assert interval.low < gain < interval.high
