"""Corrections: an evaluation's list of mistakes, filled in by a person, changes the manifest."""

from pathlib import Path

import pytest

from clips import manifest as manifests
from clips.corrections import correct, print_applied
from clips.manifest import Entry, Manifest
from clips.manifest.segments import segments_of
from clips.preparation import load_manifest, prepare
from tests.clips.preparing import lines, settings
from video.errors import LookbackError

_HEADER = "video,start,end,label,predicted,probability,action"
_MATCH = "clips/match.mp4"


@pytest.fixture
def manifest(tmp_path) -> Manifest:
    rows = [
        Entry("clips/walk/a.mp4", "walk", "train", "a"),
        Entry("clips/run/b.mp4", "run", "test", "b"),
        Entry(_MATCH, "run", "test", "m", 2.5, 4.0),
        Entry(_MATCH, "walk", "test", "m", 6.0, 1234.5678),
    ]
    return Manifest(tmp_path / "manifest.csv", tuple(rows))


def listed(folder: Path, *rows: str, header: str = _HEADER) -> str:
    path = folder / "mistakes.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return str(path)


def labels(manifest: Manifest) -> dict[tuple[str, float | None], str]:
    rows = (*manifest.entries, *manifest.unlabeled)
    return {(row.video, row.start): row.label for row in rows}


def test_clips_and_parts_are_dropped_and_relabeled(tmp_path, manifest):
    path = listed(
        tmp_path,
        "clips/walk/a.mp4,,,walk,run,0.9,label=run",
        "clips/run/b.mp4,,,run,walk,0.9,drop",
        f"{_MATCH},2.5,4,run,walk,0.9, Label = walk ",
        f"{_MATCH},6,1234.57,walk,run,0.9,DROP",  # six digits, as older lists have them
    )
    corrected, applied = correct(manifest, path)
    assert labels(corrected) == {
        ("clips/walk/a.mp4", None): "run",
        ("clips/run/b.mp4", None): "-",
        (_MATCH, 2.5): "walk",
        (_MATCH, 6.0): "-",
    }
    assert corrected.left_out == {"clips/run/b.mp4"}
    assert (applied.dropped, applied.relabeled, applied.there) == (2, 2, 0)
    assert applied.tested == 3
    again, repeated = correct(corrected, path)
    assert again == corrected
    assert (repeated.dropped, repeated.relabeled, repeated.there) == (0, 0, 4)
    assert repeated.tested == 0


def test_a_dropped_part_does_not_become_background(tmp_path, manifest):
    corrected, _ = correct(manifest, listed(tmp_path, f"{_MATCH},2.5,4,run,walk,0.9,drop"))
    spans = [(s.label, s.start, s.end) for s in segments_of(corrected) if s.video == _MATCH]
    assert sorted(spans, key=lambda span: span[1]) == [
        ("background", 0.0, 2.5),
        ("background", 4.0, 6.0),
        ("walk", 6.0, 1234.5678),
        ("background", 1234.5678, float("inf")),
    ]


def test_background_between_the_parts_can_be_corrected_though_it_has_no_row(tmp_path, manifest):
    path = listed(
        tmp_path,
        f"{_MATCH},4,6,background,run,0.9,label=run",
        f"{_MATCH},1234.5678,,background,run,0.8,drop",
        f"{_MATCH},,2.5,background,run,0.7,label=background",
    )
    corrected, applied = correct(manifest, path)
    assert corrected.entries[4:] == (Entry(_MATCH, "run", "test", "m", 4.0, 6.0),)
    assert corrected.unlabeled == (Entry(_MATCH, "-", "test", "m", 1234.5678, None),)
    assert (applied.dropped, applied.relabeled, applied.there) == (1, 1, 1)


def test_a_dropped_clip_comes_back_with_a_label(tmp_path, manifest):
    row = "clips/run/b.mp4,,,run,walk,0.9,"
    dropped, _ = correct(manifest, listed(tmp_path, row + "drop"))
    back, applied = correct(dropped, listed(tmp_path, row + "label=run"))
    assert sorted(back.entries, key=str) == sorted(manifest.entries, key=str)
    assert applied.relabeled == 1


