"""`--input auto` from extraction to live: two feature files, a choice, and what the report says."""

import json
import shutil
from dataclasses import replace
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest

from extract.feature_store.reader import FeatureStore
from model_folder.config import read_config, write_config
from tests.conftest import Project
from tests.live.conftest import read_rows
from tests.running import run_script
from video.errors import UsageError
from video.writer import Mp4Writer

pytestmark = pytest.mark.slow

_SMALL = ["--backbone", "tiny", "--backbone-weights", "none"]
_SMALL += ["--set", "preprocessing.input_size=48"]
_QUICK = ["--look-back", "4", "--epochs", "1", "--head", "mean"]


@pytest.fixture(scope="module")
def both(project, tmp_path_factory) -> Project:
    """The small project's clips, extracted with both inputs and trained. Do not write."""
    folder = tmp_path_factory.mktemp("auto")
    made = Project(folder / "data", folder / "weights")
    shutil.copytree(project.data, made.data)
    shutil.rmtree(made.data / "features")
    run_script("extract.py", [*made.arguments, *_SMALL, "--input", "auto"])
    run_script("train_lstm.py", [*made.arguments, *_QUICK])
    return made


def copied(both: Project, folder) -> Project:
    made = Project(folder / "data", folder / "weights")
    shutil.copytree(both.data, made.data)
    shutil.copytree(both.weights, made.weights)
    return made


def test_both_feature_files_are_kept_with_the_same_weights(both):
    with (
        FeatureStore(both.data / "features") as frame,
        FeatureStore(both.data / "features.change") as change,
    ):
        assert frame.spec["weights_sha256"] == change.spec["weights_sha256"]
        assert "change_seconds" not in frame.spec["sampling"]
        assert change.spec["sampling"]["change_seconds"] == 0.2
        video = next(iter(frame.contents()))
        assert change.steps(video) == frame.steps(video) - 2
        assert np.abs(change.features(video) - frame.features(video)[2:]).max() > 1e-3


def test_training_writes_the_comparison_and_the_choice(both):
    metrics = json.loads((both.weights / "metrics.json").read_text())
    rows = metrics["selection"]["candidates"]
    assert [(row["input"], row["head"]) for row in rows] == [("frame", "mean"), ("change", "mean")]
    config = read_config(both.weights)
    assert config.backbone.input == "auto"
    chosen = metrics["selection"]["chosen"]["input"]
    assert config.sampling.is_change == (chosen == "change")


@pytest.mark.parametrize("asked", ["frame", "change"])
def test_a_flag_chooses_and_live_equals_the_report(both, asked, tmp_path):
    made = copied(both, tmp_path)
    run_script("train_lstm.py", [*made.arguments, *_QUICK, "--input", asked])
    assert read_config(made.weights).sampling.is_change == (asked == "change")
    assert "selection" not in json.loads((made.weights / "metrics.json").read_text())
    run_script("evaluate.py", [*made.arguments, "--out", tmp_path / "report"])
    rows = read_rows(tmp_path / "report" / "predictions.csv")
    video = rows[0].pop("video")
    csv = tmp_path / "live.csv"
    arguments = ["--weights", made.weights, "--video", made.data / video, "--no-window"]
    run_script("run.py", [*arguments, "--csv", csv])
    live = read_rows(csv)
    gaps = [
        abs(float(ours["probability"]) - float(theirs["probability"]))
        for ours, theirs in zip(live, rows, strict=False)
    ]
    assert len(live) == (18 if asked == "change" else 20)
    assert max(gaps) < 1e-5


def test_the_report_repeats_the_comparison(both, tmp_path, capsys):
    run_script("evaluate.py", [*both.arguments, "--out", tmp_path])
    printed = capsys.readouterr().out
    assert "Comparison by 5 folds over the" in printed
    assert "is used: " in printed
    assert json.loads((tmp_path / "metrics.json").read_text())["selection"]["folds"] == 5


def test_folds_measure_both_inputs_or_the_one_that_is_named(both, tmp_path, capsys):
    quick = ["--folds", "2", "--look-back", "4", "--head", "mean", "--set", "sequence.epochs=1"]
    run_script("evaluate.py", [*both.arguments, *quick, "--out", tmp_path])
    rows = json.loads((tmp_path / "folds.json").read_text())["models"]
    assert {row["input"] for row in rows} == {"frame", "change"}
    assert "Input frame. " in capsys.readouterr().out
    run_script("evaluate.py", [*both.arguments, *quick, "--input", "change", "--out", tmp_path])
    rows = json.loads((tmp_path / "folds.json").read_text())["models"]
    assert {row["input"] for row in rows} == {"change"}


