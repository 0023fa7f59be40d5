"""What a split is worth: folds that keep groups whole, and folds by clip."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold

from metrics.intervals import difference_interval, share_interval
from recipes.loader import load
from sequence.baselines import fit_baseline
from sequence.evaluation_split import SplitCheck, check_split, checked_split
from sequence.folds import split_validation
from sequence.grouping import MANIFEST, Grouping, grouping_of
from tests.sequence.grouped_clips import clips_of, manifest_of
from tests.sequence.stores import dataset_of

RECIPE = load(flags={"evaluate.bootstrap": 50}).recipe


def test_a_split_by_clip_of_clips_that_are_alike_is_found_out(tmp_path):
    dataset = dataset_of(tmp_path, clips_of(), look_back=2)
    found = check_split(dataset, Grouping(MANIFEST), RECIPE)
    assert (found["clips"], found["groups"], found["folds"]) == (48, 12, 5)
    assert found["shared"] == {"val": {"clips": 0, "of": 0}, "test": {"clips": 12, "of": 12}}
    for name in ("ridge", "moments"):
        row = found["models"][name]
        assert row["by_clip"]["accuracy"] > 0.95
        assert row["by_group"]["accuracy"] < 0.75
        assert row["difference"]["interval"][0] > 0
    results = {"ridge": {"clip": {"accuracy": 0.9876}}}
    table, warning, sentence = SplitCheck(Grouping(MANIFEST), found).texts(results)
    ridge, moments = table.splitlines()[3:]
    assert ridge.split()[:2] == ["ridge", "0.988"]
    assert moments.split()[:2] == ["moments", "-"]
    assert warning.startswith("Warning: 12 of 12 test clips share a group with training clips")
    assert "with the 12 groups kept whole it is" in sentence
    assert sentence.endswith("Believe the second.")


def test_the_scores_are_those_of_folds_by_hand(tmp_path):
    dataset = dataset_of(tmp_path, clips_of(), look_back=2)
    segments = dataset.segments
    targets = np.array([segment.target for segment in segments])
    hits = {}
    for kind, groups in (
        ("by_group", [segment.group for segment in segments]),
        ("by_clip", [f"{segment.video} {segment.start}" for segment in segments]),
    ):
        hits[kind] = np.zeros(48)
        of_kind = SplitCheckGroups(segments, groups).segments
        for seed in range(3):
            folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
            for rest, test in folds.split(targets, targets, groups):
                training, validation = split_validation([of_kind[n] for n in rest], seed)
                model = fit_baseline("ridge", dataset, training, validation)
                answers = model.predict_segments(dataset, [of_kind[n] for n in test]).argmax(1)
                hits[kind][test] += (answers == targets[test]) / 3
    names = [segment.group for segment in segments]
    found = check_split(dataset, Grouping(MANIFEST), RECIPE)["models"]["ridge"]
    for kind, each in hits.items():
        assert found[kind]["accuracy"] == pytest.approx(each.mean())
        limits = share_interval(each, names, 50, 0).limits
        assert found[kind]["accuracy_interval"] == pytest.approx(limits)
    gain = hits["by_clip"] - hits["by_group"]
    limits = difference_interval(gain, names, 50, 0).limits
    assert found["difference"]["interval"] == pytest.approx(limits)


class SplitCheckGroups:
    """Segments with other groups."""

    def __init__(self, segments, groups) -> None:
        of = dict(zip((segment.video for segment in segments), map(str, groups), strict=True))
        self.segments = Grouping("x", of).regrouped(segments)


def test_without_any_groups_the_report_says_that_it_cannot_tell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clips = clips_of(named=False)
    grouping = grouping_of(manifest_of(tmp_path, clips), None)
    found = check_split(dataset_of(tmp_path, clips, look_back=2), grouping, RECIPE)
    (sentence,) = SplitCheck(grouping, found).texts({})
    assert "cannot tell" in sentence
    assert "--group-by propose" in sentence


def test_too_few_groups_and_seen_clips_are_said(tmp_path):
    dataset = dataset_of(tmp_path, clips_of(groups=2), look_back=2)
    assert "too few groups" in check_split(dataset, Grouping(MANIFEST), RECIPE)["reason"]
    manifest = manifest_of(tmp_path, clips_of(groups=2))
    backbone = SimpleNamespace(fine_tuned=True)
    experiment = SimpleNamespace(manifest=manifest, config=SimpleNamespace(backbone=backbone))
    tested = SimpleNamespace(mapping=None, dataset=dataset)
    (sentence,) = checked_split(experiment, tested, RECIPE).texts({})
    assert "clips that it has seen" in sentence
    tested.mapping = {"a": "b"}
    assert checked_split(experiment, tested, RECIPE) is None


def test_of_very_many_clips_random_whole_groups_are_taken(tmp_path, monkeypatch):
    monkeypatch.setattr("sequence.evaluation_split._MOST_CLIPS", 30)
    dataset = dataset_of(tmp_path, clips_of(), look_back=2)
    found = check_split(dataset, Grouping(MANIFEST), RECIPE)
    assert (found["clips"], found["groups"]) == (28, 7)
    assert found["shared"]["test"]["of"] == 12  # of all clips
