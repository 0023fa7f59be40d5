"""The whole chain with several classes per clip, as a newcomer walks it; live against offline."""

import csv
import json

import numpy as np
import pytest

import lookback
from clips import manifest as manifests
from model_folder.config import require_config
from tests import several_classes
from tests.conftest import Project
from tests.live.conftest import read_rows
from tests.running import run_script

CLASSES = list(several_classes.CLASSES)
TINY = ["--set", "backbone.name=tiny", "--set", "backbone.weights=none"]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Project:
    """A trained multi-label project, from generated clips without groups and splits."""
    folder = tmp_path_factory.mktemp("several")
    project = Project(folder / "data", folder / "weights")
    several_classes.render(project.data, scenes=8, size=32)
    run_script("prepare.py", ["--data", project.data, "--out", folder / "prepared"])
    tuning = ["finetune.epochs=1", "finetune.clips_per_video=2", "finetune.augment.mixup=0.2"]
    phases = "finetune.phases=[{epoch: 0, stages: all, learning_rate: 0.003}]"
    sets = [part for each in (*tuning, phases) for part in ("--set", each)]
    run_script("finetune.py", [*project.arguments, *TINY, *sets])
    run_script("extract.py", [*project.arguments])
    options = ["--look-back", "6", "--epochs", "6", "--pooling", "top", "--ensemble", "2"]
    run_script("train_lstm.py", [*project.arguments, *options])
    return project


@pytest.mark.slow
@pytest.mark.parametrize("head", ["lstm", "own"])
def test_live_equals_the_report(made, head, run_live, tmp_path):
    flags = ["--head", head] if head == "own" else []
    run_script("evaluate.py", [*made.arguments, *flags, "--out", tmp_path])
    reported: dict[str, list[dict]] = {}
    for row in read_rows(tmp_path / "predictions.csv"):
        reported.setdefault(row.pop("video"), []).append(row)
    assert len(reported) >= 7
    for video, rows in reported.items():
        path = tmp_path / "live.csv"
        place = made.data / video
        assert run_live("--video", place, "--csv", path, *flags, weights=made.weights) == 0
        live = read_rows(path)
        for column in ("step", "seconds", "label"):
            assert [row[column] for row in live] == [row[column] for row in rows], (video, column)
        values, wanted = (
            np.array([[float(row[label]) for label in CLASSES] for row in each])
            for each in (live, rows)
        )
        assert np.abs(values - wanted).max() <= 1e-5
    assert json.loads((tmp_path / "metrics.json").read_text())["task"] == "multi_label"


@pytest.mark.slow
def test_from_python_a_video_has_the_labels_of_the_report(made, tmp_path):
    report = lookback.evaluate(made.weights, data=made.data, out=tmp_path)
    assert set(report["clip"]["classes"]) == set(CLASSES)
    assert report.score == report["clip"]["mean_average_precision"]
    assert report.interval[0] <= report.score <= report.interval[1]
    assert report.accuracy == report["clip"]["subset_accuracy"]
    model = lookback.load(made.weights)
    assert list(model.thresholds) == CLASSES
    assert tuple(model.thresholds.values()) == require_config(made.weights).sequence.thresholds
    with (tmp_path / "clips.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        assert model.predict(made.data / row["video"]).label == row["label"]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "clip mAP" in page
    assert "Classes together" in page
    assert "Confusion matrix" not in page


@pytest.mark.slow
def test_the_split_has_every_class_and_a_single_label_model_is_refused(made, tmp_path):
    entries = manifests.read(made.data / "manifest.csv").entries
    for split in ("train", "val", "test"):
        labels = {label for row in entries if row.split == split for label in row.labels}
        assert labels >= set(CLASSES)
    # The same features with one label per clip: what was trained on several refuses nothing.
    single = [row for row in entries if len(row.labels) == 1]
    other = manifests.Manifest(tmp_path / "manifest.csv", tuple(single))
    manifests.write(other)
    report = lookback.evaluate(
        made.weights,
        data=made.data,
        out=tmp_path / "report",
        settings={"data.manifest": str(other.path)},
    )
    assert report["clip"]["count"] == sum(row.split == "test" for row in single)
