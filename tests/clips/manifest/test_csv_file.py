"""The manifest: what is written is read again, and each mistake is named with its line."""

import csv
import os
import re

import pytest

from clips import manifest as manifests
from clips.manifest import BACKGROUND, Entry, Manifest, read, write
from video.errors import LookbackError


def _reading(tmp_path, text: str, encoding: str = "utf-8") -> Manifest:
    path = tmp_path / "manifest.csv"
    path.write_bytes(text.encode(encoding))
    return read(path)


def test_what_is_written_is_read_again(tmp_path):
    entries = (
        Entry("clips/a/1.mp4", "a", "train", "g1"),
        Entry('clips/b/with, comma and "quotes".mp4', "b", "val", "g;2", 0.25, None),
        Entry("clips/b/ä ö 視.mp4", "b", "test", "", None, 7.125),
        Entry("clips/c/3.mp4", BACKGROUND, "", "", 0.0, 1e-3),
        Entry("clips/c/long.mp4", "c", "", "", 12345.678, 12345.69),
    )
    manifest = Manifest(tmp_path / "manifest.csv", entries)
    write(manifest)
    assert read(manifest.path) == manifest


def test_further_columns_are_kept(tmp_path):
    manifest = _reading(tmp_path, "person,video,label,camera\nanna,a.mp4,walk,2\nben,b.mp4,run,\n")
    assert manifest.entries[0].extra == (("person", "anna"), ("camera", "2"))
    write(manifest)
    assert read(manifest.path) == manifest
    with manifest.path.open(newline="") as file:
        header = next(csv.reader(file))
    assert header == [*manifests.COLUMNS, "person", "camera"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_files_from_spreadsheets_are_read(tmp_path, encoding, newline):
    text = newline.join(["video,label", "clips\\gehen\\ä.mp4, gehen ", "", "b.mp4,", ""])
    entries = _reading(tmp_path, text, encoding).entries
    assert entries == (Entry("clips/gehen/ä.mp4", "gehen"), Entry("b.mp4", BACKGROUND))


def test_columns_may_stand_in_any_order_and_rows_may_be_short(tmp_path):
    manifest = _reading(tmp_path, "label,split,video,end,start\nwalk,val,a.mp4,2.5,1\nrun,,b.mp4\n")
    assert manifest.entries == (
        Entry("a.mp4", "walk", "val", "", 1.0, 2.5),
        Entry("b.mp4", "run"),
    )


@pytest.mark.parametrize(
    ("rows", "line", "mend"),
    [
        (["a.mp4,walk,train,,,", ",walk,train,,,"], 3, "the column video is empty"),
        (["a.mp4,walk|,train,,,"], 2, r"a label next to \| is empty; .* such as run\|wave"),
        (["a.mp4,walk|background,,,,"], 2, "background means that no class holds; remove it"),
        (["a.mp4,walk,,,,", "", "b.mp4,walk,testing,,,"], 4, "'testing'; .* train, val, test"),
        (["a.mp4,walk,,,soon,"], 2, "start is 'soon'; it must be a time in seconds, such as 2.5"),
        (["a.mp4,walk,,,,1:30"], 2, "end is '1:30'; it must be a time in seconds"),
        (["a.mp4,walk,,,-1,"], 2, "start is '-1'; it must be a time in seconds"),
        (["a.mp4,walk,,,nan,"], 2, "start is 'nan'"),
        (["a.mp4,walk,,,,inf"], 2, "end is 'inf'"),
        (["a.mp4,walk,,,3,3"], 2, r"end \(3.0 s\) must be after start \(3.0 s\)"),
        (["a.mp4,walk,,,,0"], 2, r"end \(0.0 s\) must be after start \(0.0 s\)"),
        (['"two\nlines.mp4",walk,,,,', "b.mp4,walk,x,,,"], 4, "split is 'x'"),
    ],
)
def test_a_mistake_names_its_line_and_the_mend(tmp_path, rows, line, mend):
    with pytest.raises(LookbackError) as raised:
        _reading(tmp_path, "\n".join(["video,label,split,group,start,end", *rows, ""]))
    assert str(raised.value).startswith(f"{tmp_path / 'manifest.csv'}, line {line}: ")
    assert re.search(mend, str(raised.value))


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("", "the column label and video is missing; a manifest's first line is video,label,split"),
        ("video;label\na;b\n", "the column label and video is missing"),
        ("video,split\na.mp4,train\n", "the column label is missing"),
        ("video,label\n", "lists no clip; remove it and run python prepare.py"),
    ],
)
def test_a_file_that_is_no_manifest_says_what_one_looks_like(tmp_path, text, mend):
    with pytest.raises(LookbackError, match=mend) as raised:
        _reading(tmp_path, text)
    assert str(raised.value).startswith(str(tmp_path / "manifest.csv"))


