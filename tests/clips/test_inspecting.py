"""What prepare.py tells about its clips: copies, leaks, telling properties, groups, the report."""

import csv
import json
from pathlib import Path

import cv2
import pytest

from clips import manifest as manifests
from clips.inspecting import Unconfirmed
from clips.preparation import prepare
from tests.clips.inspection.scenes import frames_of, resized, write_clip
from tests.clips.preparing import settings, splits
from tests.running import run_script
from video.errors import LookbackError


@pytest.fixture
def scenes(tmp_path) -> Path:
    """A data folder: two classes of six clips, each of a scene of its own."""
    for number in range(12):
        path = tmp_path / "clips" / ("run" if number % 2 else "walk") / f"s{chr(97 + number)}.mp4"
        write_clip(path, frames_of(number, number))
    return tmp_path


def groups(data: Path) -> dict[str, str]:
    return {entry.video: entry.group for entry in manifests.read(data / "manifest.csv").entries}


def type_splits(data: Path, given: dict[str, str], group: str = "") -> None:
    """Write a manifest by hand: a split for each video, and no groups."""
    rows = [f"{video},{video.split('/')[1]},{split},{group}" for video, split in given.items()]
    (data / "manifest.csv").write_text("\n".join(["video,label,split,group", *rows]) + "\n")


def test_a_copy_encoded_again_and_cut_is_in_the_group_of_its_original(scenes, capsys):
    write_clip(scenes / "clips" / "walk" / "again.mp4", resized(frames_of(4, 4), 64, 48)[8:])
    prepare(settings(scenes))
    found = groups(scenes)
    assert found["clips/walk/again.mp4"] == found["clips/walk/se.mp4"]
    assert len(set(found.values())) == 12
    assert splits(scenes)["clips/walk/again.mp4"] == splits(scenes)["clips/walk/se.mp4"]
    assert "1 pairs of clips are copies of one recording" in capsys.readouterr().out


def test_a_copy_in_two_given_splits_is_a_leak_and_the_split_stays(scenes, capsys, tmp_path):
    write_clip(scenes / "clips" / "walk" / "again.mp4", resized(frames_of(4, 4), 64, 48))
    names = sorted(path.relative_to(scenes).as_posix() for path in scenes.rglob("*.mp4"))
    given = {name: ("train", "train", "val", "test")[at % 4] for at, name in enumerate(names)}
    given |= {"clips/walk/se.mp4": "train", "clips/walk/again.mp4": "test"}
    type_splits(scenes, given)
    out = tmp_path / "report"
    prepare(settings(scenes), out=out)
    assert splits(scenes) == given
    printed = capsys.readouterr().out
    assert "warning: 1 of " in printed
    assert (
        "test clips show the view of a training clip (such as clips/walk/again.mp4 and" in printed
    )
    report = json.loads((out / "preparation.json").read_text())
    assert report["leaks"]["clips"] == {"val": 0, "test": 1}
    assert [pair["same_group"] for pair in report["copies"]] == [False]


