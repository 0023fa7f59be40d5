"""Training and evaluation return what they write."""

import json
import shutil
from dataclasses import replace

import pytest

from model_folder.config import require_config
from recipes.loader import load
from sequence.cross_validation import Validated
from sequence.evaluation_folds import evaluate_folds
from sequence.evaluator import evaluate
from sequence.experiment import open_experiment
from sequence.results import EvaluationReport
from sequence.trainer import train
from tests.history_files import rows_of, run_of
from tests.running import ROOT


@pytest.fixture(scope="module")
def settings(project, tmp_path_factory):
    """Settings of the small project with a copy of its model folder."""
    weights = tmp_path_factory.mktemp("results") / "weights"
    shutil.copytree(project.weights, weights)
    flags = {"data.folder": str(project.data), "model.folder": str(weights)}
    flags |= {"sequence.look_back": 4, "sequence.epochs": 2, "evaluate.folds": 2}
    return load(ROOT / "recipes" / "demo.yaml", flags)


def test_train_returns_the_history_and_metrics_that_it_writes(settings):
    result = train(open_experiment(settings), settings)
    assert json.loads((result.folder / "metrics.json").read_text()) == result.metrics
    rows = rows_of(result.folder / "history.csv")
    assert [int(row["epoch"]) for row in rows] == [epoch["epoch"] for epoch in result.history]
    for row, epoch in zip(rows, result.history, strict=True):
        assert {name: float(value) for name, value in row.items()} == pytest.approx(epoch, rel=1e-5)
    newest = max((result.folder / "logs" / "sequence").iterdir())
    run = run_of(newest)
    assert set(run.Tags()["images"]) == {"confusion", "samples"}
    curves = {f"precision_recall/{label}" for label in require_config(result.folder).labels}
    assert curves <= set(run.Tags()["tensors"])


def test_evaluate_returns_the_metrics_that_it_writes(settings, tmp_path):
    report = evaluate(open_experiment(settings), settings, tmp_path)
    assert report.folder == tmp_path
    assert json.loads((tmp_path / "metrics.json").read_text()) == report.metrics
    low, high = report.interval
    assert low <= report.accuracy <= high
    assert report.accuracy == report.metrics["clip"]["accuracy"]


def test_evaluate_folds_returns_the_metrics_that_it_writes(settings, tmp_path, monkeypatch):
    rows = [{"name": "lstm", "repeat": 1, "fold_accuracies": [1.0, 0.5]}]
    found = Validated(rows, [])
    monkeypatch.setattr("sequence.evaluation_folds.cross_validate", lambda dataset, recipe: found)
    monkeypatch.setattr("sequence.evaluation_folds.folds_summary", lambda rows, costs: "")
    monkeypatch.setattr("sequence.evaluation_folds._costs", lambda experiment, found: {})
    experiment = open_experiment(settings)
    backbone = experiment.config.backbone.model_copy(update={"fine_tuned": False})
    config = experiment.config.model_copy(update={"backbone": backbone})
    report = evaluate_folds(replace(experiment, config=config), settings, tmp_path)
    assert report.path == tmp_path / "folds.json"
    assert json.loads(report.path.read_text()) == report.metrics
    assert report.metrics["models"] == [{"input": "frame", **row} for row in rows]


def test_a_report_is_read_only(tmp_path):
    report = EvaluationReport(tmp_path, {"clip": {"accuracy": 1, "accuracy_interval": [0.5, 1]}})
    assert (report.accuracy, report.interval) == (1.0, (0.5, 1))
    with pytest.raises(AttributeError):
        report.folder = None
