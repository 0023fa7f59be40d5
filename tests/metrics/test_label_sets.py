import numpy as np
import pytest

from metrics.label_sets import chosen_text, joined, labels_in
from metrics.targets import classes_of, indicators, truth_of


@pytest.mark.parametrize(
    ("text", "labels"),
    [("walk", ("walk",)), ("wave | run|wave", ("run", "wave")), ("a|", ("", "a"))],
)
def test_a_text_has_each_label_once_in_alphabetical_order(text, labels):
    assert labels_in(text) == labels
    assert labels_in(joined(labels)) == labels


def test_no_label_is_background():
    assert joined([]) == chosen_text(np.zeros(2, bool), ["a", "b"]) == "background"
    assert chosen_text(np.array([True, False, True]), ["c", "b", "a"]) == "a|c"


def test_targets_of_one_class_and_of_several():
    assert (classes_of(2), classes_of((0, 2)), classes_of(())) == ((2,), (0, 2), ())
    assert indicators([1, (0, 2)], 3).tolist() == [[0, 1, 0], [1, 0, 1]]
    truth = [[False, True, False], [True, False, False]]
    assert truth_of(np.array([1, 0]), 3).tolist() == truth
    assert truth_of(np.array(truth, np.float32), 3).tolist() == truth