def test_more_is_listed_by_class(tmp_path, manifest, caplog):
    path = listed(
        tmp_path,
        "clips/run/b.mp4,,,run,walk,0.9,more",
        f"{_MATCH},2.5,4,run,background,0.9,more",
        "clips/walk/a.mp4,,,walk,run,0.9,more",
    )
    corrected, applied = correct(manifest, path)
    assert corrected == manifest
    caplog.set_level("INFO", "lookback")
    print_applied(applied)
    assert [record.getMessage() for record in caplog.records] == [
        "Corrections: 0 dropped, 0 relabeled, 3 to film more of",
        "  film more of run (1 taken for walk, 1 taken for background), like clips/run/b.mp4, "
        f"{_MATCH} from 2.5 s to 4 s",
        "  film more of walk (1 taken for run), like clips/walk/a.mp4",
    ]


def test_a_note_tells_that_corrected_test_clips_raise_the_score(tmp_path, manifest, caplog):
    caplog.set_level("INFO", "lookback")
    print_applied(correct(manifest, listed(tmp_path, "clips/walk/a.mp4,,,walk,run,0.9,drop"))[1])
    assert "in test" not in caplog.text
    print_applied(correct(manifest, listed(tmp_path, "clips/run/b.mp4,,,run,walk,0.9,drop"))[1])
    assert "note: 1 of them are in test." in caplog.text


@pytest.mark.parametrize("text", [f"{_HEADER}\nclips/run/b.mp4,,,run,walk,0.9,\n", f"{_HEADER}\n"])
def test_rows_without_an_action_change_nothing(tmp_path, manifest, text):
    (tmp_path / "mistakes.csv").write_text(text)
    corrected, applied = correct(manifest, str(tmp_path / "mistakes.csv"))
    assert corrected == manifest
    assert (applied.dropped, applied.relabeled, applied.more) == (0, 0, [])


@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_spreadsheets_may_have_written_the_list(tmp_path, manifest, separator):
    start, end = ('"2,5"', '"4,0"') if separator == "," else ("2,5", "4,0")
    cells = [["Video", "Start", "End", "Label", "Predicted", "Probability", "Action"]]
    cells += [[_MATCH, start, end, "run", "walk", "0,9" if separator != "," else "", "drop"]]
    text = "\r\n".join(separator.join(row) for row in cells) + "\r\n"
    (tmp_path / "mistakes.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    corrected, _ = correct(manifest, str(tmp_path / "mistakes.csv"))
    assert labels(corrected)[_MATCH, 2.5] == "-"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("clips/run/b.mp4,,,run,walk,0.9,remove", "it must be drop, label=NAME or more"),
        ("clips/run/b.mp4,,,run,walk,0.9,walk", r"\(for the class, label=walk\)"),
        (
            "clips/run/b.mp4,,,run,walk,0.9,label=wlak",
            "no class .wlak.; did you mean walk",
        ),
        ("clips/run/b.mp4,,,run,walk,0.9,label=", "there is no class ''; known: "),
        ("clips/run/B.mp4,,,run,walk,0.9,drop", "not in .*did you mean clips/run/b.mp4"),
        (f"{_MATCH},2.5,5,run,walk,0.9,drop", "no row for clips/match.mp4 from 2.5 s to 5 s"),
        (f"{_MATCH},02. Mai,5,run,walk,0.9,drop", "start is '02. Mai'"),
    ],
)
def test_a_row_that_cannot_be_applied_is_named_in_one_line(tmp_path, manifest, row, words):
    path = listed(tmp_path, "clips/walk/a.mp4,,,walk,run,0.9,label=run", row)
    with pytest.raises(LookbackError, match=words) as raised:
        correct(manifest, path)
    assert str(raised.value).startswith(f"{path}, line 3: ")
    assert "\n" not in str(raised.value)