def test_a_second_extraction_keeps_both_and_the_choice(both, tmp_path, capsys):
    made = copied(both, tmp_path)
    config = read_config(made.weights)
    capsys.readouterr()
    again = [*made.arguments, *_SMALL, "--input", "auto"]
    run_script("extract.py", again)
    assert capsys.readouterr().out.count("0 videos extracted") == 2
    assert read_config(made.weights).sequence == config.sequence
    # Also where change pictures were chosen.
    sampling = replace(config.sampling, change_seconds=0.2)
    write_config(made.weights, config.model_copy(update={"sampling": sampling}))
    run_script("extract.py", again)
    assert capsys.readouterr().out.count("0 videos extracted") == 2
    assert read_config(made.weights).sampling.is_change


def test_evaluation_names_the_input_that_the_model_was_trained_on(both, tmp_path):
    other = "frame" if read_config(both.weights).sampling.is_change else "change"
    with pytest.raises(UsageError, match=f"--input {other}: the model in .* was trained on"):
        run_script("evaluate.py", [*both.arguments, "--input", other, "--out", tmp_path])


def test_a_second_extraction_keeps_the_time_between_the_frames(both, tmp_path, capsys):
    made = copied(both, tmp_path)
    again = [*made.arguments, *_SMALL, "--input", "auto"]
    run_script("extract.py", [*again, "--set", "sampling.change_seconds=0.3"])
    capsys.readouterr()
    run_script("extract.py", again)
    assert capsys.readouterr().out.count("0 videos extracted") == 2


def test_an_input_that_was_not_extracted_is_named(project):
    refused = "backbone.input change: .* has features of the input frame; run .*extract.py --input"
    with pytest.raises(UsageError, match=refused):
        run_script("train_lstm.py", [*project.arguments, "--input", "change"])


@pytest.mark.parametrize(
    ("script", "flags", "problem"),
    [
        ("extract.py", ["--input", "auto", "--precision", "int8"], "int8 is calibrated for one"),
        ("extract.py", ["--input", "change", "--backbone", "x3d_xs"], "x3d_xs sees clips"),
        ("finetune.py", ["--input", "auto"], "to fine-tune, write --input frame or --input change"),
    ],
)
def test_combinations_without_a_meaning_are_refused(both, tmp_path, script, flags, problem):
    arguments = ["--data", both.data, "--weights", tmp_path / "new", "--backbone", "tiny"]
    with pytest.raises(UsageError, match=problem):
        run_script(script, [*arguments, "--backbone-weights", "none", *flags])
    assert not (tmp_path / "new" / "model.yaml").exists()


def write_still_set(data: Path) -> None:
    """Write clips whose classes differ only by what stands still: a disk or a square in a corner.
    In both, a bar moves at random, and all videos have the same noise."""
    for number, label in product(range(12), ("disk", "square")):
        random = np.random.default_rng(number)  # the same motion and noise for both classes
        steps = np.cumsum(random.normal(0, 3, 16)).astype(int)
        path = data / "clips" / label / f"v_{label}_g{number:02}_c01.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        with Mp4Writer(path, (48, 48), 10) as writer:
            for frame, step in enumerate(steps):
                picture = np.full((48, 48, 3), 90 + 4 * (number % 8), np.uint8)
                if label == "disk":
                    cv2.circle(picture, (14, 14), 9, (230, 230, 230), -1)
                else:
                    cv2.rectangle(picture, (6, 6), (22, 22), (20, 20, 20), -1)
                left = 10 + step % 28
                picture[30:44, left : left + 4] = 200
                noise = random.normal(0, 3, picture.shape)
                writer.write(np.clip(picture + noise, 0, 255).astype(np.uint8), frame / 10)


def test_where_classes_differ_by_what_stands_still_auto_takes_frames(tmp_path):
    made = Project(tmp_path / "data", tmp_path / "weights")
    write_still_set(made.data)
    run_script("prepare.py", ["--data", made.data, "--out", tmp_path / "report"])
    places = ["--data", made.data, "--weights", made.weights]
    run_script("extract.py", [*places, *_SMALL, "--input", "auto"])
    run_script("train_lstm.py", [*places, "--look-back", "4", "--head", "mean", "--epochs", "8"])
    comparison = json.loads((made.weights / "metrics.json").read_text())["selection"]
    accuracy = {row["input"]: row["accuracy"] for row in comparison["candidates"]}
    assert comparison["chosen"]["input"] == "frame"
    assert accuracy["frame"] > 0.9
    assert accuracy["change"] < 0.8
