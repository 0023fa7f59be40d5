"""One run of evaluate.py: the report of a trained model, or the recipe over folds."""

from pathlib import Path

import numpy as np

from extract.extractor.choice import OWN_HEAD, choose_head, requested_head
from model_folder.provenance import refuse_seen_clips
from recipes.commands import command
from recipes.loader import Settings
from sequence.baselines import FILE as BASELINES
from sequence.baselines import load_baselines
from sequence.dataset import Dataset, LabeledSegment
from sequence.evaluation import (
    Outcome,
    baseline_outcome,
    cross_validate,
    measured,
    outcome_of,
    video_predictions,
)
from sequence.experiment import Experiment
from sequence.own_head import load_own_predictor
from sequence.prediction import load_mean_predictor, load_predictor, require_sequence, require_spec
from sequence.report import (
    folds_summary,
    summary,
    write_clip_predictions,
    write_json,
    write_pictures,
    write_predictions,
)
from sequence.results import EvaluationReport, FoldsReport
from video.console import logger
from video.errors import LookbackError, UsageError

_LOG = logger(__name__)


def evaluate(
    experiment: Experiment, settings: Settings, out: Path | None = None
) -> EvaluationReport:
    """Measure the folder's model and its baselines on a split; write the report folder.

    Args:
        experiment: The model folder with manifest and features.
        settings: The recipe.
        out: The report folder; None for `reports/<model folder's name>`.

    Returns:
        The report folder and what its `metrics.json` holds.
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
            f"{folder}: was trained for {', '.join(labels)}, but the manifest has "
            f"{', '.join(experiment.manifest.labels)}; run "
            + command("finetune" if own else "train")
        )
    if own:
        head, predictor = OWN_HEAD, load_own_predictor(folder, config)
    else:
        require_spec(config, experiment.store.spec, str(folder))
        predictor = load_predictor(folder, config)
        head = config.sequence.head
    out = _report_folder(out, folder)
    dataset = experiment.dataset(predictor.look_back)
    pieces = dataset.split(split)
    if not pieces:
        raise LookbackError(f"{experiment.store.path}: has features of no clip in {split}")
    outcomes = [outcome_of(head, predictor, dataset, pieces, recipe.evaluate.views)]
    if config.sequence and not own:
        outcomes += _baselines(experiment, dataset, pieces, recipe.evaluate.views)
    draws, seed = recipe.evaluate.bootstrap, recipe.seed
    results = {o.name: measured(o, pieces, dataset.labels, draws, seed) for o in outcomes}

    report = {
        "split": split,
        "seed": seed,
        "head": head,
        "look_back": predictor.look_back,
        "views": recipe.evaluate.views,
        **results[head],
        "baselines": {name: values for name, values in results.items() if name != head},
    }
    videos = list(dict.fromkeys(piece.video for piece in pieces))
    write_predictions(
        out / "predictions.csv", video_predictions(predictor, dataset, videos), dataset.labels
    )
    write_clip_predictions(out / "clips.csv", pieces, outcomes[0].clip, dataset.labels)
    classes = np.array([piece.label for piece in pieces])
    write_pictures(out, outcomes[0], classes, results[head])
    write_json(out / "metrics.json", report)
    _LOG.info("\n" + summary(split.capitalize(), results))
    _LOG.info(f"\n{out}")
    return EvaluationReport(out, report)


def _baselines(
    experiment: Experiment, dataset: Dataset, pieces: list[LabeledSegment], views: int | str
) -> list[Outcome]:
    """Return what was trained beside the sequence model says of the same pieces."""
    folder, config = experiment.folder, experiment.config
    outcomes = []
    if config.sequence.head != "mean":
        average = load_mean_predictor(folder, config)
        outcomes.append(outcome_of("mean", average, dataset, pieces, views))
    linear = load_baselines(folder / BASELINES)
    return outcomes + [baseline_outcome(baseline, dataset, pieces) for baseline in linear]


def evaluate_folds(
    experiment: Experiment, settings: Settings, out: Path | None = None
) -> FoldsReport:
    """Train and test the recipe over folds of all clips; write folds.json.

    Arguments as for `evaluate`.

    Returns:
        The file and its content.
    """
    recipe = settings.recipe
    if experiment.config.backbone.fine_tuned:
        raise UsageError(
            f"--folds: {experiment.folder} holds a backbone fine-tuned on clips that the folds "
            "would test, so their numbers would flatter; use features of a pretrained backbone "
            f"({command('extract')} with another --weights and --features), or "
            f"{command('evaluate')} without --folds"
        )
    out = _report_folder(out, experiment.folder)
    dataset = experiment.dataset(experiment.look_back(recipe))
    rows = cross_validate(dataset, recipe)
    report = {"folds": recipe.evaluate.folds, "seed": recipe.seed, "models": rows}
    path = out / "folds.json"
    write_json(path, report)
    _LOG.info("\n" + folds_summary(rows))
    _LOG.info(f"\n{path}")
    return FoldsReport(path, report)


def _report_folder(out: Path | None, folder: Path) -> Path:
    """Make the report folder, before the work whose outcome it is to take."""
    out = out or Path("reports") / folder.resolve().name
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LookbackError(
            f"{out}: cannot be written ({error.strerror}); --out FOLDER names another place"
        ) from None
    return out
