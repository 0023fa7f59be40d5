"""The evaluate command: report of a trained model, or cross-validation of a recipe."""

import json
from pathlib import Path

import numpy as np

from extract.extractor.choice import OWN_HEAD, choose_head, requested_head
from model_folder.config import require_config
from model_folder.provenance import refuse_seen_clips
from recipes.commands import command
from recipes.loader import Settings
from sequence.baselines import FILE as BASELINES
from sequence.baselines import available_baselines, load_baselines
from sequence.comparison import remarks
from sequence.cross_validation import cross_validate, heads_of
from sequence.dataset import Dataset, LabeledSegment
from sequence.evaluation import (
    Predictions,
    measure_all,
    predict,
    predict_baseline,
    video_predictions,
)
from sequence.experiment import Experiment
from sequence.model import require_head
from sequence.own_head import load_own_predictor
from sequence.prediction import load_mean_predictor, load_predictor, require_sequence, require_spec
from sequence.report import (
    folds_summary,
    report_folder,
    summary,
    write_clip_predictions,
    write_json,
    write_plots,
    write_predictions,
)
from sequence.results import EvaluationReport, FoldsReport
from sequence.selection import selection_summary
from sequence.visual.report_page import Evaluated, write_report_page
from video.console import logger
from video.errors import LookbackError, UsageError

_LOG = logger(__name__)


def evaluate(
    experiment: Experiment, settings: Settings, out: Path | None = None
) -> EvaluationReport:
    """Evaluate a trained model and its baselines on one split, and write the report folder.

    Args:
        experiment: Model folder with the manifest and features.
        settings: Settings of the recipe and the flags.
        out: Report folder; None for `reports/<name of the model folder>`.

    Returns:
        Report folder and content of its `metrics.json`.

    Raises:
        LookbackError: Model, features and manifest do not fit together, the split has no clip with
            features, or the model was trained on clips of the test split.
    """
    recipe, folder, config = settings.recipe, experiment.folder, experiment.config
    split = recipe.evaluate.split
    if split == "test":
        refuse_seen_clips(folder, config, experiment.manifest, experiment.store.contents())
    own = choose_head(folder, config, requested_head(settings)) == OWN_HEAD
    if not own:
        require_sequence(folder, config)
    labels = config.backbone.labels if own else config.labels
    if list(labels) != experiment.manifest.labels:
        raise LookbackError(
            f"{folder}: was trained on the classes {', '.join(labels)}, but the manifest has "
            f"{', '.join(experiment.manifest.labels)}; run "
            + command("finetune" if own else "train")
        )
    if own:
        head, predictor = OWN_HEAD, load_own_predictor(folder, config)
    else:
        _require_input(experiment)
        require_spec(config, experiment.store.spec, str(folder))
        predictor = load_predictor(folder, config)
        head = config.sequence.head
    out = report_folder(out, folder)
    dataset = experiment.dataset(predictor.look_back)
    segments = dataset.split(split)
    if not segments:
        raise LookbackError(
            f"{experiment.store.path}: contains no features of any clip in split {split}; run "
            + command("extract")
        )
    predictions = [predict(head, predictor, dataset, segments, recipe.evaluate.views)]
    if config.sequence and not own:
        predictions += _predict_baselines(experiment, dataset, segments, recipe.evaluate.views)
    resamples, seed = recipe.evaluate.bootstrap, recipe.seed
    results = measure_all(predictions, segments, dataset.labels, resamples, seed)

    selection = None if own else _selection(experiment)
    report = {
        "split": split,
        "seed": seed,
        "head": head,
        "ensemble": 1 if own else config.sequence.ensemble,
        "look_back": predictor.look_back,
        "pooling": predictor.pooling.rule,
        "views": recipe.evaluate.views,
        **({"selection": selection} if selection else {}),
        **results[head],
        "baselines": {name: values for name, values in results.items() if name != head},
    }
    videos = list(dict.fromkeys(segment.video for segment in segments))
    write_predictions(
        out / "predictions.csv", video_predictions(predictor, dataset, videos), dataset.labels
    )
    write_clip_predictions(out / "clips.csv", segments, predictions[0].clip, dataset.labels)
    targets = np.array([segment.target for segment in segments])
    write_plots(out, predictions[0], targets, results[head])
    write_json(out / "metrics.json", report)
    _LOG.info("\n" + summary(split.capitalize(), results, predictor.pooling.rule))
    sentences: list[str] = []
    if config.sequence and not own:
        rows = [{"name": name, **values} for name, values in results.items()]
        sentences = list(remarks(head, rows, dataset))
        for line in sentences:
            _LOG.info(f"\n{line}")
    if selection:
        _LOG.info("\n" + selection_summary(selection))
    evaluated = Evaluated(
        experiment, dataset, predictor, segments, predictions[0], results, sentences
    )
    _LOG.info(f"\n{write_report_page(out, split, evaluated)}")
    return EvaluationReport(out, report)


