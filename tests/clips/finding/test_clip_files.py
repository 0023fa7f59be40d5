"""Finding clips: class folders, whatever lies in them."""

import os
import re
import sys
from pathlib import Path

import pytest

from clips.finding.clip_files import find_clips
from video.errors import LookbackError


def _files(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def test_files_below_class_folders_are_found_in_order(tmp_path):
    _files(
        tmp_path,
        "clips/walk/b.mp4",
        "clips/run/day 2/tiefer/ä.AVI",
        "clips/walk/a.mkv",
        "clips/run/noending",
    )
    assert find_clips(tmp_path).clips == [
        ("clips/run/day 2/tiefer/ä.AVI", "run"),
        ("clips/run/noending", "run"),
        ("clips/walk/a.mkv", "walk"),
        ("clips/walk/b.mp4", "walk"),
    ]


def test_what_is_nobodys_idea_of_a_clip_is_passed_by(tmp_path):
    _files(
        tmp_path,
        "clips/walk/a.mp4",
        "clips/walk/notes.TXT",
        "clips/walk/.hidden.mp4",
        "clips/.cache/b.mp4",
        "clips/labels.csv",
        "clips/walk/thumb.jpg",
        "other/c.mp4",
    )
    assert find_clips(tmp_path).clips == [("clips/walk/a.mp4", "walk")]


def test_a_class_folder_may_be_a_link_to_another_disk(tmp_path):
    _files(tmp_path, "disk/walk/sub/a.mp4", "data/clips/run/b.mp4")
    os.symlink(tmp_path / "disk" / "walk", tmp_path / "data" / "clips" / "walk")
    assert find_clips(tmp_path / "data").clips == [
        ("clips/run/b.mp4", "run"),
        ("clips/walk/sub/a.mp4", "walk"),
    ]


def test_a_missing_clips_folder_says_what_to_make(tmp_path):
    with pytest.raises(LookbackError, match=r"there is no such folder; put clips into .*<class>"):
        find_clips(tmp_path)


@pytest.mark.parametrize("names", [[], ["clips/walk/readme.md"]])
def test_a_folder_without_clips_says_what_to_put_there(tmp_path, names):
    (tmp_path / "clips").mkdir()
    _files(tmp_path, *names)
    with pytest.raises(LookbackError, match="contains no clips; put clips into"):
        find_clips(tmp_path)


def test_a_clip_beside_the_class_folders_is_refused_by_name(tmp_path):
    _files(tmp_path, "clips/walk/a.mp4", "clips/lost.mp4")
    with pytest.raises(LookbackError, match=r"lost\.mp4: is not in a class folder"):
        find_clips(tmp_path)


def test_a_name_that_is_not_utf8_is_refused_in_one_printable_line(tmp_path):
    _files(tmp_path, "clips/walk/a.mp4")
    try:
        Path(os.fsdecode(os.fsencode(tmp_path / "clips" / "walk") + b"/\xff.mp4")).touch()
    except OSError:
        pytest.skip("this file system has no such names")
    with pytest.raises(LookbackError, match="not UTF-8; rename the file") as raised:
        find_clips(tmp_path)
    str(raised.value).encode()


@pytest.mark.parametrize(
    ("names", "note"),
    [
        (
            ["GL1.LRV", "GX1.THM", "dji.lrf"],
            r"3 companion files of cameras \(.*lrf.*\) are skipped: they are not clips",
        ),
        (
            ["live.m3u8", "dash.mpd", "list.M3U", "radio.pls"],
            r"4 playlists \(.*\) are skipped",
        ),
        (
            ["a.wav", "b.m4a", "c.flac"],
            r"3 audio files \(\.flac, \.m4a, \.wav\) are skipped",
        ),
        (
            ["1.tif", "2.TIFF", "3.heic", "4.avif", "5.jfif", "6.jpg"],
            r"6 image files are skipped: they are not clips \(such as clips/walk/1\.tif\)",
        ),
    ],
)
def test_files_that_are_no_clips_are_skipped_and_counted(tmp_path, names, note):
    _files(tmp_path, "clips/walk/a.mp4", *(f"clips/walk/{name}" for name in names))
    found = find_clips(tmp_path)
    assert found.clips == [("clips/walk/a.mp4", "walk")]
    assert len(found.notes) == 1
    assert re.search(note, found.notes[0])


def test_a_gif_is_a_video(tmp_path):
    _files(tmp_path, "clips/walk/a.gif")
    assert find_clips(tmp_path).clips == [("clips/walk/a.gif", "walk")]


@pytest.mark.parametrize(
    ("frames", "command"),
    [
        (["Fight/v1/0001.png", "Fight/v1/0002.png"], '-i "{}/Fight/v1/%04d.png" "{}/Fight/v1.mp4"'),
        (["Fight/img_77.jpg"], '-start_number 77 -i "{}/Fight/img_%02d.jpg" "{}/Fight/Fight.mp4"'),
        (["Fight/v/one.png"], '-pattern_type glob -i "{}/Fight/v/*.png" "{}/Fight/v.mp4"'),
    ],
)
def test_frames_instead_of_clips_are_named_with_the_command_that_makes_a_video(
    tmp_path, frames, command
):
    _files(tmp_path, *(f"clips/{name}" for name in frames))
    command = command.format(tmp_path / "clips", tmp_path / "clips")
    with pytest.raises(LookbackError, match="contains no clips; put clips into") as raised:
        find_clips(tmp_path)
    assert f"image files are not clips ({len(frames)} in clips/Fight)" in str(raised.value)
    assert f"ffmpeg -framerate 25 {command}" in str(raised.value)
    _files(tmp_path, "clips/walk/a.mp4")
    assert any(command in note for note in find_clips(tmp_path).notes)


def test_a_link_to_a_folder_above_or_to_one_read_already_is_not_followed(tmp_path):
    _files(tmp_path, "data/clips/a/1.mp4", "data/clips/b/2.mp4", "data/other.mp4")
    clips = tmp_path / "data" / "clips"
    for name, target in (("up", ".."), ("far", "../../.."), ("again", "../b"), ("self", "self")):
        os.symlink(target, clips / "a" / name)
    found = find_clips(tmp_path / "data")
    assert found.clips == [("clips/a/1.mp4", "a"), ("clips/b/2.mp4", "b")]
    skipped = [note for note in found.notes if "is skipped: its target" in note]
    assert [note.split()[0] for note in skipped] == ["clips/a/again", "clips/a/far", "clips/a/up"]


def test_two_links_to_one_folder_are_entered_once(tmp_path):
    _files(tmp_path, "disk/walk/1.mp4", "data/clips/run/2.mp4")
    for name in ("one", "two"):
        os.symlink(tmp_path / "disk" / "walk", tmp_path / "data" / "clips" / name)
    found = find_clips(tmp_path / "data")
    assert found.clips == [("clips/one/1.mp4", "one"), ("clips/run/2.mp4", "run")]
    assert found.notes[0].startswith("clips/two is skipped: its target")


def test_a_class_folder_that_cannot_be_entered_is_named(tmp_path):
    _files(tmp_path, "clips/walk/1.mp4")
    os.symlink(tmp_path / "disk", tmp_path / "clips" / "run")
    (tmp_path / "clips" / "jump").mkdir()
    found = find_clips(tmp_path)
    assert found.unreachable == [("clips/run", "the target of the link does not exist")]
    assert found.notes == [
        "clips/run: cannot be read (the target of the link does not exist); is a disk not mounted?",
        "clips/jump: contains no files; is a disk not mounted?",
    ]


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    _files(tmp_path, "clips/walk/1.mp4", "clips/run/2.mp4")
    listdir = os.listdir

    def refuse(folder):
        if Path(folder).name == "run":
            raise PermissionError(13, "Permission denied")
        return listdir(folder)

    monkeypatch.setattr(os, "listdir", refuse)
    assert find_clips(tmp_path).unreachable == [("clips/run", "Permission denied")]


def test_a_class_with_a_bar_in_its_name_is_refused_as_the_manifest_would_be(tmp_path):
    _files(tmp_path, "clips/walk|run/1.mp4")
    with pytest.raises(LookbackError, match=r"walk\|run.* rename the folder"):
        find_clips(tmp_path)


@pytest.mark.parametrize("name", ["clips/gehen/ä.mp4", "clips/ä/1.mp4"])
def test_a_locale_without_utf8_is_refused_rather_than_dropping_clips(tmp_path, monkeypatch, name):
    _files(tmp_path, "clips/walk/1.mp4", name)
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "ascii")
    with pytest.raises(LookbackError, match=r"reads file names as ascii.*PYTHONUTF8=1"):
        find_clips(tmp_path)


