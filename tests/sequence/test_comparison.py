"""The sentence where a linear baseline is as good as the head."""

import numpy as np
import pytest

from metrics.intervals import difference_interval
from sequence.comparison import Comparison, advice, comparisons, difference_to, remarks
from sequence.dataset import LabeledSegment
from tests.sequence.stores import Clip, dataset_of


def compared(baseline: str, accuracy: float, head: str = "lstm", of_head: float = 0.75):
    return Comparison(head, baseline, of_head, accuracy, (-0.01, 0.06))


def test_nothing_is_said_where_the_head_is_better_than_every_baseline():
    assert (
        advice([compared("ridge", 0.7), compared("moments", 0.74), compared("motion", 0.5)]) == ""
    )
    assert advice([]) == ""


def test_the_sentence_has_both_numbers_and_the_command():
    said = advice([compared("ridge", 0.76), compared("moments", 0.78), compared("motion", 0.5)])
    assert said == (
        "On these clips the linear baseline moments (0.780) is at least as good as lstm (0.750; "
        "difference +0.030, 95 % interval -0.010 to +0.060, paired over groups): the order of the "
        "steps adds nothing that they show; python train_lstm.py --head statistics trains a linear "
        "model that runs live."
    )


def test_an_equal_accuracy_is_as_good():
    assert "ridge (0.750)" in advice([compared("ridge", 0.75)])


@pytest.mark.parametrize("head", ["lstm", "statistics"])
def test_motion_says_that_the_network_adds_nothing(head):
    said = advice([compared("moments", 0.8, head), compared("motion", 0.8, head)])
    assert "baseline motion (0.800)" in said
    assert "the network adds nothing that they show" in said
    assert said.endswith("python extract.py --backbone NAME.")


@pytest.mark.parametrize("head", ["mean", "statistics"])
def test_a_head_that_sees_no_order_is_not_said_to_use_it(head):
    said = advice([compared("moments", 0.8, head)])
    assert "order" not in said
    assert ("train_lstm.py --head statistics" in said) == (head == "mean")


def segments(targets: list[int], groups: str) -> list[LabeledSegment]:
    pairs = zip(targets, groups, strict=True)
    return [LabeledSegment(f"{n}", t, "test", g, 0, 9) for n, (t, g) in enumerate(pairs)]


def test_the_difference_is_paired_over_groups():
    truth = segments([0, 1, 0, 1, 0, 1, 0, 1], "aabbccdd")
    targets = np.array([segment.target for segment in truth])
    wrong_in_a = np.eye(2)[np.where(np.arange(8) < 2, 1 - targets, targets)]
    wrong_in_ab = np.eye(2)[np.where(np.arange(8) < 4, 1 - targets, targets)]
    found = difference_to(wrong_in_ab, wrong_in_a, truth, 500, 0)
    assert found["accuracy"] == 0.25
    gain = np.array([0, 0, 1, 1, 0, 0, 0, 0])
    expected = difference_interval(gain, [*"aabbccdd"], 500, 0)
    assert (found["interval"], found["method"]) == (expected.limits, "t")
    same = difference_to(wrong_in_a, wrong_in_a, truth, 500, 0)
    low, high = same["interval"]
    # Four groups without a difference do not say that there is none.
    assert (same["accuracy"], low, same["method"]) == (0.0, -high, "exact")
    assert high > 0.3


def row(name: str, accuracy: float, low: float, high: float) -> dict:
    difference = {"accuracy": 0.0, "interval": [low, high]}
    return {"name": name, "clip": {"accuracy": accuracy}, "difference_to_head": difference}


def test_repeats_are_averaged():
    rows = [
        {"name": "lstm", "clip": {"accuracy": 0.7}},
        row("mean", 0.9, 0.0, 0.2),
        row("moments", 0.8, -0.1, 0.3),
        {"name": "lstm", "clip": {"accuracy": 0.6}},
        row("mean", 0.9, 0.0, 0.2),
        row("moments", 0.6, -0.3, 0.1),
    ]
    (only,) = comparisons("lstm", rows)  # `mean` is no linear baseline
    assert (only.head, only.baseline) == ("lstm", "moments")
    np.testing.assert_allclose([only.head_accuracy, only.accuracy], [0.65, 0.7])
    np.testing.assert_allclose(only.interval, [-0.2, 0.2])


def test_a_report_without_motion_says_so(tmp_path):
    clips = [Clip(name, np.ones((4, 3), np.float32), name) for name in "ab"]
    rows = [{"name": "lstm", "clip": {"accuracy": 0.7}}, row("moments", 0.6, -0.3, 0.1)]
    (said,) = remarks("lstm", rows, dataset_of(tmp_path, clips, look_back=2))
    assert said.startswith("The baseline motion is left out: ")
    (tmp_path / "moving").mkdir()
    moving = [Clip(each.video, each.rows, each.label, motion=np.ones((4, 16))) for each in clips]
    dataset = dataset_of(tmp_path / "moving", moving, look_back=2)
    assert remarks("lstm", [*rows, row("motion", 0.6, -0.3, 0.1)], dataset) == []
