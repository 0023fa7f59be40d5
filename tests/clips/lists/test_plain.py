"""Lists of any format: tables with any separator, JSON, and lists without names of columns."""

import json

import pytest

from clips.lists.base import Request
from clips.lists.clip_index import ClipIndex
from clips.lists.plain import LISTS
from clips.preparation import prepare
from tests.clips.preparing import settings
from video.errors import LookbackError


def _read(path, *lines: str):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return LISTS.read(Request(path, 1, None))


def _rows(path, *lines: str):
    return [(c.names[0], c.label, c.start, c.end) for c in _read(path, *lines)]


_WALK_RUN = [("walk/a b.mp4", "walk", 0.5, 12.0), ("run/c.mp4", "fast run", None, None)]


@pytest.mark.parametrize(
    "lines",
    [
        ["path,class,begin,stop", "walk/a b.mp4,walk,0.5,12", "run/c.mp4,fast run,,"],
        ["Class;Path;Start Time;End Time", "walk;walk/a b.mp4;0,5;0:12", "fast run;run/c.mp4;;"],
        ["video\tlabel\tstart\tend", "walk/a b.mp4\twalk\t0,5\t00:00:12", "run/c.mp4\tfast run"],
        ["walk/a b.mp4;walk;0,5;12", "run/c.mp4;fast run"],
        ["walk/a b.mp4,walk,0.5,12", "run/c.mp4,fast run,,"],
        ["walk/a b.mp4 walk 0.5 12", "run/c.mp4 fast run"],
        ['"walk/a b.mp4" walk 0.5 12', "run/c.mp4 0 fast run".replace(" 0", "")],
        ["# a comment", "", "walk/a b.mp4 0.5 12 walk", "run/c.mp4  fast  run"],
        ["video label start end", '"walk/a b.mp4" walk 0.5 12', 'run/c.mp4 "fast run"'],
    ],
)
def test_a_table_has_any_separator_and_order(tmp_path, lines):
    assert _rows(tmp_path / "list.csv", *lines) == _WALK_RUN


@pytest.mark.parametrize(
    "content",
    [
        [
            {"video": "walk/a b.mp4", "label": "walk", "start": 0.5, "end": 12},
            {"file": "run/c.mp4", "category": "fast run"},
        ],
        {
            "walk/a b.mp4": {"label": "walk", "start": "0.5", "end": "0:12"},
            "run/c.mp4": "fast run",
        },
        {
            "database": {
                "walk/a b.mp4": {"annotations": [{"label": "walk", "segment": [0.5, 12]}]},
                "run/c.mp4": {"annotations": {"label": "fast run"}, "duration": 9.0},
            }
        },
    ],
)
def test_json_has_any_of_three_forms(tmp_path, content):
    assert _rows(tmp_path / "list.json", json.dumps(content)) == _WALK_RUN


def test_splits_come_from_a_column_or_the_files_name(tmp_path):
    rows = ["path,label,Subset", "a.mp4,walk,Training", "b.mp4,walk,validation", "c.mp4,walk,"]
    splits = [clip.split for clip in _read(tmp_path / "my_test_list.csv", *rows)]
    assert splits == ["train", "val", "test"]
    assert _read(tmp_path / "latest.csv", "a.mp4,walk")[0].split == ""


def test_numbers_of_classes_become_their_names(tmp_path):
    lines = ["a.mp4 1", "b.mp4 0"]
    assert [row[1] for row in _rows(tmp_path / "train.txt", *lines)] == ["1", "0"]
    (tmp_path / "classes.txt").write_text("walk\nfast run\n")
    assert [row[1] for row in _rows(tmp_path / "train.txt", *lines)] == ["fast run", "walk"]
    with pytest.raises(LookbackError, match=r"train\.txt, line 2: there is no class 7"):
        _rows(tmp_path / "train.txt", "a.mp4 1", "b.mp4 7")
    (tmp_path / "classes.txt").unlink()
    (tmp_path / "classInd.txt").write_text("1 walk\n2 run\n")
    assert [row[1] for row in _rows(tmp_path / "train.txt", "a.mp4 2")] == ["run"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["path,label", "a.mp4,walk,3,4"], "line 2: has 4 values, but the first line names 2"),
        (["a.mp4 120 3"], r"line 1: a\.mp4, 120, 3 is not a path, a label, and perhaps start"),
        (["a.mp4 b.mp4 walk"], "line 1: it is not clear where the path ends"),
        (["path,label,start", "a.mp4,walk,soon"], "line 2: start is 'soon'; write seconds"),
        (["path,label,start,end", "a.mp4,walk,5,3"], r"line 2: end \(3 s\) must be after start"),
        (["path,label,split", "a.mp4,walk,main"], "line 2: split is 'main'; write train"),
        (["path,label", "a.mp4,walk|"], r"line 2: label 'walk\|': a label next to \| is empty"),
        (["path,label", ",walk"], "line 2: the path is empty"),
        ([""], "is empty; write a clip and its label"),
    ],
)
def test_a_bad_line_is_named_with_its_mend(tmp_path, lines, message):
    with pytest.raises(LookbackError, match=message) as raised:
        _read(tmp_path / "list.csv", *lines)
    assert str(raised.value).startswith(f"{tmp_path / 'list.csv'}")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not a JSON file in UTF-8"),
        ("[]", "lists no clip; it must be"),
        ("3", "must be an array of objects"),
        ("[3]", "entry 1: must be an object"),
        ('[{"label": "walk"}]', "entry 1: has no video; known are label"),
        (
            '{"a.mp4": {"annotations": [{"segment": [1, 2]}]}}',
            "entry 'a.mp4': an annotation has no",
        ),
        ('{"a": {"annotations": [{"label": "x", "segment": 3}]}}', "segment must be"),
    ],
)
def test_bad_json_is_named_with_its_entry(tmp_path, content, message):
    with pytest.raises(LookbackError, match=message):
        _read(tmp_path / "list.json", content)


