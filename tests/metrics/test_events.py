"""Events in long videos, against values computed by hand."""

import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from metrics.events import (
    Span,
    average_precision,
    event_scores,
    mean_average_precision,
    runs,
)


def test_runs_end_with_the_next_step_the_video_and_at_a_gap():
    seconds = np.array([0.0, 1, 2, 3, 20, 21, 22])
    chosen = np.array([1, 1, 0, 1, 1, 0, 1], bool)
    scores = np.array([0.6, 0.8, 0.1, 0.7, 0.9, 0.2, 0.5])
    assert runs("a", seconds, chosen, scores) == [
        Span("a", 0, 2, pytest.approx(0.7)),
        Span("a", 3, 4, 0.7),
        Span("a", 20, 21, 0.9),
        Span("a", 22, 23, 0.5),
    ]
    assert runs("a", seconds, np.zeros(7, bool), scores) == []


def test_the_temporal_iou_by_hand():
    assert Span("a", 0, 4).overlap(Span("a", 2, 6)) == pytest.approx(2 / 6)
    assert Span("a", 0, 4).overlap(Span("b", 0, 4)) == 0
    assert Span("a", 0, 4).overlap(Span("a", 4, 6)) == 0
    assert Span("a", 0, 4).overlap(Span("a", 1, 2)) == 0.25


TRUTH = [Span("a", 0, 10), Span("a", 20, 30), Span("b", 0, 10)]
FOUND = [
    Span("a", 0, 8, 0.9),  # IoU 0.8
    Span("a", 1, 9, 0.8),  # IoU 0.8 with an event that is taken
    Span("a", 24, 34, 0.7),  # IoU 6 / 14 = 0.43
    Span("b", 50, 60, 0.6),  # nothing
    Span("b", 0, 5, 0.5),  # IoU 0.5
]


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        # Hits 1 0 1 0 1: precision 1, 2/3, 3/5 at the three recalls.
        (0.3, (1 + 2 / 3 + 3 / 5) / 3),
        # Hits 1 0 0 0 1: precision 1 and 2/5 at two of three recalls.
        (0.5, (1 + 2 / 5) / 3),
        (0.7, 1 / 3),
    ],
)
def test_average_precision_by_hand(overlap: float, expected: float):
    assert average_precision(FOUND, TRUTH, overlap) == pytest.approx(expected)
    assert average_precision(FOUND[::-1], TRUTH, overlap) == pytest.approx(expected)


def test_average_precision_interpolates():
    # Hits 0 1 1: precision 0, 1/2, 2/3; the best at recall 1/2 or more is 2/3.
    found = [Span("a", 90, 99, 0.9), Span("a", 0, 10, 0.8), Span("a", 20, 30, 0.7)]
    assert average_precision(found, TRUTH[:2], 0.5) == pytest.approx(2 / 3)
    assert average_precision([], TRUTH, 0.5) == 0
    assert average_precision(found, [], 0.5) is None


def test_average_precision_is_that_of_scikit_learn_where_precision_falls():
    # A hit is a found event that equals its true one; precision only falls, so that interpolation
    # changes nothing.
    hits = [1, 1, 0, 1, 0, 0]
    found = [
        Span("a", 20 * n, 20 * n + (10 if hit else 1), 1 - n / 10) for n, hit in enumerate(hits)
    ]
    truth = [Span("a", 20 * n, 20 * n + 10) for n, hit in enumerate(hits) if hit]
    expected = average_precision_score(hits, [each.score for each in found])
    assert average_precision(found, truth, 0.5) == pytest.approx(expected)


def test_event_scores_by_hand():
    found = [Span("a", 2, 8), Span("a", 9, 10), Span("a", 12, 13), Span("b", 20, 21)]
    scores = event_scores(found, TRUTH, hours=0.5)
    assert (scores["events"], scores["found"], scores["detections"]) == (3, 1, 4)
    assert scores["recall"] == pytest.approx(1 / 3)
    assert scores["precision"] == 0.5
    assert scores["delay_median"] == scores["delay_p90"] == 2
    assert scores["false_alarms_per_hour"] == 4
    low, high = scores["false_alarms_per_hour_interval"]
    assert (low, high) == pytest.approx((0.4844, 14.4494), abs=1e-3)  # Garwood, 2 in half an hour
    low, high = scores["recall_interval"]
    assert low < 1 / 3 < high
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores


def test_an_event_that_began_early_has_no_delay_and_one_can_find_two():
    scores = event_scores([Span("a", -1, 25)], TRUTH, hours=1)
    assert (scores["found"], scores["precision"], scores["delay_median"]) == (2, 1, 0)


def test_a_class_without_events_has_no_recall_and_is_left_out_of_the_mean():
    nothing = event_scores([Span("a", 0, 1)], [], hours=1)
    assert (nothing["recall"], nothing["delay_median"], nothing["precision"]) == (None, None, 0)
    something = event_scores(FOUND, TRUTH, hours=1)
    assert mean_average_precision([nothing, something]) == something["average_precision"]
    assert mean_average_precision([nothing]) == {"0.3": None, "0.5": None, "0.7": None}