def test_copies_in_two_official_splits_are_leaks_and_stay(tmp_path, capsys):
    lists = tmp_path / "lists"
    lists.mkdir()
    names = {
        label: [f"F{label}{at}_{label}_u_nm_np1_ba_goo_0.avi" for at in range(6)]
        for label in ("run", "walk")
    }
    for label, files in names.items():
        for at, name in enumerate(files):
            seed = at + 6 * (label == "walk")
            write_clip(tmp_path / "clips" / label / name, frames_of(seed, seed))
        # The last two of six are for the test.
        lines = [f"{name} {2 if at > 3 else 1}" for at, name in enumerate(files)]
        (lists / f"{label}_test_split1.txt").write_text("\n".join(lines) + "\n")
    first, last = names["walk"][0], names["walk"][-1]
    write_clip(tmp_path / "clips" / "walk" / last, resized(frames_of(6, 6), 64, 48))
    official = settings(tmp_path, data__dataset="hmdb51", data__lists=str(lists))
    prepare(official, out=tmp_path / "report")
    for video, split in splits(tmp_path).items():
        label, name = video.split("/")[1:]
        assert (split == "test") == (names[label].index(name) > 3)
    found = groups(tmp_path)
    assert found[f"clips/walk/{first}"] != found[f"clips/walk/{last}"]
    report = json.loads((tmp_path / "report" / "preparation.json").read_text())
    (copy,) = report["copies"]
    assert {copy["one"], copy["other"]} == {f"clips/walk/{first}", f"clips/walk/{last}"}
    assert splits(tmp_path)[f"clips/walk/{first}"] == "train"
    assert "warning: 1 of 4 test clips show the view of a training clip" in capsys.readouterr().out
    asked = []
    proposed = {"data__dataset": "hmdb51", "data__lists": str(lists), "data__group_by": "propose"}
    prepare(settings(tmp_path, **proposed), confirm=lambda text: not asked.append(text))
    assert asked == ["Use these groups?"]
    for video, split in splits(tmp_path).items():
        label, name = video.split("/")[1:]
        assert (split == "test") == (names[label].index(name) > 3)


def test_a_set_whose_classes_differ_by_resolution_alone_is_called_out_by_name(tmp_path, capsys):
    for number in range(24):
        label = "run" if number % 2 else "walk"
        size = (64, 48) if number % 2 else (80, 64)
        frames = frames_of(number, number, seconds=0.5, size=size)
        write_clip(tmp_path / "clips" / label / f"{number}.mp4", frames)
    prepare(settings(tmp_path))
    warnings = [line for line in capsys.readouterr().out.splitlines() if "alone predicts" in line]
    assert any(
        line.startswith("warning: resolution alone predicts the class with 1.00 (chance 0.50)")
        for line in warnings
    )
    assert not any("codec" in line or "frame rate" in line or "sound" in line for line in warnings)


def test_proposed_groups_are_written_and_used_only_if_confirmed(scenes, capsys):
    for number in (20, 21):  # other moments of the first scene, as of a fixed camera
        write_clip(scenes / "clips" / "run" / f"m{chr(77 + number)}.mp4", frames_of(0, number))
    prepare(settings(scenes))
    before = (scenes / "manifest.csv").read_bytes()
    for confirm in (None, lambda question: False):
        with pytest.raises(Unconfirmed, match=r"nothing changed; edit .*groups\.csv"):
            prepare(settings(scenes, data__group_by="propose"), confirm=confirm)
    assert (scenes / "manifest.csv").read_bytes() == before
    assert "3 clips (2 run, 1 walk; same scene)" in capsys.readouterr().out
    prepare(settings(scenes, data__group_by="propose"), confirm=lambda question: True)
    found = groups(scenes)
    assert len({found[f"clips/{name}.mp4"] for name in ("walk/sa", "run/ma", "run/mb")}) == 1
    assert len(set(found.values())) == 12
    # Without the flag the groups stay.
    prepare(settings(scenes))
    assert groups(scenes) == found


def test_an_edited_file_of_groups_is_given_back(scenes, capsys):
    with pytest.raises(Unconfirmed):
        prepare(settings(scenes, data__group_by="propose"))
    path = scenes / "groups.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["video"] for row in rows} == {
        f"clips/{row['label']}/{Path(row['video']).name}" for row in rows
    }
    lines = [f"{row['video']};{'night' if at < 2 else ''}" for at, row in enumerate(rows[:-1])]
    path.write_text("\n".join(["Video;Group", *lines]) + "\n")  # as a spreadsheet writes it
    prepare(settings(scenes, data__group_by=str(path)))
    found = groups(scenes)
    assert [video for video, group in found.items() if group == "night"] == [
        r["video"] for r in rows[:2]
    ]
    assert len(set(found.values())) == 11
    assert "1 clips are not in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no such file"),
        ("video,kind\nclips/run/sb.mp4,1\n", "needs the columns video and group"),
        ("video,group\nsb.mp4,1\n", "lists none of the videos"),
    ],
)
def test_a_file_of_groups_that_cannot_be_used_is_refused(scenes, content, message):
    path = scenes / "mine.csv"
    if content:
        path.write_text(content)
    with pytest.raises(LookbackError, match=message):
        prepare(settings(scenes, data__group_by=str(path)))
    assert not (scenes / "manifest.csv").exists()


