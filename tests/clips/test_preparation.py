"""From a folder of clips to a manifest that can be trusted."""

import os
import sys

import pytest

from clips import manifest as manifests
from clips.manifest import SPLITS
from clips.preparation import load_manifest, prepare
from tests.clips.preparing import lines, rejected, settings, splits
from tests.conftest import distinct_copy, write_coded_video
from tests.running import run_script
from video.errors import LookbackError, UsageError


def test_clips_become_a_manifest_with_groups_and_splits(data):
    manifest = prepare(settings(data))
    assert manifests.read(data / "manifest.csv") == manifest
    assert len(manifest.entries) == 20
    assert manifest.labels == ["run", "walk"]
    for entry in manifest.entries:
        assert entry.video.startswith(f"clips/{entry.label}/")
        assert entry.group == entry.video.split("_")[2]
        assert entry.split in SPLITS
    assert rejected(data) == {}
    assert load_manifest(settings(data)) == manifest


def test_files_that_give_no_frame_are_rejected_with_their_reason(data, capsys):
    (data / "clips" / "walk" / "empty.mp4").write_bytes(b"")
    (data / "clips" / "walk" / "text.mp4").write_text("no video\n" * 50)
    manifest = prepare(settings(data))
    assert rejected(data) == {
        "clips/walk/empty.mp4": "the file is empty (0 bytes)",
        "clips/walk/text.mp4": ("cannot be read as a video (damaged, or not a video)"),
    }
    assert len(manifest.entries) == 20
    printed = capsys.readouterr().out
    assert "rejected: clips/walk/empty.mp4: the file is empty (0 bytes)" in printed
    assert "20 clips, 4 s, 5 groups" in printed
    assert "2 rejected" in printed


def test_a_clip_that_breaks_off_is_used_and_noted(data, capsys):
    broken = write_coded_video(data / "clips" / "run" / "broken.mp4", frames=60)
    broken.write_bytes(broken.read_bytes()[: int(0.7 * broken.stat().st_size)])
    manifest = prepare(settings(data))
    assert "clips/run/broken.mp4" in manifest.videos
    assert "note: clips/run/broken.mp4: ends after" in capsys.readouterr().out


def test_a_folder_in_which_nothing_can_be_read_points_to_the_reasons(tmp_path):
    for label in ("walk", "run"):
        (tmp_path / "clips" / label).mkdir(parents=True)
        (tmp_path / "clips" / label / "a.mp4").write_bytes(b"")
    with pytest.raises(LookbackError, match=r"no clip can be read; .*see .*rejected\.csv"):
        prepare(settings(tmp_path))
    assert len(rejected(tmp_path)) == 2
    assert not (tmp_path / "manifest.csv").exists()


def test_preparing_twice_changes_nothing(data):
    prepare(settings(data))
    before = (data / "manifest.csv").read_bytes()
    prepare(settings(data))
    assert (data / "manifest.csv").read_bytes() == before
    assert not (data / "manifest.previous.csv").exists()


def test_an_existing_manifest_keeps_its_rows_and_new_clips_join(data, add):
    manifest = prepare(settings(data))
    # By hand: another label, a group, a part, a column of his own.
    text = (data / "manifest.csv").read_text().splitlines()
    text[0] += ",person"
    text[1:] = [f"{line},anna" for line in text[1:]]
    (data / "manifest.csv").write_text("\n".join(text) + "\n")
    before = (data / "manifest.csv").read_bytes()
    add("walk/v_walk_g02_c3.mp4", "walk/v_walk_g77_c1.mp4")
    after = prepare(settings(data))
    assert (data / "manifest.previous.csv").read_bytes() == before
    assert [entry.video for entry in after.entries[:20]] == manifest.videos
    for entry, old in zip(after.entries, manifest.entries, strict=False):
        assert (entry.split, entry.group) == (old.split, old.group)
        assert entry.extra == (("person", "anna"),)
    joined = {entry.video: entry for entry in after.entries[20:]}
    group_side = {entry.group: entry.split for entry in manifest.entries}
    assert joined["clips/walk/v_walk_g02_c3.mp4"].split == group_side["g02"]
    assert joined["clips/walk/v_walk_g77_c1.mp4"].split in SPLITS