def test_a_file_in_another_encoding_is_refused(tmp_path):
    with pytest.raises(LookbackError, match="not a CSV file in UTF-8"):
        _reading(tmp_path, "video,label\nä.mp4,gehen\n", "utf-16")


def test_labels_are_in_alphabetical_order(tmp_path):
    manifest = _reading(tmp_path, "video,label\n1,walk\n2,run\n3,walk\n4,\n5,jump\n")
    assert manifest.labels == [BACKGROUND, "jump", "run", "walk"]


def test_a_partly_labelled_video_brings_the_background_along(tmp_path):
    assert _reading(tmp_path, "video,label,start\n1,walk,2\n").labels == [BACKGROUND, "walk"]
    assert _reading(tmp_path, "video,label,start\n1,walk,\n").labels == ["walk"]


def test_videos_are_listed_once_in_the_order_of_the_rows(tmp_path):
    manifest = _reading(tmp_path, "video,label,start,end\nz,a,0,1\ny,a,,\nz,b,1,2\n")
    assert manifest.videos == ["z", "y"]
    assert manifest.place("y") == tmp_path / "y"


def test_a_file_that_cannot_be_written_whole_leaves_the_old_one(tmp_path):
    manifest = Manifest(tmp_path / "manifest.csv", (Entry("a.mp4", "walk"),))
    write(manifest)
    before = manifest.path.read_bytes()

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("the power is gone")

    with pytest.raises(RuntimeError):
        manifests.write_rows(manifest.path, ["video"], [["b.mp4"], [Broken()]])
    assert manifest.path.read_bytes() == before


def test_the_users_split_is_read_whatever_the_blanks_and_case_of_its_column(tmp_path):
    manifest = _reading(tmp_path, "Video, Label , split,GROUP\na.mp4,walk,test,g1\n")
    assert manifest.entries == (Entry("a.mp4", "walk", "test", "g1"),)
    write(manifest)
    with manifest.path.open(newline="") as file:
        assert next(csv.reader(file)) == list(manifests.COLUMNS)


@pytest.mark.parametrize(
    "text",
    ["video,label\nholiday, beach.mp4,walk\n", "video,label,\na.mp4,walk,test\n"],
    ids=["comma", "nameless"],
)
def test_a_value_in_no_column_is_refused_rather_than_lost(tmp_path, text):
    with pytest.raises(LookbackError, match="line 2: a value is in a column without a name"):
        _reading(tmp_path, text)


def test_empty_columns_without_a_name_as_spreadsheets_write_them_do_no_harm(tmp_path):
    manifest = _reading(tmp_path, "video,label,,\na.mp4,walk,,\nb.mp4,run,,,\n")
    assert manifest.entries == (Entry("a.mp4", "walk"), Entry("b.mp4", "run"))


ODD_NAMES = ["clips/a/part1\\clip.mp4", "clips/a/clip.mp4 ", " clip.mp4", "\\clip.mp4"]


@pytest.mark.skipif(os.sep != "/", reason="Windows has no such names")
@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("there", [True, False])
def test_a_name_with_a_backslash_or_a_blank_at_its_end_stays_as_it_was_written(
    tmp_path, name, there
):
    if there or "/" not in name:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    manifest = Manifest(tmp_path / "manifest.csv", (Entry(name, "a"),))
    write(manifest)
    assert read(manifest.path) == manifest


@pytest.mark.parametrize("typed", ["clips\\a\\clip.mp4", " clips/a/clip.mp4 ", "clips/a\\clip.mp4"])
def test_a_typed_backslash_or_blank_is_forgiven_where_the_file_is_there_without_it(tmp_path, typed):
    (tmp_path / "clips" / "a").mkdir(parents=True)
    (tmp_path / "clips" / "a" / "clip.mp4").touch()
    assert _reading(tmp_path, f"video,label\n{typed},a\n").videos == ["clips/a/clip.mp4"]


def test_several_labels_are_read_and_written_in_one_order(tmp_path):
    path = tmp_path / "manifest.csv"
    path.write_text("video,label\na.mp4,wave | run\nb.mp4,run|run\n", encoding="utf-8")
    found = read(path)
    assert [entry.label for entry in found.entries] == ["run|wave", "run"]
    assert [entry.labels for entry in found.entries] == [("run", "wave"), ("run",)]
    write(found)
    assert read(path) == found


def test_two_rows_of_a_whole_clip_name_the_row_with_both_labels(tmp_path):
    path = tmp_path / "manifest.csv"
    path.write_text("video,label\na.mp4,wave\na.mp4,run\n", encoding="utf-8")
    with pytest.raises(LookbackError, match=r"if both hold, write one row with run\|wave"):
        read(path)
