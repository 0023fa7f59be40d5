"""Sets that come split, by folders named train, val and test."""

from clips.preparation import prepare
from tests.clips.preparing import lines, settings


def splits_equal(one, other) -> bool:
    return [entry.split for entry in one.entries] == [entry.split for entry in other.entries]


def test_a_set_that_comes_split_keeps_its_split(tmp_path, add, capsys):
    folders = {"train": "train", "valid": "val", "Test": "test"}
    add(*(f"{f}/{c}/{n}.mp4" for f in folders for c in ("walk", "run") for n in "1234"))
    manifest = prepare(settings(tmp_path))
    assert manifest.labels == ["run", "walk"]
    for entry in manifest.entries:
        _, folder, label, _ = entry.video.split("/")
        assert (entry.split, entry.label) == (folders[folder], label)
    assert "the split is taken from the folders" in capsys.readouterr().out
    # Another grouping does not undo it; another split does.
    assert splits_equal(prepare(settings(tmp_path, data__group_by="folder:1")), manifest)
    assert not splits_equal(prepare(settings(tmp_path, data__split="2/1/1")), manifest)


def test_a_set_without_a_third_folder_gets_its_validation_from_training(tmp_path, add, capsys):
    add(*(f"{f}/{c}/{n}.mp4" for f in ("train", "val") for c in ("walk", "run") for n in range(8)))
    manifest = prepare(settings(tmp_path))
    assert "clips/val is the test split, and" in capsys.readouterr().out
    of_folder = {
        folder: {e.split for e in manifest.entries if e.video.startswith(f"clips/{folder}/")}
        for folder in ("train", "val")
    }
    assert of_folder == {"train": {"train", "val"}, "val": {"test"}}
    before = lines(tmp_path)
    add("train/walk/late.mp4", "val/walk/late.mp4")
    after = prepare(settings(tmp_path))
    assert lines(tmp_path)[: len(before)] == before
    assert [entry.split for entry in after.entries[-2:]][1] == "test"
    assert after.entries[-2].split in ("train", "val")
