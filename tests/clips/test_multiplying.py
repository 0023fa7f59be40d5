"""Augmented copies on disk: as many as asked, bound to their parents."""

from dataclasses import replace

import numpy as np
import pytest

from clips import manifest as manifests
from clips.manifest import PARENT
from clips.manifest.segments import segments_of
from clips.multiplying import FOLDER, parse_splits, write_copies
from clips.preparation import load_manifest, prepare
from tests.clips.preparing import settings
from tests.running import run_script
from video.errors import UsageError
from video.sources import FileSource

WANTED = 9


def frames_of(path) -> np.ndarray:
    with FileSource(path) as source:
        return np.stack([frame.rgb for frame in source])


@pytest.fixture
def filled(data):
    """A prepared folder with copies: 6 or more clips of a class in train become 9."""
    manifest = prepare(settings(data))
    return data, write_copies(manifest, settings(data), WANTED)


def counts(data, split: str) -> dict[str, int]:
    rows = [e for e in manifests.read(data / "manifest.csv").entries if e.split == split]
    return {label: sum(row.label == label for row in rows) for label in ("run", "walk")}


def test_every_class_of_train_reaches_the_number_and_no_other_split_gets_a_copy(filled):
    data, made = filled
    assert counts(data, "train") == {"run": WANTED, "walk": WANTED}
    assert made
    parents = {entry.video: entry for entry in manifests.read(data / "manifest.csv").entries}
    for copy in made:
        parent = parents[dict(copy.extra)[PARENT]]
        assert (copy.label, copy.split, copy.group) == (parent.label, "train", parent.group)
        assert copy.video.startswith(f"{FOLDER}/")
        assert (data / copy.video).is_file()
    # The parents take turns.
    assert len({copy.parent for copy in made}) == len(made)


def test_all_frames_of_a_copy_share_one_draw_and_it_keeps_the_size(data):
    keys = {"finetune__augment__erasing": 1.0, "finetune__augment__brightness": 0.0}
    chosen = settings(data, **keys, finetune__augment__contrast=0.0)
    copy = write_copies(prepare(chosen), chosen, WANTED)[0]
    frames, own = frames_of(data / copy.video), frames_of(data / copy.parent)
    assert frames.shape == own.shape
    changed = np.abs(frames.astype(int) - own).mean((1, 2, 3))
    assert changed.min() > 5
    # The noise of the erased rectangle is the same in all frames.
    noisy = np.abs(np.diff(frames[0].astype(int), axis=1)).mean(2) > 60
    assert noisy.sum() > 20
    assert np.abs(frames[0].astype(int) - frames[-1])[:, 1:][noisy].mean() < 20


def test_the_same_command_writes_the_same_copies_and_fills_up_only_once(filled, tmp_path_factory):
    data, made = filled
    assert write_copies(prepare(settings(data)), settings(data), WANTED) == []
    first = {copy.video: (data / copy.video).read_bytes() for copy in made}
    for copy in made:
        (data / copy.video).unlink()
    again = write_copies(prepare(settings(data)), settings(data), WANTED)
    assert {copy.video: (data / copy.video).read_bytes() for copy in again} == first


def test_copies_follow_their_parents_into_every_command(filled):
    data, made = filled
    for manifest in (load_manifest(settings(data)), prepare(settings(data))):
        assert {copy.video for copy in made} <= set(manifest.videos)
    copies = [segment for segment in segments_of(manifest) if segment.is_copy]
    assert {segment.video for segment in copies} == {copy.video for copy in made}


def test_a_removed_parent_takes_its_copy_along(filled, capsys):
    data, made = filled
    whole = manifests.read(data / "manifest.csv")
    removed = made[0].parent
    kept = [entry for entry in whole.entries if entry.video != removed]
    manifests.write(whole.with_entries(kept))
    assert made[0].video not in load_manifest(settings(data)).videos
    assert "1 augmented copy is left out" in capsys.readouterr().out
    (data / removed).unlink()
    prepare(settings(data))
    assert made[0].video not in manifests.read(data / "manifest.csv").videos


def test_a_parent_that_cannot_be_read_any_more_takes_its_copy_along(filled):
    data, made = filled
    (data / made[0].parent).write_bytes(b"")
    assert made[0].video not in prepare(settings(data)).videos
    listed = manifests.read(data / "manifest.csv").videos
    assert made[0].parent in listed
    assert made[0].video not in listed


def test_a_new_split_leaves_out_copies_of_clips_that_left_train(filled):
    data, made = filled
    chosen = settings(data, seed=5, data__split="0.4/0.3/0.3")
    manifest = prepare(chosen)
    parents = {entry.video: entry for entry in manifest.entries}
    kept = [entry for entry in manifest.entries if entry.parent]
    assert 0 < len(kept) < len(made)
    for copy in kept:
        assert copy.split == parents[copy.parent].split == "train"
        assert copy.group == parents[copy.parent].group


def test_a_group_rule_does_not_tear_copies_from_their_parents(filled):
    data, _ = filled
    manifest = prepare(settings(data, data__group_by=r"^clips/.*_(g\d\d)_"))
    groups = {entry.video: entry.group for entry in manifest.entries}
    for entry in manifest.entries:
        if entry.parent:
            assert entry.group == groups[entry.parent]


def test_lost_files_of_copies_are_no_missing_clips(filled, capsys):
    data, made = filled
    for copy in made:
        (data / copy.video).unlink()
    assert not any(entry.parent for entry in load_manifest(settings(data)).entries)
    assert "augmented copies are left out" in capsys.readouterr().out


def test_a_copy_shows_the_labeled_part_only(data):
    whole = prepare(settings(data))
    first = next(entry for entry in whole.entries if entry.split == "train")
    part = replace(first, start=0.1, end=0.25)
    manifests.write(whole.with_entries([part, *(e for e in whole.entries if e != first)]))
    chosen = settings(data)
    made = write_copies(load_manifest(chosen), chosen, WANTED + 10)
    copy = next(entry for entry in made if entry.parent == first.video)
    assert (copy.start, copy.end) == (None, None)
    assert len(frames_of(data / copy.video)) == 2


def test_the_command_fills_up_the_splits_that_it_is_told(data):
    run_script("prepare.py", ["--data", data, "--augment", "5", "--augment-splits", "val,test"])
    assert counts(data, "val") == counts(data, "test") == {"run": 5, "walk": 5}


def test_flags_that_make_no_sense_are_refused_in_one_line(data):
    with pytest.raises(UsageError, match="'dev' is not one of train, val, test"):
        parse_splits("train,dev")
    still = dict.fromkeys(("rotation_degrees", "shift", "zoom", "brightness", "contrast"), 0)
    off = {f"finetune__augment__{key}": value for key, value in {**still, "flip": False}.items()}
    chosen = settings(data, **off)
    with pytest.raises(UsageError, match="copies would equal their clips"):
        write_copies(prepare(chosen), chosen, WANTED)
