"""Report files, plots and the printed summary."""

import csv
import json

import cv2
import numpy as np
import pytest

from sequence.evaluation import Predictions
from sequence.report import (
    prediction_header,
    prediction_row,
    write_json,
    write_plots,
)
from sequence.report import summary as summary_of


def test_prediction_row_has_the_most_probable_label_and_eight_decimals():
    row = prediction_row(7, 0.70049, np.array([0.1, 0.6, 0.3]), ["a", "b", "c"])
    assert row == ["7", "0.700", "b", "0.60000000", "0.10000000", "0.60000000", "0.30000000"]
    header = ["step", "seconds", "label", "probability", "a", "b", "c"]
    assert prediction_header(["a", "b", "c"]) == header


def test_write_json_keeps_the_old_file_after_an_error(tmp_path):
    path = tmp_path / "metrics.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}


def random_predictions(classes: int, count: int = 60) -> tuple[Predictions, np.ndarray, dict]:
    random = np.random.default_rng(classes)
    targets = np.arange(count) % classes
    probabilities = random.dirichlet(np.ones(classes), count)
    labels = [f"class number {number}" for number in range(classes)]
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (targets, probabilities.argmax(1)), 1)
    clip = {"classes": {label: {} for label in labels}, "confusion": confusion.tolist()}
    return Predictions("lstm", probabilities), targets, {"clip": clip}


def size_of(path) -> tuple[int, int]:
    """Return width and height of an image that can be read and is not empty."""
    pixels = cv2.imread(str(path))
    assert pixels.std() > 10, "an empty image"
    return pixels.shape[1], pixels.shape[0]


@pytest.mark.parametrize("classes", [2, 4, 30])
def test_plots_can_be_read_and_the_confusion_matrix_grows_with_the_classes(classes, tmp_path):
    write_plots(tmp_path, *random_predictions(classes))
    assert size_of(tmp_path / "roc.png") == (704, 572)
    assert size_of(tmp_path / "precision_recall.png") == (704, 572)
    assert size_of(tmp_path / "reliability.png") == (704, 572)
    width, height = size_of(tmp_path / "confusion.png")
    assert height == (572 if classes < 6 else round(110 * (0.55 * classes + 2)))
    assert width == pytest.approx(1.15 * height, abs=1)


@pytest.mark.filterwarnings("ignore:No artists with labels")
def test_plots_of_a_split_with_one_class(tmp_path):
    predictions, targets, metrics = random_predictions(3)
    write_plots(tmp_path, predictions, np.zeros_like(targets), metrics)
    assert size_of(tmp_path / "roc.png") == (704, 572)


@pytest.fixture
def metrics(report) -> dict:
    return json.loads((report / "metrics.json").read_text())


def test_metrics_json_has_the_documented_keys(metrics):
    assert metrics["split"] == "test"
    assert metrics["head"] == "lstm"
    assert metrics["look_back"] == 6
    assert sorted(metrics["baselines"]) == ["majority", "mean", "moments", "motion", "ridge"]
    wanted = {"accuracy", "accuracy_interval", "count", "groups", "balanced_accuracy", "macro_f1"}
    wanted |= {"log_loss", "calibration_error", "roc_auc", "pr_auc", "classes", "confusion"}
    baselines = metrics["baselines"].values()
    for part in (metrics["clip"], metrics["window"], *(each["clip"] for each in baselines)):
        assert wanted <= set(part)
        low, high = part["accuracy_interval"]
        assert 0 <= low <= part["accuracy"] <= high <= 1
        assert list(part["classes"]) == ["down", "lower", "raise", "up"]
    assert "window" in metrics["baselines"]["mean"]
    assert "window" not in metrics["baselines"]["ridge"]
    assert metrics["ensemble"] == 1
    for each in metrics["baselines"].values():
        gain = each["clip"]["accuracy"] - metrics["clip"]["accuracy"]
        assert each["difference_to_head"]["accuracy"] == pytest.approx(gain)
        low, high = each["difference_to_head"]["interval"]
        assert low <= gain + 1e-9
        assert gain <= high + 1e-9


def test_a_report_has_the_same_model_with_shuffled_steps(metrics):
    shuffled = metrics["shuffled"]
    assert (shuffled["draws"], len(shuffled["accuracies"])) == (5, 5)
    assert shuffled["clip"]["accuracy"] == pytest.approx(np.mean(shuffled["accuracies"]))
    gain = shuffled["clip"]["accuracy"] - metrics["clip"]["accuracy"]
    assert shuffled["difference_to_head"]["accuracy"] == pytest.approx(gain)


