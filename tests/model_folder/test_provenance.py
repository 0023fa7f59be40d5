"""A model is not tested on clips that made it, and the model before is kept."""

import json
from pathlib import Path

import pytest

from clips.manifest import Entry, Manifest
from model_folder.config import CONFIG, SEQUENCE_WEIGHTS, read_config, write_config
from model_folder.provenance import SEEN, keep_previous, record_seen, refuse_seen_clips
from tests.extract.projecting import full_config
from video.errors import LookbackError


@pytest.fixture
def folder(tmp_path) -> Path:
    """A model folder of both stages, as far as provenance looks at it."""
    made = tmp_path / "weights"
    write_config(made, full_config())
    (made / SEQUENCE_WEIGHTS).write_bytes(b"trained")
    return made


def manifest(tmp_path, **splits: str) -> Manifest:
    """Return a manifest of clips a1, a2, b1 ...: the letter is the group."""
    entries = [Entry(f"{name}.mp4", "x", split, name[0]) for name, split in splits.items()]
    return Manifest(tmp_path / "manifest.csv", tuple(entries))


def test_a_split_that_stays_is_tested(folder, tmp_path):
    split = manifest(tmp_path, a1="train", a2="train", b1="val", c1="test")
    config = read_config(folder)
    record_seen(folder, config.sequence.sha256, split)
    refuse_seen_clips(folder, config, split)  # must not raise


@pytest.mark.parametrize("stage", ["backbone", "sequence"])
def test_a_clip_that_made_either_stage_is_not_tested(folder, tmp_path, stage):
    config = read_config(folder)
    before = manifest(tmp_path, a1="train", b1="val", c1="test")
    record_seen(folder, getattr(config, stage).sha256, before)
    after = manifest(tmp_path, a1="train", b1="test", c1="val")
    with pytest.raises(LookbackError, match=r"1 of 1 test clips.*b1\.mp4.*train again"):
        refuse_seen_clips(folder, config, after)


def test_a_clip_of_a_seen_clips_group_is_not_tested(folder, tmp_path):
    config = read_config(folder)
    record_seen(folder, config.sequence.sha256, manifest(tmp_path, a1="train", c1="test"))
    # Now known to be of one scene with a1.
    grouped = manifest(tmp_path, a1="train", a9="test", c1="test")
    with pytest.raises(LookbackError, match=r"1 of 2 test clips.*a9\.mp4"):
        refuse_seen_clips(folder, config, grouped)


def test_other_weights_in_the_folder_are_not_blamed(folder, tmp_path):
    split = manifest(tmp_path, a1="train", c1="test")
    record_seen(folder, "another", split)
    now = manifest(tmp_path, a1="test", c1="train")
    refuse_seen_clips(folder, read_config(folder), now)  # must not raise


def test_weights_that_the_card_names_no_more_are_forgotten(folder, tmp_path):
    backbone = read_config(folder).backbone.sha256
    record_seen(folder, "gone", manifest(tmp_path, a1="train", b1="test"))
    record_seen(folder, backbone, manifest(tmp_path, b1="train", d1="val", c1="test"))
    assert json.loads((folder / SEEN).read_text()) == {backbone: ["b1.mp4", "d1.mp4"]}


@pytest.mark.parametrize("order", [("backbone", "sequence"), ("sequence", "backbone")])
def test_what_made_the_other_stage_stays_recorded(folder, tmp_path, order):
    first, second = (getattr(read_config(folder), stage).sha256 for stage in order)
    record_seen(folder, first, manifest(tmp_path, a1="train"))
    record_seen(folder, second, manifest(tmp_path, b1="train"))
    assert json.loads((folder / SEEN).read_text()) == {first: ["a1.mp4"], second: ["b1.mp4"]}


def test_a_seen_clip_is_not_tested_under_another_name(folder, tmp_path):
    config = read_config(folder)
    record_seen(folder, config.sequence.sha256, manifest(tmp_path, a1="train", c1="test"))
    renamed = manifest(tmp_path, x1="test", c1="test")
    contents = {"a1.mp4": "1", "x1.mp4": "1", "c1.mp4": "3"}
    refuse_seen_clips(folder, config, renamed, {"x1.mp4": "1", "c1.mp4": "3"})
    with pytest.raises(LookbackError, match=r"1 of 2 test clips.*x1\.mp4"):
        refuse_seen_clips(folder, config, renamed, contents)


def test_the_model_before_is_kept(folder):
    keep_previous(folder)
    (folder / SEQUENCE_WEIGHTS).write_bytes(b"other")
    assert (folder / "previous" / SEQUENCE_WEIGHTS).read_bytes() == b"trained"
    assert read_config(folder / "previous") == read_config(folder)
    (folder / CONFIG).unlink()
    keep_previous(folder)  # without a config there is no model to keep, and none is lost
    assert (folder / "previous" / SEQUENCE_WEIGHTS).read_bytes() == b"trained"


def split_in_time(tmp_path, *splits: str, video: str = "m.mp4") -> Manifest:
    """Return a manifest of one recording with a row every 20 s."""
    entries = [
        Entry(video, "x", split, "m", 20.0 * place, 20.0 * place + 5.0)
        for place, split in enumerate(splits)
    ]
    return Manifest(tmp_path / "manifest.csv", tuple(entries))


def test_the_later_part_of_a_recording_split_in_time_is_tested(folder, tmp_path):
    config = read_config(folder)
    before = split_in_time(tmp_path, "train", "train", "val", "test")
    record_seen(folder, config.sequence.sha256, before)
    refuse_seen_clips(folder, config, before)  # must not raise
    for after in (
        split_in_time(tmp_path, "train", "val", "test", "test"),
        split_in_time(tmp_path, "test", "test", "test", "test"),
    ):
        with pytest.raises(LookbackError, match=r"m\.mp4.*train again"):
            refuse_seen_clips(folder, config, after)
    renamed = split_in_time(tmp_path, "train", "val", "test", "test", video="new.mp4")
    with pytest.raises(LookbackError, match=r"new\.mp4.*train again"):
        refuse_seen_clips(folder, config, renamed, {"m.mp4": "sha", "new.mp4": "sha"})


def test_a_recording_that_was_seen_whole_is_not_tested_in_part(folder, tmp_path):
    config = read_config(folder)
    record_seen(folder, config.sequence.sha256, split_in_time(tmp_path, *["train"] * 4))
    with pytest.raises(LookbackError, match=r"m\.mp4.*train again"):
        refuse_seen_clips(folder, config, split_in_time(tmp_path, "train", "train", "val", "test"))
