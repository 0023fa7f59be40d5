"""The report of a cross-validation: its rows beside the models, and its table."""

import numpy as np
import pytest

from metrics.intervals import difference_interval
from metrics.pooling import MEAN
from sequence import cross_validation
from sequence.cross_validation import BY_CLIP, cross_validate
from sequence.evaluation_folds import _sentences, by_group, folds_summary
from sequence.prediction import Predictor
from tests.sequence.stores import Clip, dataset_of
from tests.sequence.test_evaluation import recipe
from training.keras_backend import keras


class Remembers(Predictor):
    """Says `b` if the last step of a window is greater than the first, but knows what it saw."""

    def __init__(self, known) -> None:
        super().__init__(keras.Sequential([]), 4, pooling=MEAN)
        self.known = known

    def logits(self, batch: np.ndarray) -> np.ndarray:
        rise = batch[:, -1, 0] - batch[:, 0, 0]
        # The second feature is the number of the group, the third its class.
        seen = np.isin(batch[:, 0, 1], self.known)
        answer = np.where(seen, 20 * (batch[:, 0, 2] - 0.5), rise)
        return np.stack([-answer, answer], axis=1)


@pytest.fixture
def dataset(tmp_path):
    """Nine groups of two clips of each class; the movement is misleading in every third group."""
    clips = []
    for group in range(9):
        for target, label in enumerate("ab"):
            for number in range(2):
                slope = 1 if (target == 1) != (group % 3 == 0) else -1
                rows = np.zeros((6, 3), np.float32)
                rows[:, 0], rows[:, 1], rows[:, 2] = slope * np.arange(6), group, target
                clips.append(Clip(f"{label}{group}-{number}", rows, label, "train", f"{group}"))
    return dataset_of(tmp_path, clips, look_back=4)


@pytest.fixture
def fits(monkeypatch):
    """Models that know the groups of their training, without any training."""

    def fit(dataset, training, validation, *_):
        return Remembers([dataset.rows(segment)[0, 1] for segment in training])

    monkeypatch.setattr(cross_validation, "fit", fit)
    monkeypatch.setattr(cross_validation, "fit_mean_baseline", fit)


def test_windows_in_random_order_have_a_row(dataset, fits):
    found = cross_validate(dataset, recipe(3, 2, **{"evaluate.shuffles": 4}))
    names = [row["name"] for row in found.rows]
    assert names == 2 * ["lstm", "shuffled", "mean", "ridge", "moments", "majority"]
    for head, shuffled in zip(found.rows[::6], found.rows[1::6], strict=True):
        assert head["clip"]["accuracy"] == pytest.approx(6 / 9)
        assert len(shuffled["accuracies"]) == 4
        assert shuffled["clip"]["accuracy"] == pytest.approx(np.mean(shuffled["accuracies"]))
        assert np.mean(shuffled["fold_accuracies"]) == pytest.approx(shuffled["clip"]["accuracy"])
        gain = shuffled["difference_to_head"]["accuracy"]
        assert gain == pytest.approx(shuffled["clip"]["accuracy"] - 6 / 9)
    assert "With the steps of each window in random order, lstm has" in _sentences(found.rows)[0]


def test_folds_by_clip_show_what_a_random_split_pretends(dataset, fits):
    found = cross_validate(dataset, recipe(3, **{"evaluate.by_clip": True}))
    (mixed,) = (row for row in found.rows if row.get("folds_by") == BY_CLIP)
    assert mixed["name"] == "lstm"
    assert mixed not in by_group(found.rows)
    # Every group has four clips, so training knows one of them as good as always.
    assert mixed["clip"]["accuracy"] > 0.9
    assert mixed["clip"]["groups"] == 9
    gain = mixed["clip"]["accuracy"] - found.rows[0]["clip"]["accuracy"]
    assert mixed["difference_to_groups"]["accuracy"] == pytest.approx(gain)
    if mixed["clip"]["accuracy"] == 1:  # by hand: three groups gain all their clips
        by_hand = np.repeat([g % 3 == 0 for g in range(9)], 4).astype(float)
        limits = difference_interval(by_hand, np.repeat(range(9), 4), 50, 0).limits
        assert mixed["difference_to_groups"]["interval"] == pytest.approx(limits)
    (sentence,) = _sentences(found.rows)
    assert "with the 9 groups kept whole it is 0.667" in sentence
    assert "lstm, by clip" in folds_summary(found.rows)


def test_steps_of_a_video_are_predicted_by_a_model_that_did_not_see_it(dataset, fits):
    found = cross_validate(dataset, recipe(3))
    videos = [segment.video for segment in dataset.segments]
    steps = {video: rows for video, _, rows in found.steps(dataset, [*videos, "unknown"])}
    assert sorted(steps) == sorted(videos)
    for segment in dataset.segments:
        misled = int(segment.group) % 3 == 0
        right = steps[segment.video][-1].argmax() == segment.target
        assert right != misled


ROW = {
    "name": "lstm",
    "repeat": 1,
    "fold_accuracies": [0.5] * 3,
    "fold_poolings": ["mean"] * 3,
    "clip": {
        "accuracy": 0.5,
        "accuracy_interval": [0.4, 0.6],
        "log_loss": 0.7,
        "count": 9,
        "groups": 9,
    },
}


def test_the_summary_of_folds_counts_other_poolings_than_mean():
    plain = folds_summary([ROW])
    assert "pooling" not in plain
    mixed = folds_summary([{**ROW, "fold_poolings": ["top", "mean", "top"]}])
    assert mixed == f"{plain}\n\npooling of the trained models: top in 2, mean in 1"


def test_the_summary_of_folds_has_the_columns_of_costs():
    costs = {"lstm": {"parameters": 12345, "gflops": 0.5, "megabytes": 1.25, "fps": None}}
    rows = [ROW, {**ROW, "name": "majority"}]
    header, head, majority = folds_summary(rows, costs).splitlines()[2:5]
    assert header.split()[-7:] == ["parameters", "GFLOPs", "MB", "fps", "accuracy", "per", "fold"]
    assert head.split()[6:10] == ["12,345", "0.500", "1.25", "-"]
    assert head.index("0.50  0.50  0.50") == majority.index("0.50  0.50  0.50")
