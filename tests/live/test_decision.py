import numpy as np
import pytest

from live.decision import Decision

LABELS = ("bat", "bowl", "run")


def decision(*probabilities: float, threshold: float = 0.5) -> Decision:
    return Decision(3, 0.3, np.array(probabilities), LABELS, threshold)


def test_the_label_is_the_likeliest_class():
    made = decision(0.2, 0.7, 0.1)
    assert (made.label, made.probability, made.above_threshold) == ("bowl", 0.7, True)
    assert made.best(2) == [("bowl", 0.7), ("bat", 0.2)]
    assert len(made.best(9)) == 3


def test_between_equals_the_first_class_wins_as_in_the_report():
    made = decision(0.4, 0.4, 0.2)
    assert made.label == LABELS[int(made.probabilities.argmax())] == "bat"
    assert [name for name, _ in made.best(3)] == ["bat", "bowl", "run"]


@pytest.mark.parametrize(("threshold", "above"), [(0.6, False), (0.5, True), (0.0, True)])
def test_a_label_below_the_threshold_is_not_relied_on(threshold, above):
    assert decision(0.5, 0.3, 0.2, threshold=threshold).above_threshold == above


def test_a_label_is_not_relied_on_until_the_window_is_full():
    sure = np.array([0.1, 0.9])
    assert not Decision(0, 0.0, sure, ("a", "b"), 0.5, full=False).above_threshold
    assert Decision(9, 0.9, sure, ("a", "b"), 0.5, full=True).above_threshold


def several(*probabilities: float, **options) -> Decision:
    values = np.array(probabilities)
    return Decision(3, 0.3, values, LABELS, 0.5, thresholds=(0.5, 0.8, 0.3), **options)


def test_every_label_that_reaches_its_threshold_is_found():
    made = several(0.6, 0.7, 0.9)
    assert made.found == [("run", 0.9), ("bat", 0.6)]
    assert (made.label, made.probability, made.above_threshold) == ("bat|run", 0.9, True)
    assert made.best(1) == [("run", 0.9)]
    assert several(0.5, 0.8, 0.3).label == "bat|bowl|run"


def test_where_none_is_found_the_label_is_background():
    made = several(0.4, 0.7, 0.2)
    assert (made.label, made.found, made.above_threshold) == ("background", [], False)
    assert not several(0.9, 0.9, 0.9, full=False).above_threshold


def test_one_label_at_a_time_is_found_alone():
    assert decision(0.5, 0.3, 0.2).found == [("bat", 0.5)]
    assert decision(0.4, 0.3, 0.3).found == []