def test_a_manifest_from_elsewhere_needs_no_class_folders(tmp_path, one_clip):
    names = [f"films/{number:02}.mp4" for number in range(12)]
    for name in names:
        distinct_copy(one_clip, tmp_path / name)
    rows = [f"{name},{'slow' if index % 2 else 'quick'}" for index, name in enumerate(names)]
    (tmp_path / "manifest.csv").write_text("\n".join(["video,label", *rows]) + "\n")
    manifest = prepare(settings(tmp_path))
    assert manifest.labels == ["quick", "slow"]
    assert [entry.group for entry in manifest.entries] == names
    assert {entry.split for entry in manifest.entries} == set(SPLITS)


def test_split_makes_a_new_one_and_keeps_the_manifest_before(data):
    prepare(settings(data))
    before, old = (data / "manifest.csv").read_bytes(), splits(data)
    prepare(settings(data, data__split="1/1/1"))
    assert (data / "manifest.previous.csv").read_bytes() == before
    assert splits(data) != old
    counts = [list(splits(data).values()).count(split) for split in SPLITS]
    assert min(counts) >= 4


def test_another_seed_makes_a_new_one_as_well(data):
    prepare(settings(data))
    old = splits(data)
    assert any(prepare(settings(data, seed=seed)) and splits(data) != old for seed in range(1, 4))


def test_group_by_regroups_and_makes_a_new_one(data):
    prepare(settings(data))
    manifest = prepare(settings(data, data__group_by=r"(g\d\d_c\d)"))
    assert {entry.group for entry in manifest.entries} == {
        f"g{g:02}_c{n}" for g in range(5) for n in (1, 2)
    }
    # Without the flag the groups of the manifest stay.
    assert prepare(settings(data)).entries == manifest.entries


def test_a_group_by_that_fits_nothing_leaves_the_manifest_alone(data):
    prepare(settings(data))
    before = (data / "manifest.csv").read_bytes()
    with pytest.raises(UsageError, match="matches no path"):
        prepare(settings(data, data__group_by="camera"))
    assert (data / "manifest.csv").read_bytes() == before


def test_a_split_that_cannot_be_made_leaves_the_manifest_alone(data):
    prepare(settings(data))
    before = (data / "manifest.csv").read_bytes()
    # One folder a class is one group a class: it cannot be in three splits.
    with pytest.raises(LookbackError, match="at least three groups"):
        prepare(settings(data, data__group_by="folder"))
    assert (data / "manifest.csv").read_bytes() == before


