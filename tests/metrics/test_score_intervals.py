"""Intervals of scores that are no mean over clips."""

import numpy as np
import pytest
from scipy.stats import t
from sklearn import metrics as sk

from benchmarks.intervals import Case, macro_f1_coverage, true_macro_f1
from metrics.intervals import jackknife_interval
from metrics.score_intervals import balanced_accuracy, macro_f1, score_intervals


@pytest.fixture
def clips():
    """Probabilities, true classes and groups of 60 clips in 10 groups, about 0.7 right."""
    random = np.random.default_rng(5)
    targets = random.integers(0, 3, 60)
    logits = random.normal(size=(60, 3)) + 1.5 * np.eye(3)[targets]
    powers = np.exp(logits)
    return powers / powers.sum(1, keepdims=True), targets, [f"g{n // 6}" for n in range(60)]


def _by_hand(score, probabilities, targets, groups) -> list[float]:
    """Return the limits by leaving out each group, with scikit-learn's score."""
    names = np.array(groups)
    rest = [score(probabilities[names != g], targets[names != g]) for g in sorted(set(groups))]
    share, variance = score(probabilities, targets), 9 / 10 * np.sum((rest - np.mean(rest)) ** 2)
    effective, q = share * (1 - share) / variance, t.ppf(0.975, 9)
    center = (share + q * q / (2 * effective)) / (1 + q * q / effective)
    half = q * np.sqrt(share * (1 - share) / effective + (q / effective) ** 2 / 4)
    half /= 1 + q * q / effective
    return [center - half, center + half]


SCORES = {
    "macro_f1": lambda p, y: sk.f1_score(y, p.argmax(1), average="macro"),
    "balanced_accuracy": lambda p, y: sk.balanced_accuracy_score(y, p.argmax(1)),
    "roc_auc": lambda p, y: sk.roc_auc_score(y, p, multi_class="ovr", average="macro"),
}


@pytest.mark.parametrize("name", SCORES)
def test_an_interval_is_that_of_the_jackknife_by_hand(name, clips):
    found = score_intervals(*clips)[name]
    assert found.limits == pytest.approx(_by_hand(SCORES[name], *clips))
    assert found.method == "jackknife"


def test_scores_of_a_confusion_matrix_are_those_of_scikit_learn(clips):
    probabilities, targets, _ = clips
    confusion = sk.confusion_matrix(targets, probabilities.argmax(1))
    assert macro_f1(confusion) == pytest.approx(SCORES["macro_f1"](probabilities, targets))
    wanted = SCORES["balanced_accuracy"](probabilities, targets)
    assert balanced_accuracy(confusion) == pytest.approx(wanted)


def test_where_nothing_was_wrong_every_group_counts_as_one_clip():
    q = t.ppf(0.975, 7)
    found = jackknife_interval(1.0, [1.0] * 8, 80)
    assert (found.low, found.high) == (pytest.approx(8 / (8 + q * q)), 1.0)
    assert jackknife_interval(0.7, [], 80).limits == [0, 1]


def test_an_area_that_a_group_decides_has_no_interval(clips):
    probabilities, targets, groups = clips
    alone = [
        "other" if target == 0 else "g" + group
        for target, group in zip(targets, groups, strict=True)
    ]
    two = probabilities[:, :2] / probabilities[:, :2].sum(1, keepdims=True)
    assert "roc_auc" not in score_intervals(two, np.minimum(targets, 1), alone)


def test_many_groups_are_left_out_in_blocks(clips):
    probabilities, targets, _ = clips
    many = [np.tile(each, (5, 1)[: each.ndim]) for each in (probabilities, targets)]
    names = [str(n) for n in range(300)]
    blocks = score_intervals(*many, names)["macro_f1"]
    whole = jackknife_interval(
        SCORES["macro_f1"](*many),
        [SCORES["macro_f1"](*(np.delete(each, n, 0) for each in many)) for n in range(300)],
        300,
    )
    assert blocks.limits == pytest.approx(whole.limits, abs=0.02)


def test_the_interval_of_macro_f1_contains_the_truth_as_often_as_it_says():
    assert true_macro_f1(1.0) == 1.0
    share, _ = macro_f1_coverage(Case(20, (4,), 0.1, (0.7,)), 200, 0)
    assert 0.92 <= share <= 0.99
