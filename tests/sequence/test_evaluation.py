import numpy as np
import pytest

from recipes.loader import load
from sequence import evaluation
from sequence.dataset import Dataset
from sequence.evaluation import Outcome, cross_validate, measured, video_predictions
from sequence.prediction import softmax
from sequence.windows import windows
from tests.sequence.stores import Clip, dataset_of
from video.errors import LookbackError, UsageError


class FlatModel:
    """Stands for a trained model: knows which training it came from, and answers by the features:
    the larger of the first two names the class."""

    temperature = 1.0

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


def recipe(folds: int, repeats: int = 1):
    keys = {"evaluate.folds": folds, "evaluate.repeats": repeats, "evaluate.bootstrap": 50}
    return load(flags=keys).recipe


@pytest.fixture
def tests_made(monkeypatch) -> list:
    """Put `FlatModel` in training's place; collect (model's name, model, tested pieces)."""
    made, outcome_of = [], evaluation.outcome_of

    def spied(name, model, dataset, pieces):
        made.append((name, model, pieces))
        return outcome_of(name, model, dataset, pieces)

    def flat_fit(dataset, training, validation, *_):
        return FlatModel(training, validation)

    monkeypatch.setattr(evaluation, "fit", flat_fit)
    monkeypatch.setattr(evaluation, "fit_mean_baseline", flat_fit)
    monkeypatch.setattr(evaluation, "outcome_of", spied)
    return made


def test_every_clip_is_predicted_once_a_repeat_by_a_model_that_saw_none_of_its_group(
    tmp_path, tests_made
):
    dataset = grouped_set(tmp_path, groups=9)
    cross_validate(dataset, recipe(folds=3, repeats=2))
    for name in ("lstm", "mean"):
        runs = [(model, pieces) for made, model, pieces in tests_made if made == name]
        assert len(runs) == 3 * 2
        for repeat in (runs[:3], runs[3:]):
            tested = [piece for _, pieces in repeat for piece in pieces]
            assert sorted(p.video for p in tested) == sorted(p.video for p in dataset.pieces)
        for model, pieces in runs:
            sides = [
                {piece.group for piece in side}
                for side in (pieces, model.training, model.validation)
            ]
            assert all(sides)
            assert not sides[0] & (sides[1] | sides[2])
            assert not sides[1] & sides[2]
            assert sum(map(len, sides)) == 9
    first, second = ([[p.video for p in r[2]] for r in tests_made[n::6]] for n in (0, 3))
    assert first != second  # the second repeat draws other folds


def test_the_baselines_are_fitted_without_the_tested_groups(tmp_path, tests_made, monkeypatch):
    fits, fit_baseline = [], evaluation.fit_baseline

    def spied(name, dataset, training, validation):
        fits.append({piece.group for piece in (*training, *validation)})
        return fit_baseline(name, dataset, training, validation)

    monkeypatch.setattr(evaluation, "fit_baseline", spied)
    cross_validate(grouped_set(tmp_path, groups=9), recipe(folds=3))
    tested = [{p.group for p in pieces} for name, _, pieces in tests_made if name == "lstm"]
    assert len(fits) == 2 * 3
    for number, groups in enumerate(fits):
        assert not groups & tested[number // 2]


def test_a_row_measures_all_clips_and_its_folds(tmp_path, tests_made):
    dataset = grouped_set(tmp_path, groups=9)
    rows = cross_validate(dataset, recipe(folds=3, repeats=2))
    assert [(row["name"], row["repeat"]) for row in rows] == [
        (name, repeat) for repeat in (1, 2) for name in ("lstm", "mean", "ridge", "moments")
    ]
    truth = np.array([piece.label for piece in dataset.pieces])
    clips = [windows(dataset.rows(piece), 4)[3:].mean(1)[:, :2] for piece in dataset.pieces]
    said = np.array([softmax(logits).mean(0).argmax() for logits in clips])
    for row in rows:
        assert row["clip"]["count"] == 36
        assert row["clip"]["groups"] == 9
        assert len(row["fold_accuracies"]) == 3
        if row["name"] == "lstm":
            assert row["clip"]["accuracy"] == np.mean(said == truth)
            assert np.mean(row["fold_accuracies"]) == pytest.approx(np.mean(said == truth))


@pytest.mark.parametrize("folds", [0, 1])
def test_fewer_than_two_folds_are_a_wrong_command(folds, tmp_path, tests_made):
    with pytest.raises(UsageError, match="--folds"):
        cross_validate(grouped_set(tmp_path, groups=9), recipe(folds))


def test_more_folds_than_groups_are_an_error_that_tells_how_many_there_are(tmp_path, tests_made):
    with pytest.raises(LookbackError, match=r"--folds 5: .* 4 folds \(4 groups\)"):
        cross_validate(grouped_set(tmp_path, groups=4), recipe(folds=5))


def test_few_clips_a_class_are_folded_as_far_as_they_go(tmp_path, tests_made):
    # Five groups of one clip a class: a fold leaves fewer than six groups to validate from.
    dataset = grouped_set(tmp_path, groups=5, a_group=1)
    rows = cross_validate(dataset, recipe(folds=4))
    assert rows[0]["clip"]["count"] == 10


def test_measures_know_clips_and_windows(tmp_path):
    dataset = grouped_set(tmp_path, groups=3)
    truth = np.array([piece.label for piece in dataset.pieces])
    right = np.eye(2)[truth]
    piece = np.repeat(np.arange(12), 3)
    outcome = Outcome("x", right, np.eye(2)[1 - truth][piece], piece)
    found = measured(outcome, dataset.pieces, dataset.labels, 50, 0)
    assert found["clip"]["accuracy"] == 1.0
    assert found["window"]["accuracy"] == 0.0
    assert (found["clip"]["count"], found["window"]["count"]) == (12, 36)
    assert found["clip"]["groups"] == found["window"]["groups"] == 3
    assert "window" not in measured(Outcome("x", right), dataset.pieces, dataset.labels, 50, 0)


def test_video_predictions_are_those_of_every_step(tmp_path):
    dataset = grouped_set(tmp_path, groups=2)

    class LastRow:
        def of_steps(self, features):
            return features[:, :2]

    videos = ["a1-0", "b0-1"]
    for (video, seconds, rows), wanted in zip(
        video_predictions(LastRow(), dataset, videos), videos, strict=True
    ):
        assert video == wanted
        np.testing.assert_allclose(seconds, np.arange(6) / 10)
        np.testing.assert_array_equal(rows, dataset.store.features(video)[:, :2])