def test_an_empty_data_folder_says_where_clips_go(tmp_path):
    for work in (prepare, load_manifest):
        with pytest.raises(LookbackError, match=r"put clips into .*one folder per class"):
            work(settings(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_loading_prepares_where_there_is_no_manifest(data, capsys):
    manifest = load_manifest(settings(data))
    assert (data / "manifest.csv").is_file()
    assert "preparing one" in capsys.readouterr().out
    assert len(manifest.entries) == 20


def test_loading_a_manifest_that_was_named_but_is_not_there_is_an_error(data, tmp_path):
    with pytest.raises(LookbackError, match="there is no such manifest"):
        load_manifest(settings(data, data__manifest=str(tmp_path / "other.csv")))


def test_loading_tells_of_clips_that_are_not_in_the_manifest(data, add, capsys):
    (data / "clips" / "walk" / 'bad, "quoted".mp4').write_bytes(b"")
    (data / "clips" / "walk" / "late.mp4.mp4").write_bytes(b"")
    prepare(settings(data))
    capsys.readouterr()
    load_manifest(settings(data))
    assert "note" not in capsys.readouterr().out  # those that were rejected are known
    add("walk/late.mp4", "walk/later.mp4")
    load_manifest(settings(data))
    printed = capsys.readouterr().out
    assert "note: 2 clips are not in" in printed
    assert "clips/walk/late.mp4); python prepare.py adds them" in printed
    assert len(manifests.read(data / "manifest.csv").entries) == 20


def test_loading_refuses_a_manifest_that_was_made_to_leak(data):
    prepare(settings(data))
    text = (data / "manifest.csv").read_text()
    (data / "manifest.csv").write_text(text.replace(",train,", ",test,", 1))
    with pytest.raises(LookbackError, match="are in two splits"):
        load_manifest(settings(data))


def test_the_script_prints_how_many_clips_stand_where(data, capsys):
    assert (
        run_script("prepare.py", ["--data", data, "--out", data / "report", "--split", "3/1/1"])
        == 0
    )
    printed = capsys.readouterr().out
    table = {line.split()[0]: line.split()[1:] for line in printed.splitlines() if line}
    assert table["class"] == ["train", "val", "test"]
    assert table["walk"] == table["run"] == ["6", "2", "2"]
    assert str(data / "manifest.csv") in printed


def test_the_split_of_a_column_with_blanks_and_capitals_is_kept(data):
    prepare(settings(data))
    before = splits(data)
    text = (data / "manifest.csv").read_text()
    (data / "manifest.csv").write_text(text.replace("video,label,split", "Video, LABEL, split", 1))
    prepare(settings(data))
    assert splits(data) == before
    assert lines(data)[0] == "video,label,split,group,start,end"


@pytest.mark.parametrize(("known", "typed"), [("split", "spilt"), ("group", "groups")])
def test_a_misspelled_column_is_refused_and_nothing_is_written(data, known, typed):
    """Without it there would be a new split, which could put a scene into two splits."""
    prepare(settings(data))
    path = data / "manifest.csv"
    path.write_text(path.read_text().replace(f",{known},", f",{typed},", 1))
    before = path.read_bytes()
    for command in (prepare, load_manifest):
        with pytest.raises(LookbackError, match=f"column '{typed}', but no column '{known}'"):
            command(settings(data))
    assert path.read_bytes() == before


def test_a_column_like_a_known_one_may_be_the_group(data):
    prepare(settings(data))
    path = data / "manifest.csv"
    path.write_text(path.read_text().replace(",group,", ",groups,", 1))
    assert prepare(settings(data, data__group_by="groups")).entries


@pytest.mark.skipif(os.sep != "/", reason="Windows has no such names")
def test_odd_file_names_are_stable(data, add):
    add("walk/part1\\clip.mp4", "walk/clip.mp4 ", " run /a.mp4", " run /b.mp4", " run /c.mp4")
    manifest = prepare(settings(data))
    assert "clips/walk/part1\\clip.mp4" in manifest.videos
    assert load_manifest(settings(data)).entries == manifest.entries
    assert prepare(settings(data)) == manifest
    assert not (data / "manifest.previous.csv").exists()


def test_with_another_manifest_the_place_of_clips_is_explained(data, tmp_path):
    place = tmp_path / "elsewhere" / "m.csv"
    with pytest.raises(LookbackError, match="must be in the folder of the manifest, not in --data"):
        prepare(settings(data, data__manifest=str(place)))


def test_a_listed_name_that_the_locale_cannot_open_is_refused(data, monkeypatch):
    prepare(settings(data))
    with (data / "manifest.csv").open("a", encoding="utf-8") as file:
        file.write("clips/gehen/ä.mp4,gehen,train,,,\n")
    before = lines(data)
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "ascii")
    for work in (prepare, load_manifest):
        with pytest.raises(LookbackError, match=r"reads file names as ascii.*PYTHONUTF8=1"):
            work(settings(data))
    assert lines(data) == before


def test_spans_of_one_recording_are_split_in_time_with_a_warning(tmp_path, capsys):
    write_coded_video(tmp_path / "match.mp4", frames=20)
    rows = [
        f"match.mp4,{('run', 'fall')[turn % 2]},{4 * turn},{4 * turn + 4}" for turn in range(60)
    ]
    listed = "\n".join(["video,label,start,end", *rows]) + "\n"
    (tmp_path / "manifest.csv").write_text(listed)
    loaded = load_manifest(settings(tmp_path))
    prepared = prepare(settings(tmp_path))
    assert capsys.readouterr().out.count("say nothing about other recordings") == 2
    assert (loaded.entries, loaded.unlabeled) == (prepared.entries, prepared.unlabeled)
    assert [row.split for row in prepared.entries] == sorted(
        (row.split for row in prepared.entries), key=SPLITS.index
    )
    # Spans between two splits lose their label, and all of this is in the file.
    assert len(prepared.entries) + len(prepared.unlabeled) == 60
    assert 0 < len(prepared.unlabeled) < 10
    again = load_manifest(settings(tmp_path))
    assert (again.entries, again.unlabeled) == (prepared.entries, prepared.unlabeled)
