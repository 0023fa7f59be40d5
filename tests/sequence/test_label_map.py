"""Labels of another data set and those of a model."""

from pathlib import Path

import numpy as np
import pytest

from sequence.label_map import read_label_map
from tests.sequence.stores import Clip, store_of
from video.errors import LookbackError, UsageError

LABELS = ("fight", "noFight")
PLACE = Path("other/manifest.csv")


def test_a_flag_a_file_and_a_mapping_say_the_same(tmp_path):
    flag = read_label_map("kick=fight, other = -", LABELS)
    path = tmp_path / "map.yaml"
    path.write_text('kick: fight\nother: "-"\n')
    assert flag == read_label_map(str(path), LABELS) == read_label_map(flag.names, LABELS)
    assert [flag.of(label) for label in ("kick", "other", "noFight")] == ["fight", None, "noFight"]
    flag.require(["kick", "other", "noFight"], PLACE)  # must not raise


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("kick=figth", "--label-map kick=figth: the model has no label 'figth'; .*fight"),
        ("kick=", "write it as kick=fight,other=-"),
        ("kick=fight,other", "write it as kick=fight,other=-"),
    ],
)
def test_a_wrong_flag_ends_in_one_line(value: str, message: str):
    with pytest.raises(UsageError, match=message):
        read_label_map(value, LABELS)


def test_a_file_that_is_missing_or_no_mapping_is_named(tmp_path):
    with pytest.raises(LookbackError, match=r"nothing\.yaml: cannot be read"):
        read_label_map(str(tmp_path / "nothing.yaml"), LABELS)
    (tmp_path / "list.yaml").write_text("- kick\n")
    with pytest.raises(LookbackError, match=r"list.yaml: should hold a line"):
        read_label_map(str(tmp_path / "list.yaml"), LABELS)


def test_labels_without_a_place_are_named_with_a_flag_to_copy():
    mapping = read_label_map("kick=fight", LABELS)
    with pytest.raises(LookbackError, match=r'know dance, run; .*--label-map "dance=-,run=-"'):
        mapping.require(["kick", "dance", "run"], PLACE)
    with pytest.raises(LookbackError, match="has no label 'kick'"):
        mapping.require(["fight"], PLACE)
    with pytest.raises(LookbackError, match="leaves out all clips"):
        read_label_map("kick=-", LABELS).require(["kick"], PLACE)


def test_a_dataset_has_the_models_labels_and_no_clip_that_is_left_out(tmp_path):
    from clips.manifest import Manifest
    from sequence.dataset import Dataset

    rows = np.zeros((40, 3), np.float32)
    clips = [
        Clip("a", rows, "kick", "test", start=0.0, end=1.0),
        Clip("b", rows, "dance", "test"),
        Clip("c", rows, "noFight", "test"),
    ]
    manifest = Manifest(tmp_path / "manifest.csv", tuple(clip.entry for clip in clips))
    store = store_of(tmp_path / "features.h5", {clip.video: clip.rows for clip in clips})
    mapping = read_label_map("kick=fight,dance=-,background=noFight", LABELS)
    mapping.require(manifest.labels, manifest.path)
    dataset = Dataset(store, manifest, 4, mapping)
    assert dataset.labels == ["fight", "noFight"]
    found = [(each.video, each.target, each.first, each.last) for each in dataset.split("all")]
    assert found == [("a", 0, 0, 10), ("a", 1, 10, 40), ("c", 1, 0, 40)]
