"""Validation scores of sampled and labelled clips, and the better epoch by each score."""

import json
import math
from dataclasses import asdict

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from extract.finetuning.validation import HIGHER_IS_BETTER, Scores, scores_of
from metrics.calibration import softmax
from recipes.schema import Finetune


def scored(monitor: str, value: float) -> Scores:
    others = dict.fromkeys(("loss", "accuracy", "clip_accuracy", "roc_auc"), 0.5)
    return Scores(**{**others, monitor: value})


def test_every_monitor_of_the_schema_has_a_direction():
    assert set(HIGHER_IS_BETTER) == set(Finetune.model_fields["monitor"].annotation.__args__)


@pytest.mark.parametrize(
    ("monitor", "better", "worse"),
    [
        ("loss", 0.4, 0.6),
        ("accuracy", 0.6, 0.4),
        ("clip_accuracy", 0.6, 0.4),
        ("roc_auc", 0.6, 0.4),
    ],
)
def test_better_goes_in_the_score_s_own_direction(monitor, better, worse):
    good, bad, unknown = (scored(monitor, value) for value in (better, worse, math.nan))
    assert good.better_than(bad, monitor)
    assert not bad.better_than(good, monitor)
    assert not good.better_than(good, monitor)  # the first of equals is kept
    assert bad.better_than(None, monitor)
    assert good.better_than(unknown, monitor)
    assert not unknown.better_than(bad, monitor)
    assert not unknown.better_than(unknown, monitor)
    for other in set(HIGHER_IS_BETTER) - {monitor}:
        assert not good.better_than(bad, other)


def test_the_scores_are_those_of_the_softmax_by_draw_and_by_clip():
    logits = np.array([[2.0, 0.0], [0.0, 0.5], [0.0, 3.0], [1.0, 0.0], [0.3, 0.0]])
    classes, clip_of = np.array([0, 0, 1, 1, 0]), np.array([0, 0, 1, 1, 2])
    scores = scores_of(logits, classes, clip_of)
    powers = np.exp(logits)
    wanted = powers / powers.sum(1, keepdims=True)
    assert scores.loss == pytest.approx(-np.log(wanted[np.arange(5), classes]).mean())
    assert scores.accuracy == 3 / 5
    assert scores.clip_accuracy == 1.0
    # Clips of class 1 stand before both of class 0 by their mean probability.
    assert scores.roc_auc == 1.0


def test_the_area_is_the_mean_over_the_classes_that_are_there():
    logits = np.log([[0.5, 0.3, 0.2], [0.6, 0.3, 0.1], [0.3, 0.4, 0.3], [0.4, 0.5, 0.1]])
    classes = np.array([0, 0, 1, 1])
    scores = scores_of(logits, classes, np.arange(4))
    # Class 0: both of its clips are above the others; class 1 likewise; class 2 has none.
    assert scores.roc_auc == 1.0
    mixed = scores_of(logits, np.array([0, 1, 1, 0]), np.arange(4))
    # Class 0: pairs (0.5, 0.4) against (0.6, 0.3): 2 of 4; class 1: (0.3, 0.4) against (0.3, 0.5):
    # a tie, a loss, a win and a loss.
    assert mixed.roc_auc == pytest.approx((0.5 + 1.5 / 4) / 2)


def test_the_area_of_one_class_alone_is_unknown():
    scores = scores_of(np.zeros((3, 2)), np.array([1, 1, 1]), np.arange(3))
    assert math.isnan(scores.roc_auc)
    assert scores.loss == pytest.approx(math.log(2))


def test_the_temperature_is_the_one_whose_clips_lose_least():
    random = np.random.default_rng(0)
    classes = np.repeat(random.integers(0, 3, 60), 2)
    logits = random.normal(size=(120, 3)) + 2.0 * np.eye(3)[classes]
    clip_of = np.repeat(np.arange(60), 2)

    def loss(temperature: float) -> float:
        clips = softmax(logits * 3.0, temperature).reshape(60, 2, 3).mean(1)
        return -np.log(clips[np.arange(60), classes[::2]]).mean()

    found = scores_of(logits * 3.0, classes, clip_of).temperature
    tried = np.arange(0.5, 5.0, 0.01)
    assert found == pytest.approx(tried[np.argmin([loss(t) for t in tried])], abs=0.01)
    assert 0.6 < found < 4.5  # within the bounds


def test_scores_of_several_classes_are_those_of_each_by_itself():
    random = np.random.default_rng(0)
    truth = (random.random((30, 3)) < 0.4).astype(np.float32)
    logits = random.normal(size=(60, 3)) + 2 * np.repeat(truth, 2, axis=0) - 1
    clip_of = np.repeat(np.arange(30), 2)
    scores = scores_of(logits, np.repeat(truth, 2, axis=0), clip_of)
    rows = 1 / (1 + np.exp(-logits))
    clips = rows.reshape(30, 2, 3).mean(1)
    targets = np.repeat(truth, 2, axis=0)
    wanted = -np.log(np.where(targets > 0, rows, 1 - rows)).mean()
    assert scores.loss == pytest.approx(wanted)
    assert scores.clip_accuracy == pytest.approx(average_precision_score(truth, clips))
    assert scores.accuracy == pytest.approx(average_precision_score(targets, rows))
    assert scores.roc_auc == pytest.approx(roc_auc_score(truth, clips))
    assert len(scores.thresholds) == 3
    names = set(scores.columns())
    assert {"val_mean_average_precision", "val_clip_mean_average_precision"} <= names
    assert Scores(**json.loads(json.dumps(asdict(scores)))) == scores  # as in a checkpoint
