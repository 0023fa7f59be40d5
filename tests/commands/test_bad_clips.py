"""Clips that are missing, damaged or none: a line that names the file, and all others are used."""

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from clips.finding.probing import decode
from tests.commands.conftest import ending_of
from tests.conftest import coded_frame, write_coded_video
from tests.running import ROOT
from tests.video.exif import write_exif_video


def rows_of(path: Path) -> list[dict]:
    with path.open() as file:
        return list(csv.DictReader(file))


def spoil(folder: Path, kind: str) -> Path:
    """Put a file into `folder` that is called a video."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}.mp4"
    if kind == "text":
        path.write_text("this is no video\n" * 50)
    elif kind == "empty":
        path.touch()
    elif kind == "headless":  # cut off at its front
        path.write_bytes(write_coded_video(path, 30).read_bytes()[600:])
    elif kind == "broken":  # breaks off in the middle
        content = write_coded_video(path, 60, size=(128, 96)).read_bytes()
        path.write_bytes(content[: len(content) * 2 // 3])
    elif kind == "instant":  # shorter than a step
        write_coded_video(path, 1)
    elif kind in ("braw", "encv"):  # no decoder; encrypted
        content = write_coded_video(path, 12).read_bytes()
        path.write_bytes(content.replace(b"avc1", kind.encode()))
    elif kind == "exif":  # side data that PyAV has no name for
        write_exif_video(folder / "exif.avi", 1, [coded_frame(n) for n in range(12)]).rename(path)
    return path


@pytest.mark.parametrize("script", ["prepare.py", "finetune.py", "extract.py"])
def test_an_empty_data_folder_says_where_clips_go(script, end_of, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    places = ["--data", data, "--weights", tmp_path / "weights"]
    end_of(script, *places).is_refusal(data / "clips", "one folder per class")
    (data / "clips" / "bowling").mkdir(parents=True)
    end_of(script, *places).is_refusal(data / "clips", "contains no clips", "one folder per class")


def test_a_data_folder_that_is_not_there_says_where_clips_go(end_of, tmp_path):
    end_of("prepare.py", "--data", tmp_path / "none").is_refusal(tmp_path / "none" / "clips")


def test_one_class_alone_is_refused_by_its_name(end_of, tmp_path):
    for number in range(6):
        write_coded_video(tmp_path / "clips" / "bowling" / f"{number}.mp4", 3)
    end_of("prepare.py", "--data", tmp_path).is_refusal(tmp_path, "bowling", "two or more")
    assert not (tmp_path / "manifest.csv").exists()


def test_where_no_clip_can_be_read_rejected_csv_tells_why(end_of, tmp_path):
    for kind in ("text", "empty", "headless"):
        spoil(tmp_path / "clips" / "bowling", kind)
    end_of("prepare.py", "--data", tmp_path).is_refusal(tmp_path / "rejected.csv", "no clip")
    assert {Path(row["video"]).stem for row in rows_of(tmp_path / "rejected.csv")} == {
        "text",
        "empty",
        "headless",
    }


_REJECTED = ("text", "empty", "headless", "braw", "encv")


@pytest.fixture(scope="module")
def mixed(clips_folder, tmp_path_factory) -> Path:
    """The small project's clips with spoilt ones among them, prepared."""
    data = tmp_path_factory.mktemp("mixed")
    shutil.copytree(clips_folder / "clips", data / "clips")
    for kind in (*_REJECTED, "broken", "instant", "exif"):
        spoil(data / "clips" / "up", kind)
    done = subprocess.run(
        [sys.executable, "prepare.py", "--data", data, "--out", data / "report"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert ending_of(0, "", done.stderr).errors == []
    (data / "said.txt").write_text(done.stdout)
    return data


@pytest.mark.parametrize("kind", _REJECTED)
def test_prepare_rejects_a_spoilt_clip_by_name_and_goes_on(kind, mixed):
    assert f"rejected: clips/up/{kind}.mp4: " in (mixed / "said.txt").read_text()
    assert f"clips/up/{kind}.mp4" in {row["video"] for row in rows_of(mixed / "rejected.csv")}
    videos = {row["video"] for row in rows_of(mixed / "manifest.csv")}
    assert f"clips/up/{kind}.mp4" not in videos
    assert len(videos) == 48 + 3


def test_prepare_keeps_what_decodes_of_a_clip_that_breaks_off_and_notes_it(mixed):
    said = (mixed / "said.txt").read_text()
    assert "note: clips/up/broken.mp4: " in said
    videos = {row["video"] for row in rows_of(mixed / "manifest.csv")}
    assert {f"clips/up/{kind}.mp4" for kind in ("broken", "instant", "exif")} <= videos


@pytest.mark.slow
def test_the_whole_chain_runs_over_odd_clips(mixed, end_of, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(mixed, data)
    (data / "clips" / "down" / "v_down_g003_c01.mp4").unlink()  # gone since it was prepared
    places = ["--data", data, "--weights", tmp_path / "weights"]
    small = ["--backbone", "tiny", "--backbone-weights", "none", "--fps", "5"]
    small += ["--set", "preprocessing.input_size=48"]
    extracted = end_of("extract.py", *places, *small)
    assert (extracted.code, extracted.errors) == (0, [])
    assert "v_down_g003_c01.mp4" in extracted.output
    assert "note: clips/up/broken.mp4" in extracted.output
    trained = end_of(
        "train_lstm.py", *places, "--look-back", "4", "--epochs", "1", "--head", "mean"
    )
    assert (trained.code, trained.errors) == (0, [])
    assert "1 clips of the manifest have no features" in trained.output
    folds = ["--folds", "2", "--look-back", "4", "--head", "mean", "--set", "sequence.epochs=1"]
    folded = end_of("evaluate.py", *places, *folds, "--out", tmp_path / "report")
    assert (folded.code, folded.errors) == (0, [])
    assert "50 clips" in folded.output
    assert (tmp_path / "report" / "folds.json").is_file()
    one = end_of("evaluate.py", *places, "--folds", "1", "--out", tmp_path / "report")
    one.is_refusal("--folds 1", code=2)


@pytest.mark.slow
def test_a_renamed_class_is_named_by_every_command_and_keeps_its_features(copied, end_of):
    places = copied.arguments
    (copied.data / "clips" / "up").rename(copied.data / "clips" / "raised")
    missing = "12 listed videos are missing, such as clips/up/v_up_g000_c01.mp4"
    trained = end_of("train_lstm.py", *places, "--epochs", "1", "--look-back", "6")
    assert (trained.code, trained.errors) == (0, [])
    assert missing in trained.output
    for script in ("extract.py", "prepare.py"):
        ending = end_of(script, *places)
        ending.is_refusal("class up", missing, "python prepare.py --drop-missing")
        if script == "extract.py":  # reads the videos; training does not
            assert "12 clips are not in" in ending.output
    prepared = end_of("prepare.py", *places, "--drop-missing")
    assert (prepared.code, prepared.errors) == (0, [])
    assert str(copied.data / "manifest.previous-2.csv") in prepared.output
    extracted = end_of("extract.py", *places)
    assert (extracted.code, extracted.errors) == (0, [])
    assert "0 videos extracted (0 steps), 48 were there already (12 of them under" in (
        extracted.output
    )


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("text", []),
        ("empty", ["0 bytes"]),
        ("headless", []),
        ("missing", ["no such file"]),
        ("braw", ["no decoder", "'braw'"]),
        ("encv", ["encrypted"]),
    ],
)
def test_run_names_a_video_that_cannot_be_read(kind, words, project, end_of, tmp_path):
    path = tmp_path / "missing.mp4" if kind == "missing" else spoil(tmp_path, kind)
    ending = end_of("run.py", "--weights", project.weights, "--video", path, "--no-window")
    ending.is_refusal(path, *words)


@pytest.mark.parametrize("kind", ["broken", "instant", "exif"])
def test_run_takes_what_decodes(kind, project, end_of, tmp_path):
    path = spoil(tmp_path, kind)
    ending = end_of("run.py", "--weights", project.weights, "--video", path, "--no-window")
    assert (ending.code, ending.errors) == (0, [])
    assert ("note: " in ending.output) == (kind == "broken")


def test_names_with_colons_in_this_folder_are_files(project, end_of, a_video, tmp_path):
    shutil.copy(a_video, tmp_path / "12:30.mp4")
    outputs = ["--save", "2024-05-01T12:30.mp4", "--csv", "12:30.csv", "--no-window"]
    places = ["--weights", project.weights, "--video", "12:30.mp4"]
    ending = end_of("run.py", *places, *outputs, folder=tmp_path)
    assert (ending.code, ending.errors) == (0, [])
    assert decode(tmp_path / "2024-05-01T12:30.mp4").frames == 12


def test_a_data_folder_with_a_colon_in_its_name_is_prepared(end_of, clips_folder, tmp_path):
    for label in ("up", "down"):
        for path in sorted((clips_folder / "clips" / label).iterdir())[:4]:
            (tmp_path / "2024:05" / "clips" / label).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tmp_path / "2024:05" / "clips" / label)
    ending = end_of("prepare.py", "--data", "2024:05", folder=tmp_path)
    assert (ending.code, ending.errors) == (0, [])
    assert rows_of(tmp_path / "2024:05" / "rejected.csv") == []


def test_a_shell_sees_one_line_and_no_log_of_the_framework(project):
    command = ["run.py", "--weights", project.weights, "--video", "missing.mp4", "--no-window"]
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stderr.count("\n") == 1
    ending_of(done.returncode, done.stdout, done.stderr).is_refusal("missing.mp4", "no such file")