def _split(tmp_path, *folders: str) -> None:
    _files(tmp_path, *(f"clips/{f}/{c}/{n}.mp4" for f in folders for c in ("a", "b") for n in "12"))


def test_folders_named_after_the_sides_hold_classes_and_give_the_split(tmp_path):
    _split(tmp_path, "Train", "validation", "TESTING")
    found = find_clips(tmp_path)
    assert {label for _, label in found.clips} == {"a", "b"}
    splits = {"Train": "train", "validation": "val", "TESTING": "test"}
    assert found.given.splits == {video: splits[video.split("/")[1]] for video, _ in found.clips}
    assert "clips/TESTING, clips/Train, clips/validation" in found.given.note


@pytest.mark.parametrize("held_out", ["val", "valid", "validation", "test", "testing"])
def test_a_single_held_out_folder_is_the_test_and_validation_is_sampled(tmp_path, held_out):
    _split(tmp_path, "train", held_out)
    given = find_clips(tmp_path).given
    assert set(given.splits.values()) == {"test"}
    assert all(video.startswith(f"clips/{held_out}/") for video in given.splits)
    assert given.train_or_val == {f"clips/train/{c}/{n}.mp4" for c in "ab" for n in "12"}
    assert f"clips/{held_out} is the test split, and" in given.note


