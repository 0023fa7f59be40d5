"""One run of `train_lstm.py --search N`: search, training with the best settings, one test report.

Train and val alone choose. The test clips are read once, by the code of `evaluate.py`, after the
model has been written.
"""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from clips.manifest import SPLITS, write_rows
from extract.feature_store.spec import spec_sha256
from model_folder.config import SearchRecord
from recipes.commands import command
from recipes.loader import Settings
from sequence.dataset import Dataset
from sequence.evaluator import evaluate
from sequence.experiment import Experiment, open_experiment
from sequence.results import TrainingResult
from sequence.search.scoring import Progress, Score, Scorer
from sequence.search.space import Configuration, SearchSpace
from sequence.search.study import FILE, FOLDER, Study, require_optuna, study_name
from sequence.trainer import train
from training.tensorboard import RunLog
from video.console import logger

_LOG = logger(__name__)

TRIALS = "trials.csv"


def search(
    experiment: Experiment, settings: Settings, splits: tuple[str, ...] = SPLITS
) -> TrainingResult:
    """Search settings of the second stage, train with the best, and report on the test clips.

    Args:
        experiment: Model folder with the manifest and features; with both inputs it searches both.
        settings: Settings of the recipe and the flags. Keys of `sequence` that were set by flags
            are not varied.
        splits: Splits in which every class must have clips.

    Returns:
        As for `sequence.trainer.train`.

    Raises:
        LookbackError: Optuna is missing, or the clips have too few groups.
        KeyboardInterrupt: Ctrl-C was pressed during the search; the next run goes on with it.
    """
    require_optuna()
    recipe, folder = settings.recipe, experiment.folder
    look_back = experiment.look_back(recipe)
    datasets = {each.input: each.dataset(look_back) for each in experiment.inputs}
    for dataset in datasets.values():
        dataset.require_splits(splits)
        dataset.require_variation(dataset.split("train"))
    scorer = Scorer(datasets, recipe.search.folds, recipe.seed)
    space = _space(experiment, settings, datasets, look_back)
    identity = _identity(experiment, settings, datasets, scorer)
    path = folder / FOLDER / FILE
    study = Study(path, study_name(identity), recipe.seed, bool(scorer.folds))
    _announce(study, scorer, recipe.search.trials)

    def score(configuration: Configuration, progress: Progress) -> Score:
        result = scorer.score(configuration, progress)
        _log_trial(folder / "logs" / "search", configuration, result)
        return result

    try:
        study.run(space, score, recipe.search.trials)
    except KeyboardInterrupt:
        _LOG.info(f"Stopped after {study.finished} trials; the same command goes on with {path}.")
        raise
    best, score = study.best(space)
    table = study.table()
    write_rows(path.with_name(TRIALS), list(table[0]), [list(row.values()) for row in table])
    _LOG.info(
        f"\nBest of {study.finished} trials: {best}\nlog loss {score.log_loss:.3f}, accuracy "
        f"{score.accuracy:.3f}, calibration error {score.calibration_error:.3f} over "
        f"{scorer.clips} clips of {scorer.groups} groups, without the test clips\n"
    )
    record = SearchRecord(
        trials=study.finished,
        pruned=study.pruned,
        folds=scorer.folds,
        clips=scorer.clips,
        **asdict(score),
    )
    chosen = _chosen(experiment, best)
    trained = replace(settings, recipe=recipe.model_copy(update={"sequence": best.sequence}))
    result = train(chosen, trained, splits, record, best.to_dict())
    if "test" in splits:
        _report_once(study, trained)
    return result


def _log_trial(logs: Path, configuration: Configuration, score: Score) -> None:
    """Write a trial as a run of TensorBoard, whose tab HPARAMS compares the trials."""
    log = RunLog(logs)
    values = configuration.to_dict()
    backbone = {"input": values.pop("input")}
    log.settings({"stage": "search", "backbone": backbone, "sequence": values})
    log.scalars(1, {"val_clip_loss": score.log_loss, "val_clip_accuracy": score.accuracy})
    log.close()


def _chosen(experiment: Experiment, best: Configuration) -> Experiment:
    found = next(each for each in experiment.inputs if each.input == best.input)
    return replace(found, alternative=None)


def _report_once(study: Study, settings: Settings) -> None:
    """Report on the test clips, and say so if they were used before."""
    experiment = open_experiment(settings)  # model.yaml has changed
    try:
        evaluate(experiment, settings)
    finally:
        experiment.close()
    count = study.count_test_report()
    if count > 1:
        _LOG.warning(
            f"note: this is report {count} of this search on the test clips. Whoever chooses "
            "between reports chooses on the test clips."
        )


def _space(
    experiment: Experiment, settings: Settings, datasets: dict[str, Dataset], look_back: int
) -> SearchSpace:
    reference = next(iter(datasets.values()))
    steps = [each.last - each.first for each in reference.segments if each.split != "test"]
    prefix = "sequence."
    fixed = {key.removeprefix(prefix) for key in settings.flags if key.startswith(prefix)}
    return SearchSpace(
        settings.recipe.sequence,
        list(datasets),
        look_back,
        int(np.median(steps)),
        reference.labels,
        experiment.config.backbone.clip_length > 1,
        frozenset(fixed),
        reference.task,
    )


def _identity(
    experiment: Experiment, settings: Settings, datasets: dict[str, Dataset], scorer: Scorer
) -> dict[str, Any]:
    """Return all that the score of a trial depends on, as JSON values."""
    recipe = settings.recipe
    fixed = sorted(key for key in settings.flags if key.startswith("sequence."))
    reference = next(iter(datasets.values()))
    return {
        "seed": recipe.seed,
        "folds": scorer.folds,
        "temperature": "of all clips that score",  # before, each fold had its own
        "sequence": recipe.sequence.model_dump(mode="json"),
        "fixed": fixed,
        "features": {each.input: spec_sha256(each.store.spec) for each in experiment.inputs},
        "clips": sorted(
            [each.video, each.target, each.split, each.group, each.start]
            for each in reference.segments
            if each.split != "test"
        ),
    }


def _announce(study: Study, scorer: Scorer, trials: int) -> None:
    how = f"{scorer.folds} folds over" if scorer.folds else "the val split,"
    _LOG.info(
        f"Search of {trials} trials by the clip log loss of {how} {scorer.groups} groups "
        f"({scorer.clips} clips); the test clips take no part."
    )
    if study.finished:
        _LOG.info(f"{study.finished} trials are in {study.path}; {command('train')} goes on.")