def test_a_list_finds_its_clips_in_any_folders_and_keeps_columns(tmp_path, add):
    names = [f"{label}/{n}.mp4" for label in ("walk", "run") for n in range(4)]
    add(*(f"deep/down/{name}" for name in names))
    rows = [
        f"{name.replace('.mp4', '.avi')};{name[:3]};room{n % 4}" for n, name in enumerate(names)
    ]
    (tmp_path / "my.csv").write_text("\n".join(["file;activity;camera", *rows]))
    manifest = prepare(settings(tmp_path, data__lists=str(tmp_path / "my.csv")))
    assert manifest.videos == [f"clips/deep/down/{name}" for name in names]
    assert manifest.labels == ["run", "wal"]
    assert dict(manifest.entries[1].extra)["camera"] == "room1"
    by_camera = settings(tmp_path, data__lists=str(tmp_path / "my.csv"), data__group_by="camera")
    assert {entry.group for entry in prepare(by_camera).entries} == {f"room{n}" for n in range(4)}


def test_a_folder_of_lists_gives_the_split(tmp_path, add):
    for part, count in (("train", 4), ("val", 2), ("test", 3)):
        names = [f"{label}_{part}{n}.mp4" for label in ("walk", "run") for n in range(count)]
        add(*names)
        (tmp_path / "lists").mkdir(exist_ok=True)
        lines = [f"{name} {name.split('_')[0]}" for name in names]
        (tmp_path / "lists" / f"{part}list.txt").write_text("\n".join(lines))
    flags = {"data__lists": str(tmp_path / "lists")}
    manifest = prepare(settings(tmp_path, **flags))
    for entry in manifest.entries:
        assert f"_{entry.split}" in entry.video
    again = prepare(settings(tmp_path, data__split="1/1/1", **flags))
    assert any(f"_{entry.split}" not in entry.video for entry in again.entries)


def test_names_that_fit_several_files_or_none_are_told(tmp_path, add):
    add("walk/1.mp4", "run/2.mp4", "a/x.mp4", "b/x.mp4")
    index = ClipIndex(tmp_path)
    assert index.find(["walk/1.mp4"]) == "clips/walk/1.mp4"
    assert index.find([str(tmp_path / "clips/run/2.mp4")]) == "clips/run/2.mp4"
    assert index.find(["run/1.mp4"]) is None  # there is a folder run, without it
    assert index.find(["elsewhere/1.avi", "walk/1"]) == "clips/walk/1.mp4"
    assert index.find(["none", ""]) is None
    assert index.find(["b/x.mp4"]) == "clips/b/x.mp4"
    with pytest.raises(
        LookbackError, match=r"l\.csv, line 3: x may be clips/a/x\.mp4 or clips/b/x"
    ):
        index.find(["x"], "l.csv, line 3")


def test_two_rows_of_one_file_and_lists_of_other_clips_are_refused(tmp_path, add):
    add("1.mp4", "2.mp4")
    path = tmp_path / "l.csv"
    flags = settings(tmp_path, data__lists=str(path))
    path.write_text("walk/1.mp4,walk\nrun/1.mp4,run\n")
    with pytest.raises(LookbackError, match=r"line 2: run/1\.mp4 and walk/1\.mp4 .* are both"):
        prepare(flags)
    path.write_text("1.mp4,walk\n1.mp4,run\n")
    with pytest.raises(LookbackError, match=r"line 2: 1\.mp4 is run, and walk in .*line 1"):
        prepare(flags)
    path.write_text("7.mp4,walk\n8.mp4,run\n")
    with pytest.raises(LookbackError, match=r"none of the 2 listed clips, such as 7\.mp4 \("):
        prepare(flags)


def test_labels_of_one_clip_are_separated_by_bars(tmp_path):
    assert _rows(tmp_path / "list.csv", "path,label", "a.mp4,wave|run", "b.mp4,run") == [
        ("a.mp4", "run|wave", None, None),
        ("b.mp4", "run", None, None),
    ]
    # Without names of columns, too: the bar is not the separator of the table.
    assert _rows(tmp_path / "list.txt", "a.mp4,wave|run", "b.mp4,run|sing") == [
        ("a.mp4", "run|wave", None, None),
        ("b.mp4", "run|sing", None, None),
    ]
    (tmp_path / "classes.txt").write_text("run\nwave\n", encoding="utf-8")
    assert _rows(tmp_path / "list.csv", "path,label", "a.mp4,1|0") == [
        ("a.mp4", "run|wave", None, None)
    ]