@pytest.mark.parametrize("folders", [["train"], ["val", "test"]])
def test_folders_that_give_no_whole_split_are_not_taken_for_classes(tmp_path, folders):
    _split(tmp_path, *folders)
    found = find_clips(tmp_path)
    assert {label for _, label in found.clips} == {"a", "b"}
    assert found.given.splits == {}
    assert "all clips are split automatically" in found.given.note


def test_a_class_of_that_name_among_other_classes_is_a_class(tmp_path):
    _files(tmp_path, "clips/train/s1/1.mp4", "clips/car/s1/2.mp4", "clips/bus/3.mp4")
    found = find_clips(tmp_path)
    assert [label for _, label in found.clips] == ["bus", "car", "train"]
    assert found.given.note == ""


@pytest.mark.parametrize(
    "names",
    [["train/1.mp4", "val/2.mp4"], ["train/a/1.mp4", "val/a/1.mp4", "val/2.mp4"]],
)
def test_clips_directly_in_folders_of_that_name_are_refused_with_the_layout(tmp_path, names):
    _files(tmp_path, *(f"clips/{name}" for name in names))
    with pytest.raises(LookbackError, match=r"\d\.mp4: is directly in .*clips/train/<class>/"):
        find_clips(tmp_path)


def test_a_clips_folder_on_a_disk_that_is_not_mounted_is_named(tmp_path):
    os.symlink(tmp_path / "disk", tmp_path / "clips")
    with pytest.raises(
        LookbackError, match=r"clips: the target of the link .* is a disk not mounted"
    ):
        find_clips(tmp_path)


def test_folders_of_frames_are_clips_with_a_rate_and_other_images_are_not(tmp_path):
    frames = [f"{n:05}.jpg" for n in range(1, 4)]
    for place in ("walk/a", "walk/007/b", "run/c", "run/001/jpeg"):
        _files(tmp_path, *(f"clips/{place}/{name}" for name in frames))
    _files(tmp_path, "clips/run/001/d.avi", "clips/run/e/thumb.jpg", "clips/run/e/e.mp4")
    _files(tmp_path, "clips/run/one/1.jpg", "clips/run/00001.jpg", "clips/run/00002.jpg")
    found = find_clips(tmp_path, 12.5)
    assert found.clips == [
        ("clips/run/001/d.avi", "run"),
        ("clips/run/c@12.5fps", "run"),
        ("clips/run/e/e.mp4", "run"),
        ("clips/walk/007/b@12.5fps", "walk"),
        ("clips/walk/a@12.5fps", "walk"),
    ]
    (note,) = found.notes  # the images of c, a and b are not among the skipped ones
    assert note.startswith("7 image files are skipped")
    assert [video for video, _ in find_clips(tmp_path).clips if "fps" in video] == []


def test_a_set_of_frames_may_be_split_by_folders(tmp_path):
    for place in ("train/walk/a", "test/walk/b"):
        _files(tmp_path, *(f"clips/{place}/img_{n}.png" for n in range(3)))
    found = find_clips(tmp_path, 25)
    assert found.clips == [
        ("clips/test/walk/b@25fps", "walk"),
        ("clips/train/walk/a@25fps", "walk"),
    ]
    assert found.given.train_or_val == {"clips/train/walk/a@25fps"}
    with pytest.raises(LookbackError, match=r"take each folder as a clip.* --fps 25"):
        find_clips(tmp_path)