def test_the_report_counts_and_shows_what_there_is(scenes, tmp_path, capsys):
    (scenes / "clips" / "walk" / "empty.mp4").write_bytes(b"")
    out = tmp_path / "made" / "report"
    assert run_script("prepare.py", ["--data", scenes, "--out", out]) == 0
    report = json.loads((out / "preparation.json").read_text())
    assert (report["clips"], report["groups"], report["seconds"]) == (
        12,
        12,
        pytest.approx(29.2, abs=0.1),
    )
    assert report["sizes"] == {"96x72": 12}
    assert report["codecs"] == {"h264": 12}
    assert report["frame_rates"] == {"16": 12}
    assert report["sound"] == {"without": 12}
    walk = report["classes"]["walk"]
    assert (walk["clips"], walk["groups"]) == (6, 6)
    assert walk["train"] + walk["val"] + walk["test"] == 6
    assert report["rejected"] == [
        {"video": "clips/walk/empty.mp4", "reason": "the file is empty (0 bytes)"}
    ]
    assert sorted(path.name for path in out.iterdir()) == [
        *("class_run.png", "class_walk.png", "classes.png"),
        *("preparation.json", "preparation.txt"),
    ]
    text = (out / "preparation.txt").read_text()
    for expected in ("12 clips of 12 videos", "few groups in test", "96x72 (12)", "empty.mp4"):
        assert expected in text
    sheet = cv2.imread(str(out / "class_run.png"))
    assert len(set(map(tuple, sheet.reshape(-1, 3)[::37].tolist()))) > 50  # pictures, not gray
    assert str(out / "preparation.txt") in capsys.readouterr().out


def test_a_report_that_cannot_be_written_costs_nothing_else(scenes, capsys):
    (scenes / "file").write_text("")
    assert run_script("prepare.py", ["--data", scenes, "--out", scenes / "file" / "x"]) == 0
    printed = capsys.readouterr().out
    assert "note: no report: " in printed
    assert "warning: few groups in test" in printed
    assert (scenes / "manifest.csv").is_file()


@pytest.mark.shared
def test_the_leak_of_a_random_split_by_clip_is_told_and_that_of_given_groups_is_not(
    shared, tmp_path, capsys
):
    """18 clips of three source videos, each of fixed cameras and of both classes."""
    fights = shared / "data" / "fights"
    place = {"yt_BpargJW29Wo": "train", "yt_V726w0IKCp4": "val", "yt_YgaHtncRJ5A": "test"}
    rows = manifests.read(fights / "manifest.csv").entries
    chosen = sorted((row for row in rows if row.group in place), key=lambda row: row.video)
    for row in chosen:
        (tmp_path / row.video).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / row.video).symlink_to(fights / row.video)
    for by_clip in (True, False):
        lines = [
            f"{row.video},{row.label},,{('train', 'val', 'test')[at % 3]}"
            if by_clip
            else f"{row.video},{row.label},{row.group},{place[row.group]}"
            for at, row in enumerate(chosen)
        ]
        (tmp_path / "manifest.csv").write_text(
            "\n".join(["video,label,group,split", *lines]) + "\n"
        )
        prepare(settings(tmp_path))
        printed = capsys.readouterr().out.splitlines()
        leaks = [line for line in printed if "show the view of" in line]
        assert len(leaks) == (2 if by_clip else 0)
        assert all(int(line.split()[1]) >= 4 for line in leaks)