def _require_input(experiment: Experiment) -> None:
    """Raise `UsageError` if a flag names the features that the model was not trained on."""
    trained = require_config(experiment.folder).sampling.input
    if trained != experiment.input:
        raise UsageError(
            f"--input {experiment.input}: the model in {experiment.folder} was trained on "
            f"{trained}; leave the flag out, or run {command('train')} --input {experiment.input}"
        )


def _selection(experiment: Experiment) -> dict | None:
    """Return the comparison of inputs and heads that training made; None if it made none.

    A training that was killed before its end leaves the file of the one before it, which may have
    chosen another model.
    """
    names = {"input": experiment.input, "head": experiment.config.sequence.head}
    try:
        text = (experiment.folder / "metrics.json").read_text(encoding="utf-8")
        selection: dict = json.loads(text)["selection"]
        return selection if selection["chosen"] == names else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # the file is a report for people, and evaluation does not depend on it


def _predict_baselines(
    experiment: Experiment, dataset: Dataset, segments: list[LabeledSegment], views: int | str
) -> list[Predictions]:
    """Return the predictions of the baselines that were trained with the sequence model."""
    folder, config = experiment.folder, experiment.config
    predictions = []
    if config.sequence.head != "mean":
        average = load_mean_predictor(folder, config)
        predictions.append(predict("mean", average, dataset, segments, views))
    possible = available_baselines(dataset)
    linear = [each for each in load_baselines(folder / BASELINES) if each.name in possible]
    return predictions + [predict_baseline(baseline, dataset, segments) for baseline in linear]


def evaluate_folds(
    experiment: Experiment, settings: Settings, out: Path | None = None
) -> FoldsReport:
    """Cross-validate the recipe over all clips, and write folds.json.

    Args:
        experiment: Model folder with the manifest and features.
        settings: Settings of the recipe and the flags.
        out: Report folder; None for `reports/<name of the model folder>`.

    Returns:
        Path and content of folds.json.

    Raises:
        UsageError: The features come from a fine-tuned backbone, or there are fewer than two folds.
        LookbackError: There are too few groups or clips for the folds.
    """
    recipe = settings.recipe
    if experiment.config.backbone.fine_tuned:
        raise UsageError(
            f"--folds: the backbone of {experiment.folder} was fine-tuned on clips that the folds "
            "would test, which would make the results too good; use features of a pretrained "
            f"backbone ({command('extract')} with another --weights and --features), or run "
            f"{command('evaluate')} without --folds"
        )
    for head in heads_of(recipe.sequence):
        require_head(head)
    out = report_folder(out, experiment.folder)
    rows, lines = [], []
    for each in experiment.inputs:
        dataset = each.dataset(each.look_back(recipe))
        of_input = cross_validate(dataset, recipe)
        title = f"Input {each.input}. " if experiment.alternative else ""
        lines.append(title + folds_summary(of_input))
        lines += remarks(of_input[0]["name"], of_input, dataset)
        rows += [{"input": each.input, **row} for row in of_input]
    report = {
        "folds": recipe.evaluate.folds,
        "seed": recipe.seed,
        "pooling": recipe.sequence.pooling,
        "ensemble": recipe.sequence.ensemble,
        "models": rows,
    }
    path = out / "folds.json"
    write_json(path, report)
    for line in lines:
        _LOG.info(f"\n{line}")
    _LOG.info(f"\n{path}")
    return FoldsReport(path, report)
