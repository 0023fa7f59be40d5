"""Cross-validation and metrics of predictions."""

import numpy as np
import pytest

from metrics.calibration import softmax
from metrics.pooling import MEAN, Pooling
from recipes.loader import load
from sequence import cross_validation
from sequence.cross_validation import cross_validate
from sequence.dataset import Dataset
from sequence.evaluation import Predictions, measure, video_predictions
from sequence.windows import windows
from tests.sequence.stores import Clip, dataset_of
from video.errors import LookbackError, UsageError


class FlatModel:
    """Stand-in for a trained model that remembers its training data.

    The larger of the first two features is the predicted class.
    """

    temperature, pooling, thresholds = 1.0, MEAN, ()

    def __init__(self, training, validation) -> None:
        self.training, self.validation = training, validation

    def logits(self, windows: np.ndarray) -> np.ndarray:
        return windows.mean(1)[:, :2]


def grouped_set(folder, groups: int, a_group: int = 2) -> Dataset:
    random = np.random.default_rng(0)
    clips = [
        Clip(
            f"{label}{g}-{n}", random.normal(size=(6, 3)).astype("float32"), label, "train", f"{g}"
        )
        for g in range(groups)
        for label in "ab"
        for n in range(a_group)
    ]
    return dataset_of(folder, clips, look_back=4)


def recipe(folds: int, repeats: int = 1, **more):
    keys = {"evaluate.folds": folds, "evaluate.repeats": repeats, "evaluate.bootstrap": 50}
    return load(flags={**keys, "evaluate.shuffles": 0, **more}).recipe


@pytest.fixture
def predict_calls(monkeypatch) -> list:
    """Replace training by `FlatModel`; collect (name, model, tested segments) of predictions."""
    calls, predict = [], cross_validation.predict

    def spied(name, model, dataset, segments):
        calls.append((name, model, segments))
        return predict(name, model, dataset, segments)

    def flat_fit(dataset, training, validation, *_):
        return FlatModel(training, validation)

    monkeypatch.setattr(cross_validation, "fit", flat_fit)
    monkeypatch.setattr(cross_validation, "fit_mean_baseline", flat_fit)
    monkeypatch.setattr(cross_validation, "predict", spied)
    return calls


def test_each_clip_is_predicted_once_per_repeat_without_training_on_its_group(
    tmp_path, predict_calls
):
    dataset = grouped_set(tmp_path, groups=9)
    cross_validate(dataset, recipe(folds=3, repeats=2))
    for name in ("lstm", "mean"):
        runs = [(model, segments) for called, model, segments in predict_calls if called == name]
        assert len(runs) == 3 * 2
        for repeat in (runs[:3], runs[3:]):
            tested = [segment for _, segments in repeat for segment in segments]
            assert sorted(p.video for p in tested) == sorted(p.video for p in dataset.segments)
        for model, segments in runs:
            groups = [
                {segment.group for segment in part}
                for part in (segments, model.training, model.validation)
            ]
            assert all(groups)
            assert not groups[0] & (groups[1] | groups[2])
            assert not groups[1] & groups[2]
            assert sum(map(len, groups)) == 9
    first, second = ([[p.video for p in r[2]] for r in predict_calls[n::6]] for n in (0, 3))
    assert first != second  # the second repeat has other folds


