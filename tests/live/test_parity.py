"""Live over a file equals cached features and prediction: the same labels, the same numbers."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import lookback
from model_folder.config import require_config
from tests.conftest import Project
from tests.live.conftest import probabilities, read_rows
from tests.running import run_script


def copied(project: Project, folder: Path) -> Project:
    made = Project(folder / "data", folder / "weights")
    shutil.copytree(project.data, made.data)
    shutil.copytree(project.weights, made.weights)
    return made


def compare_live_with_the_report(
    made: Project, folder: Path, run_live, tolerance: float, group: str = ""
) -> dict[str, int]:
    """Run run.py over every video of the test split, or of a group of it alone; return the number
    of steps of each."""
    run_script("evaluate.py", [*made.arguments, "--out", folder])
    reported: dict[str, list[dict]] = {}
    for row in read_rows(folder / "predictions.csv"):
        reported.setdefault(row.pop("video"), []).append(row)
    with (made.data / "manifest.csv").open() as file:
        kept = {row["video"] for row in csv.DictReader(file) if group in ("", row["group"])}
    for video in sorted(kept & set(reported)):
        rows = reported[video]
        path = folder / "live.csv"
        assert run_live("--video", made.data / video, "--csv", path, weights=made.weights) == 0
        live = read_rows(path)
        assert list(live[0]) == list(rows[0])
        for column in ("step", "seconds", "label"):
            assert [row[column] for row in live] == [row[column] for row in rows], (video, column)
        gap = np.abs(probabilities(live) - probabilities(rows))
        assert gap.max() <= tolerance, video
    # The steps' probabilities differ by far more than the tolerance, or nothing would be shown.
    spread = probabilities([row for rows in reported.values() for row in rows]).std(0)
    assert spread.max() > 100 * tolerance
    return {Path(video).stem: len(reported[video]) for video in kept & set(reported)}


def test_live_equals_the_report_on_every_test_clip_and_on_odd_ones(odd_project, run_live, tmp_path):
    steps = compare_live_with_the_report(odd_project, tmp_path, run_live, 1e-5)
    assert len(steps) == 8 + 4
    assert [steps.pop(name) for name in ("short", "single", "instant")] == [3, 1, 1]
    assert steps.pop("varying") > 41  # pauses longer than a step repeat a frame
    assert set(steps.values()) == {20}


@pytest.mark.slow
def test_live_equals_the_report_of_a_float16_store_and_an_ensemble(odd_project, run_live, tmp_path):
    made = copied(odd_project, tmp_path)
    # One picture at a time, as live: where another batch size changes the last bit of float32,
    # float16 may round apart.
    run_script("extract.py", [*made.arguments, "--dtype", "float16", "--batch-size", "1"])
    options = ["--look-back", "6", "--head", "statistics", "--ensemble", "2", "--epochs", "2"]
    run_script("train_lstm.py", [*made.arguments, *options])
    assert require_config(made.weights).sequence.ensemble == 2
    steps = compare_live_with_the_report(made, tmp_path / "report", run_live, 1e-5, "odd")
    assert set(steps) == {"varying", "short", "single", "instant"}


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["top", "attention"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_live_equals_the_report_under_a_pooling_and_a_whole_video_is_a_clip(
    rule, odd_project, run_live, tmp_path
):
    made = copied(odd_project, tmp_path)
    pooling = ["--pooling", rule, "--set", "sequence.events=[lower, raise]"]
    chosen = [*made.arguments, "--look-back", "6", "--epochs", "6", *pooling]
    run_script("train_lstm.py", [*chosen, "--set", "sequence.learning_rate=0.02"])
    report = tmp_path / "report"
    steps = compare_live_with_the_report(made, report, run_live, 1e-5, "odd")
    assert set(steps) == {"varying", "short", "single", "instant"}
    assert json.loads((report / "metrics.json").read_text())["pooling"] == rule
    # On OpenVINO, as live; the report is Keras'.
    model, means = lookback.load(made.weights), []
    for row in read_rows(report / "clips.csv"):
        result = model.predict(made.data / row["video"])
        wanted = [float(row[label]) for label in model.labels]
        np.testing.assert_allclose(result.video_probabilities, wanted, atol=1e-5)
        used = result.probabilities[result.full] if result.full.any() else result.probabilities[-1:]
        means.append(np.abs(used.mean(0) - wanted).max())
    assert max(means) > 1e-3  # another rule than the mean


@pytest.fixture
def every_frame(odd_project, tmp_path) -> Project:
    """A project that takes every second of all frames, crops them, and sees one step."""
    made = copied(odd_project, tmp_path)
    shutil.rmtree(made.weights)
    keys = ["sampling.fps=source", "sampling.stride=2", "preprocessing.resize=crop"]
    keys += ["preprocessing.input_size=40", "sequence.delta=false"]
    chosen = [part for key in keys for part in ("--set", key)]
    run_script("extract.py", [*made.arguments, *chosen])
    run_script(
        "train_lstm.py",
        [*made.arguments, *chosen, "--look-back", "1", "--epochs", "1", "--head", "gru"],
    )
    return made


@pytest.mark.slow
def test_live_equals_the_report_under_other_sampling_preprocessing_and_head(
    every_frame, run_live, tmp_path
):
    steps = compare_live_with_the_report(every_frame, tmp_path / "report", run_live, 1e-5, "odd")
    assert [steps[name] for name in ("varying", "short", "single")] == [21, 2, 1]