def test_majority_predicts_the_shares_of_the_training(metrics):
    # The demo has as many clips of every class: the first is predicted.
    majority = metrics["baselines"]["majority"]["clip"]
    assert majority["accuracy"] == 0.25
    assert majority["log_loss"] == pytest.approx(np.log(4))


def test_a_report_has_the_costs_of_every_model(metrics, project):
    costs = metrics["costs"]
    assert set(costs) == {"lstm", "mean", "ridge", "moments", "motion"}
    backbone = (
        costs["mean"]["megabytes"] - (project.weights / "mean.weights.h5").stat().st_size / 1e6
    )
    sizes = [
        (project.weights / f"{name}.weights.h5").stat().st_size for name in ("backbone", "sequence")
    ]
    assert backbone == pytest.approx(sizes[0] / 1e6)
    assert costs["lstm"]["megabytes"] == pytest.approx(sum(sizes) / 1e6)
    assert (
        costs["motion"]["parameters"] == 4 * 48 + 4
    )  # 3 x 16 numbers, 4 classes, without a network
    assert costs["ridge"]["gflops"] < costs["lstm"]["gflops"]
    assert costs["lstm"]["fps"] is None  # it was not measured


def test_whole_videos_have_no_events(metrics):
    assert "events" not in metrics


def test_metrics_count_every_test_clip_and_every_full_window(metrics, project):
    with (project.data / "manifest.csv").open() as file:
        clips = [row for row in csv.DictReader(file) if row["split"] == "test"]
    assert metrics["clip"]["count"] == len(clips) == 8
    assert metrics["clip"]["groups"] == len({row["group"] for row in clips}) == 2
    # Clips of 20 steps have 15 full windows of 6.
    assert metrics["window"]["count"] == 15 * 8
    assert np.sum(metrics["window"]["confusion"]) == 15 * 8


def test_the_reports_plots_can_be_read(report):
    for name in ("confusion.png", "roc.png", "precision_recall.png"):
        assert min(size_of(report / name)) > 500


def test_predictions_csv_has_every_step_of_every_test_clip(report, project):
    with (report / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    classes = ["down", "lower", "raise", "up"]
    assert list(rows[0]) == ["video", "step", "seconds", "label", "probability", *classes]
    with (project.data / "manifest.csv").open() as file:
        videos = [row["video"] for row in csv.DictReader(file) if row["split"] == "test"]
    assert [(row["video"], int(row["step"])) for row in rows] == [
        (video, step) for video in videos for step in range(20)
    ]
    for row in rows:
        assert float(row["seconds"]) == pytest.approx(int(row["step"]) / 10)
        numbers = {label: float(row[label]) for label in classes}
        assert sum(numbers.values()) == pytest.approx(1, abs=1e-7)
        assert row["label"] == max(numbers, key=numbers.get)
        assert float(row["probability"]) == numbers[row["label"]]


def test_clips_csv_agrees_with_the_metrics(report, metrics):
    with (report / "clips.csv").open() as file:
        rows = list(csv.DictReader(file))
    hits = [row["true"] == row["label"] for row in rows]
    assert np.mean(hits) == metrics["clip"]["accuracy"]


def test_clip_accuracy_is_of_the_mean_over_full_windows(report, metrics):
    with (report / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    classes, hits = ["down", "lower", "raise", "up"], []
    for video in dict.fromkeys(row["video"] for row in rows):
        steps = [row for row in rows if row["video"] == video][5:]  # the full windows of 6
        mean = np.mean([[float(row[label]) for label in classes] for row in steps], axis=0)
        hits.append(classes[int(mean.argmax())] == video.split("/")[1])
    assert np.mean(hits) == metrics["clip"]["accuracy"]


def test_the_summary_names_every_model_and_class(metrics):
    results = {metrics["head"]: metrics, **metrics["baselines"]}
    lines = summary_of("Test", results).splitlines()
    assert lines[0] == "Test: 8 clips in 2 groups"
    other = summary_of("Test", results, "top").splitlines()
    assert other[0] == "Test: 8 clips in 2 groups; clips by top pooling of their windows"
    assert other[1:] == lines[1:]
    assert "95 % intervals: Wilson over groups, for the effective number of clips." in lines
    shown = summary_of("Test", results, costs=metrics["costs"])
    assert f"{metrics['costs']['lstm']['parameters']:,}" in shown
    assert "measured by --speed" in shown
    first_words = [line.split()[0] for line in lines if line]
    for name in ("lstm", "mean", "ridge", "moments", "motion", "down", "lower", "raise", "up"):
        assert name in first_words