def test_the_baselines_are_fitted_without_the_tested_groups(tmp_path, predict_calls, monkeypatch):
    fits, fit_baseline = [], cross_validation.fit_baseline

    def spied(name, dataset, training, validation):
        fits.append({segment.group for segment in (*training, *validation)})
        return fit_baseline(name, dataset, training, validation)

    monkeypatch.setattr(cross_validation, "fit_baseline", spied)
    cross_validate(grouped_set(tmp_path, groups=9), recipe(folds=3))
    tested = [{p.group for p in segments} for name, _, segments in predict_calls if name == "lstm"]
    assert len(fits) == 2 * 3
    for number, groups in enumerate(fits):
        assert not groups & tested[number // 2]


def test_a_row_has_metrics_over_all_clips_and_per_fold(tmp_path, predict_calls):
    dataset = grouped_set(tmp_path, groups=9)
    rows = cross_validate(dataset, recipe(folds=3, repeats=2)).rows
    assert [(row["name"], row["repeat"]) for row in rows] == [
        (name, repeat)
        for repeat in (1, 2)
        for name in ("lstm", "mean", "ridge", "moments", "majority")
    ]
    truth = np.array([segment.target for segment in dataset.segments])
    clips = [windows(dataset.rows(segment), 4)[3:].mean(1)[:, :2] for segment in dataset.segments]
    predicted = np.array([softmax(logits).mean(0).argmax() for logits in clips])
    for row in rows:
        assert row["clip"]["count"] == 36
        assert row["clip"]["groups"] == 9
        assert len(row["fold_accuracies"]) == 3
        pooled = row["name"] in ("lstm", "mean")
        assert row.get("fold_poolings") == (["mean"] * 3 if pooled else None)
        assert ("difference_to_head" in row) == (row["name"] != "lstm")
        if row["name"] == "lstm":
            assert row["clip"]["accuracy"] == np.mean(predicted == truth)
            assert np.mean(row["fold_accuracies"]) == pytest.approx(np.mean(predicted == truth))


def test_auto_chooses_the_pooling_of_each_fold_anew(tmp_path, predict_calls, monkeypatch):
    made, rules = [], iter(["top", "mean", "top"])

    def choose(dataset, training, validation, chosen, seed):
        groups = {segment.group for part in (training, validation) for segment in part}
        made.append((chosen.pooling, groups))
        return chosen.model_copy(update={"pooling": next(rules)})

    def flat_fit(dataset, training, validation, chosen, seed):
        model = FlatModel(training, validation)
        model.pooling = Pooling(chosen.pooling, (1,))
        return model

    monkeypatch.setattr(cross_validation, "choose_pooling", choose)
    for name in ("fit", "fit_mean_baseline"):
        monkeypatch.setattr(cross_validation, name, flat_fit)
    settings = load(
        flags={
            "evaluate.folds": 3,
            "evaluate.bootstrap": 50,
            "evaluate.shuffles": 0,
            "sequence.pooling": "auto",
        }
    )
    rows = cross_validate(grouped_set(tmp_path, groups=9), settings.recipe).rows
    assert [rule for rule, _ in made] == ["auto"] * 3
    tested = [{p.group for p in segments} for name, _, segments in predict_calls if name == "lstm"]
    assert not any(groups & test for (_, groups), test in zip(made, tested, strict=True))
    assert rows[0]["fold_poolings"] == rows[1]["fold_poolings"] == ["top", "mean", "top"]


def test_the_models_of_all_folds_have_seeds_of_their_own(tmp_path, monkeypatch):
    seeds = []

    def flat_fit(dataset, training, validation, chosen, seed, *_):
        if chosen.head == "lstm":
            seeds.extend(seed + number for number in range(chosen.ensemble))
        return FlatModel(training, validation)

    monkeypatch.setattr(cross_validation, "fit", flat_fit)
    monkeypatch.setattr(cross_validation, "fit_mean_baseline", flat_fit)
    chosen = recipe(folds=3, repeats=2)
    sequence = chosen.sequence.model_copy(update={"ensemble": 3})
    chosen = chosen.model_copy(update={"sequence": sequence})
    cross_validate(grouped_set(tmp_path, groups=9), chosen)
    # fit_mean_baseline gets the recipe's head, too: every seed is there twice.
    assert sorted(seeds) == sorted(2 * [*range(9), *range(1000, 1009)])


@pytest.mark.parametrize("folds", [0, 1])
def test_fewer_than_two_folds_are_a_usage_error(folds, tmp_path, predict_calls):
    with pytest.raises(UsageError, match="--folds"):
        cross_validate(grouped_set(tmp_path, groups=9), recipe(folds))


@pytest.mark.parametrize(
    ("groups", "told"), [(4, "allow at most 4 folds"), (1, "are too few for two folds")]
)
def test_more_folds_than_groups_are_an_error_with_the_maximum(
    groups, told, tmp_path, predict_calls
):
    with pytest.raises(LookbackError, match=rf"--folds 5: .*\({groups} groups\) {told}; a fold"):
        cross_validate(grouped_set(tmp_path, groups=groups), recipe(folds=5))


def test_few_clips_per_class_can_be_cross_validated(tmp_path, predict_calls):
    # With five groups, a fold leaves fewer than six groups to take validation from.
    dataset = grouped_set(tmp_path, groups=5, a_group=1)
    rows = cross_validate(dataset, recipe(folds=4)).rows
    assert rows[0]["clip"]["count"] == 10


def test_measure_gives_metrics_per_clip_and_per_window(tmp_path):
    dataset = grouped_set(tmp_path, groups=3)
    truth = np.array([segment.target for segment in dataset.segments])
    right = np.eye(2)[truth]
    segment = np.repeat(np.arange(12), 3)
    predictions = Predictions("x", right, np.eye(2)[1 - truth][segment], segment)
    found = measure(predictions, dataset.segments, dataset.labels, 50, 0)
    assert found["clip"]["accuracy"] == 1.0
    assert found["window"]["accuracy"] == 0.0
    assert (found["clip"]["count"], found["window"]["count"]) == (12, 36)
    assert found["clip"]["groups"] == found["window"]["groups"] == 3
    assert "window" not in measure(Predictions("x", right), dataset.segments, dataset.labels, 50, 0)


def test_video_predictions_contain_every_step(tmp_path):
    dataset = grouped_set(tmp_path, groups=2)

    class LastRow:
        def predict_steps(self, features):
            return features[:, :2]

    videos = ["a1-0", "b0-1"]
    for (video, seconds, rows), wanted in zip(
        video_predictions(LastRow(), dataset, videos), videos, strict=True
    ):
        assert video == wanted
        np.testing.assert_allclose(seconds, np.arange(6) / 10)
        np.testing.assert_array_equal(rows, dataset.store.features(video)[:, :2])
