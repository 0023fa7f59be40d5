"""Folds: whole groups, stratified, stored in the manifest, one of them the test split of a run."""

from collections import Counter

import pytest

from clips import manifest as manifests
from clips.manifest import Entry
from clips.preparation import load_manifest, prepare
from clips.splitting.folds import Folds, filled_folds, fold_of, parse_folds, test_on, with_folds
from tests.clips.preparing import settings
from video.errors import LookbackError, UsageError

test_on.__test__ = False  # a function of the product, not a test
_SHARES = (0.7, 0.15, 0.15)


def _rows(groups: int = 10, labels=("run", "walk")) -> list[Entry]:
    return [
        Entry(f"{label}/{group}_{n}.mp4", label, group=f"g{group}")
        for label in labels
        for group in range(groups)
        for n in (1, 2)
    ]


def test_folds_keep_groups_whole_and_classes_even():
    rows = with_folds(_rows(), Folds(5), seed=0)
    folds_of = {group: {fold_of(e) for e in rows if e.group == group} for group in ("g0", "g7")}
    assert all(len(folds) == 1 for folds in folds_of.values())
    counts = Counter((entry.label, fold_of(entry)) for entry in rows)
    assert set(counts.values()) == {4}
    assert len(counts) == 10
    assert with_folds(rows, Folds(5, "3"), seed=0) == rows
    assert with_folds(rows, Folds(5), seed=1) != rows


def test_every_clip_is_tested_once_and_each_run_has_all_splits():
    rows = with_folds(_rows(), Folds(5), seed=0)
    tested = Counter()
    for fold in "12345":
        split = test_on(rows, fold, _SHARES, 0, "m.csv")
        tested.update(entry.video for entry in split if entry.split == "test")
        by_split = {part: {e.group for e in split if e.split == part} for part in ("train", "val")}
        assert by_split["train"]
        assert by_split["val"]
        assert not by_split["train"] & by_split["val"]
        assert {e.label for e in split if e.split == "val"} == {"run", "walk"}
    assert set(tested.values()) == {1}
    assert len(tested) == len(rows)


def test_a_group_is_a_fold_when_one_group_is_left_out():
    rows = with_folds(_rows(), Folds(None), seed=0)
    assert all(fold_of(entry) == entry.group for entry in rows)
    split = test_on(rows, "g4", _SHARES, 0, "m.csv")
    assert {entry.group for entry in split if entry.split == "test"} == {"g4"}
    with pytest.raises(
        UsageError, match=r"--fold g44: m\.csv has no such fold; its folds are g0, "
    ):
        test_on(rows, "g44", _SHARES, 0, "m.csv")
    with pytest.raises(UsageError, match=r"no column fold; .* --split folds:5 writes it"):
        test_on(_rows(), "1", _SHARES, 0, "m.csv")


def test_a_new_row_gets_its_groups_fold_or_the_smallest():
    rows = with_folds(_rows(), Folds(2), seed=0)
    new = [Entry("run/n.mp4", "run", group="g3"), Entry("run/m.mp4", "run", group="new")]
    filled = filled_folds([*rows[1:], *new])
    assert fold_of(filled[-2]) == next(fold_of(row) for row in rows if row.group == "g3")
    assert fold_of(filled[-1]) in "12"
    alone = filled_folds([*with_folds(_rows(), Folds(None), 0), *new])
    assert fold_of(alone[-1]) == "new"
    assert filled_folds(new) == new


@pytest.mark.parametrize(
    "text", ["folds:1", "folds", "folds:5/6", "folds:5/0", "fold:3", "folds:a"]
)
def test_folds_that_make_no_sense_are_refused(text):
    with pytest.raises(UsageError, match=f"--split {text}"):
        parse_folds(text)


def test_more_folds_than_groups_are_refused():
    with pytest.raises(UsageError, match="there are 10 groups, too few for 11 folds"):
        with_folds(_rows(), Folds(11), seed=0)


def test_prepare_writes_folds_and_every_command_can_choose_one(data):
    manifest = prepare(settings(data, data__split="folds:5/2"))
    assert manifests.read(data / "manifest.csv") == manifest
    tested = {entry.group for entry in manifest.entries if entry.split == "test"}
    assert tested == {entry.group for entry in manifest.entries if fold_of(entry) == "2"}
    seen = set()
    for fold in range(1, 6):
        chosen = load_manifest(settings(data, data__fold=fold))
        assert {fold_of(e) for e in chosen.entries if e.split == "test"} == {str(fold)}
        seen |= {entry.group for entry in chosen.entries if entry.split == "test"}
    assert len(seen) == 5
    assert load_manifest(settings(data)) == manifest
    assert load_manifest(settings(data, data__fold="2")) == manifest
    with pytest.raises(UsageError, match="its folds are 1, 2, 3, 4, 5"):
        load_manifest(settings(data, data__fold="6"))


def test_leaving_one_group_out_starts_with_the_first_and_takes_any(data):
    first = prepare(settings(data, data__split="leave-one-group-out"))
    assert {entry.group for entry in first.entries if entry.split == "test"} == {"g00"}
    named = prepare(settings(data, data__split="leave-one-group-out/g03"))
    assert {entry.group for entry in named.entries if entry.split == "test"} == {"g03"}


def test_other_groups_make_the_folds_whole_again(data, add):
    prepare(settings(data, data__split="folds:5"))
    again = prepare(settings(data, data__group_by="v_([a-z]+)_g0[0-2]"))
    of_group = {}
    for entry in again.entries:
        of_group.setdefault(entry.group, set()).add(fold_of(entry))
    assert all(len(folds) == 1 for folds in of_group.values())


def test_a_class_of_one_group_makes_a_fold_that_is_refused(data, add):
    add("jog/v_jog_g00_c1.mp4", "jog/v_jog_g01_c1.mp4")
    with pytest.raises(LookbackError, match="every class must be in train, val and test"):
        prepare(settings(data, data__split="folds:5/1"))
