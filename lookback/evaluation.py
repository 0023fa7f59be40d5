"""Evaluation of a model folder on a split of labeled clips."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recipes.loader import load as load_settings
from recipes.places import copied_up, with_local_places
from sequence.evaluator import evaluate as evaluate_experiment
from sequence.experiment import open_experiment
from sequence.results import EvaluationReport
from storage.roles import out_folder


def evaluate(
    weights: str | os.PathLike[str] = "weights",
    split: str = "test",
    *,
    data: str | os.PathLike[str] | None = None,
    recipe: str | os.PathLike[str] | None = None,
    head: str | None = None,
    out: str | os.PathLike[str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> EvaluationReport:
    """Measure a model and its baselines on a split, from the cached features.

    Writes the report folder: metrics.json, clips.csv, predictions.csv and plots.

    Args:
        weights: The model folder.
        split: The subset of the clips: train, val, test, or all for another data set.
        data: The folder with manifest.csv and features/. None takes the recipe's, by default
            `data`.
        recipe: A recipe's file, or the name of a recipe of this project.
        head: The classifier over the features; see `lookback.load`.
        out: The report folder. None takes `reports/<name of the model folder>`.
        settings: Values of recipe keys by dotted name, such as `{"evaluate.views": 5}`. They
            override the recipe.

    Returns:
        The report. It is a mapping with the content of metrics.json, and has `accuracy`,
        `interval` and `folder` as attributes.

    Raises:
        UsageError: A key is unknown, or a value does not fit.
        LookbackError: Model, manifest and features are missing or do not belong together, or the
            model was trained on clips of the test split.

    Example:
        report = lookback.evaluate("weights", split="test")
        print(report.accuracy, report.interval, report["clip"]["log_loss"])
    """
    keys: dict[str, Any] = {"model.folder": os.fspath(weights), "evaluate.split": split}
    if data is not None:
        keys["data.folder"] = os.fspath(data)
    if head is not None:
        keys["sequence.head"] = head
    keys.update(settings or {})
    chosen = load_settings(Path(recipe) if recipe else None, keys, given_by="settings")
    with copied_up():
        chosen = with_local_places(chosen)
        experiment = open_experiment(chosen)
        try:
            folder = out_folder(os.fspath(out)) if out else None
            return evaluate_experiment(experiment, chosen, folder)
        finally:
            experiment.close()
