"""Finding clips: class folders, whatever lies in them."""

import os
from pathlib import Path

import pytest

from clips.finding import find_clips
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
    assert find_clips(tmp_path) == [
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
    assert find_clips(tmp_path) == [("clips/walk/a.mp4", "walk")]


def test_a_class_folder_may_be_a_link_to_another_disk(tmp_path):
    _files(tmp_path, "disk/walk/sub/a.mp4", "data/clips/run/b.mp4")
    os.symlink(tmp_path / "disk" / "walk", tmp_path / "data" / "clips" / "walk")
    assert find_clips(tmp_path / "data") == [
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
    with pytest.raises(LookbackError, match="holds no clips; put clips into"):
        find_clips(tmp_path)


def test_a_clip_beside_the_class_folders_is_refused_by_name(tmp_path):
    _files(tmp_path, "clips/walk/a.mp4", "clips/lost.mp4")
    with pytest.raises(LookbackError, match=r"lost\.mp4: lies in no class folder"):
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
