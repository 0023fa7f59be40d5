"""Pooling: tables worked out by hand, and what every rule has to keep."""

import numpy as np
import pytest

from metrics.calibration import clip_means, softmax
from metrics.multi_label import sigmoid
from metrics.pooling import MEAN, RULES, Pooling, pool, quarter
from metrics.task import MULTI_LABEL

# Eight windows of a clip; the second class is the event, and its two highest are 0.9 and 0.7.
EVENT = np.array([0.1, 0.2, 0.9, 0.7, 0.3, 0.1, 0.0, 0.1])


def rows_of(clips: int = 3, windows: int = 9, classes: int = 4) -> np.ndarray:
    return np.random.default_rng(0).dirichlet(np.ones(classes), clips * windows)


def rule_of(rule: str) -> Pooling:
    return Pooling(rule, (1, 3) if rule == "top" else ())


def test_mean_is_the_mean_over_the_windows():
    rows, clip = rows_of(), np.repeat([0, 1, 2], 9)
    np.testing.assert_array_equal(pool(rows, clip), clip_means(rows, clip))


@pytest.mark.parametrize(("windows", "wanted"), [(1, 1), (3, 1), (7, 1), (8, 2), (45, 11)])
def test_a_quarter_has_at_least_one_window(windows, wanted):
    assert quarter(windows) == wanted


def test_top_is_the_mean_of_the_highest_quarter_and_background_is_the_rest():
    rows = np.stack([1 - EVENT, EVENT], 1)
    clip = np.zeros(8, int)
    np.testing.assert_allclose(pool(rows, clip, Pooling("top", (1,))), [[0.2, 0.8]])
    np.testing.assert_allclose(pool(rows, clip), [[0.7, 0.3]])


def test_classes_that_are_no_events_share_the_rest_by_their_means():
    rows = np.stack([0.75 * (1 - EVENT), EVENT, 0.25 * (1 - EVENT)], 1)
    found = pool(rows, np.zeros(8, int), Pooling("top", (1,)))
    np.testing.assert_allclose(found, [[0.15, 0.8, 0.05]])


def test_two_events_share_what_the_background_leaves():
    """One event in the first window, another in the last: each quarter is one window."""
    rows = np.array([[0.1, 0.9, 0.0], [0.8, 0.1, 0.1], [0.9, 0.05, 0.05], [0.4, 0.0, 0.6]])
    found = pool(rows, np.zeros(4, int), Pooling("top", (1, 2)))
    np.testing.assert_allclose(found, [[0.1, 0.9 * 0.6, 0.9 * 0.4]])


def test_where_every_class_is_an_event_they_share_all():
    rows = np.array([[0.9, 0.1], [0.5, 0.5], [0.4, 0.6], [0.7, 0.3]])
    found = pool(rows, np.zeros(4, int), Pooling("top", (0, 1)))
    np.testing.assert_allclose(found, [[0.6, 0.4]])


def test_attention_weights_by_the_softmax_of_the_scores_within_each_clip():
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.2, 0.8]])
    scores = np.array([np.log(3), 0.0, 700.0, 700.0 + np.log(2)])
    found = pool(rows, np.array([0, 0, 1, 1]), Pooling("attention"), scores)
    np.testing.assert_allclose(found, [[0.75, 0.25], [0.3, 0.7]])


def test_attention_without_scores_is_the_mean():
    rows, clip = rows_of(), np.repeat([0, 1, 2], 9)
    np.testing.assert_allclose(pool(rows, clip, Pooling("attention")), pool(rows, clip))


@pytest.mark.parametrize("rule", RULES)
def test_a_clip_of_one_window_has_its_probabilities(rule):
    rows = rows_of(clips=5, windows=1)
    found = pool(rows, np.arange(5), rule_of(rule), np.arange(5.0))
    np.testing.assert_allclose(found, rows, rtol=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_rows_sum_to_1_whatever_the_order_of_the_windows(rule):
    rows, clip = rows_of(), np.repeat([0, 1, 2], 9)
    scores = np.random.default_rng(1).normal(size=27)
    found = pool(rows, clip, rule_of(rule), scores)
    np.testing.assert_allclose(found.sum(1), 1)
    order = np.random.default_rng(2).permutation(27)
    mixed = pool(rows[order], clip[order], rule_of(rule), scores[order])
    np.testing.assert_allclose(mixed, found)
    assert np.abs(found - pool(rows, clip)).max() > 0.01 or rule == "mean"


def test_certain_windows_give_finite_probabilities():
    rows = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    for events in ((0,), (1, 2)):
        found = pool(rows, np.zeros(2, int), Pooling("top", events))
        np.testing.assert_allclose(found, [[1, 0, 0]])


def test_outputs_are_logits_and_with_attention_a_score():
    outputs = np.random.default_rng(0).normal(size=(6, 4))
    clip = np.repeat([0, 1], 3)
    for pooling in (MEAN, Pooling("top", (2,))):
        wanted = pool(softmax(outputs, 2.0), clip, pooling)
        np.testing.assert_array_equal(pooling.clip_probabilities(outputs, clip, 2.0), wanted)
    scored = Pooling("attention")
    windows = softmax(outputs[:, :3], 2.0)  # the temperature leaves the scores as they are
    np.testing.assert_array_equal(scored.window_probabilities(outputs, 2.0), windows)
    wanted = pool(windows, clip, scored, outputs[:, 3])
    np.testing.assert_array_equal(scored.clip_probabilities(outputs, clip, 2.0), wanted)


def test_several_classes_are_pooled_each_by_itself():
    rows = np.array([[0.1, 0.2], [0.9, 0.4], [0.1, 0.8], [0.1, 0.6]])
    found = pool(rows, np.zeros(4, int), Pooling("top", (0,), MULTI_LABEL))
    # Class 0 has its highest quarter of four windows, class 1 the mean.
    np.testing.assert_allclose(found, [[0.9, 0.5]])
    outputs = np.array([[0.0, 2.0], [1.0, -2.0]])
    mean = Pooling(task=MULTI_LABEL)
    np.testing.assert_allclose(
        mean.clip_probabilities(outputs, np.zeros(2, int), 2.0), sigmoid(outputs, 2.0).mean(0)[None]
    )