def test_two_actions_for_one_clip_are_refused(tmp_path, manifest):
    row = "clips/run/b.mp4,,,run,walk,0.9,"
    with pytest.raises(LookbackError, match=r"line 3: .* has another action in line 2"):
        correct(manifest, listed(tmp_path, row + "drop", row + "label=walk"))


def test_a_file_of_another_kind_and_a_missing_file_are_refused(tmp_path, manifest):
    with pytest.raises(LookbackError, match="column action is missing"):
        correct(manifest, listed(tmp_path, "clips/run/b.mp4,run", header="video,label"))
    with pytest.raises(LookbackError, match="there is no such file"):
        correct(manifest, str(tmp_path / "none.csv"))


def test_dropping_everything_is_refused(tmp_path, manifest):
    one = Manifest(manifest.path, manifest.entries[:1])
    with pytest.raises(LookbackError, match="drops all clips"):
        correct(one, listed(tmp_path, "clips/walk/a.mp4,,,walk,run,0.9,drop"))


def test_prepare_keeps_corrections_and_touches_no_clip(data, capsys):
    prepare(settings(data))
    files = {path: path.stat() for path in (data / "clips").rglob("*.mp4")}
    dropped, moved = "clips/walk/v_walk_g01_c1.mp4", "clips/walk/v_walk_g02_c1.mp4"
    path = listed(data, f"{dropped},,,walk,run,0.9,drop", f"{moved},,,walk,run,0.9,label=run")
    corrected = prepare(settings(data, data__corrections=path))
    assert "Corrections: 1 dropped, 1 relabeled, 0 to film more of" in capsys.readouterr().out
    assert dropped not in corrected.videos
    assert {row.video: row.label for row in corrected.entries}[moved] == "run"
    assert sum(line.startswith(f"{dropped},-,") for line in lines(data)) == 1
    assert prepare(settings(data)) == corrected
    assert prepare(settings(data, data__split="0.6/0.2/0.2")).videos == corrected.videos
    capsys.readouterr()
    assert load_manifest(settings(data)).videos == corrected.videos
    assert "not in" not in capsys.readouterr().out
    assert {path: path.stat() for path in (data / "clips").rglob("*.mp4")} == files


def test_nothing_is_written_if_one_row_is_wrong(data):
    prepare(settings(data))
    before = (data / "manifest.csv").read_bytes()
    path = listed(
        data,
        "clips/walk/v_walk_g01_c1.mp4,,,walk,run,0.9,drop",
        "clips/walk/v_walk_g02_c1.mp4,,,walk,run,0.9,label=rum",
    )
    with pytest.raises(LookbackError, match="did you mean run"):
        prepare(settings(data, data__corrections=path))
    assert (data / "manifest.csv").read_bytes() == before


def test_the_rest_of_a_video_with_an_unlabeled_row_is_no_background(tmp_path):
    path = tmp_path / "manifest.csv"
    path.write_text(
        "video,label,split,group,start,end\na.mp4,run,train,a,1,2\na.mp4,-,,,,\nb.mp4,-,,,,\n"
    )
    manifest = manifests.read(path)
    assert manifest.labels == ["run"]
    assert manifest.left_out == {"b.mp4"}
    assert [(each.label, each.start, each.end) for each in segments_of(manifest)] == [("run", 1, 2)]
    manifests.write(manifest)
    assert manifests.read(path) == manifest


def test_a_clip_can_get_several_labels_of_a_set_that_has_them(tmp_path):
    rows = [Entry("a.mp4", "run|wave"), Entry("b.mp4", "run"), Entry("c.mp4", "background")]
    there = Manifest(tmp_path / "manifest.csv", tuple(rows))
    file = listed(tmp_path, "b.mp4,,,run,run|wave,0.9,label=wave|run", "a.mp4,,,,,,label=run")
    changed, _ = correct(there, file)
    assert [row.label for row in changed.entries] == ["run", "run|wave", "background"]
    with pytest.raises(LookbackError, match="there is no class 'sing'"):
        correct(there, listed(tmp_path, "b.mp4,,,,,,label=run|sing"))
