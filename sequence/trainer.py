"""The train command: train the sequence model and its baselines, and save them."""

from typing import Any

import numpy as np

from clips.manifest import SPLITS
from extract.backbones.heads import weights_sha256
from metrics.targets import truth_of
from model_folder.config import (
    MEAN_WEIGHTS,
    SEQUENCE_WEIGHTS,
    ModelConfig,
    SearchRecord,
    SequenceConfig,
    made_with,
    save_weights,
    write_config,
)
from model_folder.provenance import keep_previous, record_seen
from model_folder.weights_files import file_sha256
from recipes.commands import command
from recipes.loader import Settings
from recipes.schema import Sequence
from sequence.baselines import FILE as BASELINES
from sequence.baselines import (
    LinearBaseline,
    available_baselines,
    fit_baseline,
    save_baselines,
)
from sequence.comparison import remarks
from sequence.converting import convert_stages
from sequence.cross_validation import heads_of
from sequence.dataset import Dataset, LabeledSegment
from sequence.evaluation import measure_all, predict, predict_baseline
from sequence.experiment import Experiment
from sequence.model import members_of, require_head
from sequence.pooling import pooling_of
from sequence.pooling_choice import choose_pooling
from sequence.prediction import Predictor
from sequence.report import summary, write_json
from sequence.results import TrainingResult
from sequence.selection import select
from sequence.training import fit, fit_mean_baseline, fit_thresholds, validation_views
from sequence.visual.strips import middle_frame
from training.history import History
from training.tensorboard import Answers, sample_numbers
from video.console import logger

_LOG = logger(__name__)


def train(
    experiment: Experiment,
    settings: Settings,
    splits: tuple[str, ...] = SPLITS,
    search: SearchRecord | None = None,
    found: dict[str, Any] | None = None,
) -> TrainingResult:
    """Train the sequence model and its baselines, and save them in the model folder.

    It writes weights, model.yaml, history.csv and the metrics on the validation clips.

    Args:
        experiment: Model folder with the manifest and features.
        settings: Settings of the recipe and the flags.
        splits: Splits in which every class must have clips; training needs train and val.
        search: Search that chose the settings, to record; None without one.
        found: Settings that it chose, by name, to record.

    Returns:
        Model folder, training history and validation metrics, as they are written.

    Raises:
        UsageError: There is no such head, or `sequence.events` does not fit to the labels.
        LookbackError: A class has no features in a split, or all clips have the same features.
    """
    recipe, folder = settings.recipe, experiment.folder
    chosen, seed = recipe.sequence, recipe.seed
    for head in heads_of(chosen):
        require_head(head)  # before the history of the existing model is overwritten
    look_back = experiment.look_back(recipe)
    dataset = _usable_dataset(experiment, look_back, splits)
    selection = select(experiment, recipe)
    if selection.experiment.input != experiment.input:
        dataset = _usable_dataset(selection.experiment, look_back, splits)
    experiment, chosen = selection.experiment, selection.sequence
    training, validation = dataset.split("train"), dataset.split("val")
    chosen = choose_pooling(dataset, training, validation, chosen, seed, _LOG.info)
    pooling_of(chosen, dataset.labels, dataset.task)  # also before the history is overwritten
    models = f" ({chosen.ensemble} models)" if chosen.ensemble > 1 else ""
    _LOG.info(
        f"Training {chosen.head}{models} with a look-back of {look_back} steps on {len(training)} "
        f"clips (pooling {chosen.pooling}), validating on {len(validation)}."
    )
    with History(folder / "history.csv", folder / "logs" / "sequence") as history:
        history.log.settings(_logged_settings(experiment, settings, chosen, look_back))
        predictor = fit(dataset, training, validation, chosen, seed, history, _LOG.info)
        if search and search.temperature:
            predictor.temperature = search.temperature
            fit_thresholds(predictor, dataset, validation)
        predictions = [predict(chosen.head, predictor, dataset, validation)]
        epoch = max(int(row["epoch"]) for row in history.epochs)
        answers = _answers(experiment, dataset, validation, predictions[0].clip)
        history.log.answers(epoch, answers)
    average = predictor
    if chosen.head != "mean":
        average = fit_mean_baseline(dataset, training, validation, chosen, seed)
    linear = [
        fit_baseline(name, dataset, training, validation) for name in available_baselines(dataset)
    ]

    _save(experiment, predictor, average, linear)
    config = _trained_config(experiment, settings, chosen, dataset, predictor, average, search)
    write_config(folder, config)
    record_seen(folder, config.sequence.sha256, experiment.manifest)

    if chosen.head != "mean":
        predictions.append(predict("mean", average, dataset, validation))
    predictions += [predict_baseline(baseline, dataset, validation) for baseline in linear]
    resamples = recipe.evaluate.bootstrap
    views = validation_views(dataset, validation, chosen.validation_windows)
    results = measure_all(predictions, validation, dataset.labels, resamples, seed)
    report = {
        "split": "val",
        "seed": seed,
        "head": chosen.head,
        "pooling": chosen.pooling,
        "ensemble": config.sequence.ensemble,
        **({"epoch_windows_per_clip": views} if views != "all" else {}),
        **({"selection": selection.report} if selection.report else {}),
        **({"search": {**search.model_dump(), "configuration": found}} if search else {}),
        **results[chosen.head],
        "baselines": {name: values for name, values in results.items() if name != chosen.head},
    }
    write_json(folder / "metrics.json", report)
    _LOG.info("\n" + summary("Validation", results, chosen.pooling))
    rows = [{"name": name, **values} for name, values in results.items()]
    for line in remarks(chosen.head, rows, dataset):
        _LOG.info(f"\n{line}")
    _LOG.info(
        f"\nThe validation clips were used to select the epoch{_temperature(predictor, search)}, "
        f"so these metrics tend to be optimistic.\nRun {command('evaluate')} for the metrics on "
        f"the test clips.\n{folder / SEQUENCE_WEIGHTS}"
    )
    convert_stages(folder, config, recipe.extract.engine)
    return TrainingResult(folder, tuple(history.epochs), report)


def _save(
    experiment: Experiment, predictor: Predictor, average: Predictor, linear: list[LinearBaseline]
) -> None:
    """Replace the second stage in the model folder; its part of model.yaml is still to be written.

    If the process is killed before, the folder has no sequence model, instead of weights that do
    not match the config.
    """
    folder = experiment.folder
    keep_previous(folder)
    write_config(folder, experiment.config.model_copy(update={"sequence": None}))
    save_weights(predictor.model, folder / SEQUENCE_WEIGHTS)
    save_weights(average.model, folder / MEAN_WEIGHTS)
    save_baselines(linear, folder / BASELINES)


def _temperature(predictor: Predictor, search: SearchRecord | None) -> str:
    """Return the words about the clips that fitted the temperature, and the thresholds."""
    value = f"{predictor.temperature:.2f}"
    thresholds = ", to choose a threshold for each class" if predictor.thresholds else ""
    if search and search.temperature:
        fitted = f"and with those of train to fit the temperature ({value}) in the search"
        return f"{thresholds}, {fitted}"
    return f"{thresholds} and to fit the temperature ({value})"


def _usable_dataset(experiment: Experiment, look_back: int, splits: tuple[str, ...]) -> Dataset:
    dataset = experiment.dataset(look_back)
    dataset.require_splits(splits)
    dataset.require_variation(dataset.split("train"))
    return dataset


def _logged_settings(
    experiment: Experiment, settings: Settings, chosen: Sequence, look_back: int
) -> dict[str, Any]:
    """Return the settings of a run for TensorBoard."""
    return {
        "stage": "sequence",
        "seed": settings.recipe.seed,
        "backbone": {"name": experiment.config.backbone.name, "input": experiment.input},
        "sequence": {**chosen.model_dump(), "look_back": look_back},
    }


def _answers(
    experiment: Experiment,
    dataset: Dataset,
    validation: list[LabeledSegment],
    probabilities: np.ndarray,
) -> Answers:
    """Return the answers to the validation clips, with frames of some clips."""
    folder, frames = experiment.manifest.path.parent, {}
    for number in sample_numbers(len(validation)):
        clip = validation[number]
        if (frame := middle_frame(folder / clip.video, clip.start, clip.end)) is not None:
            frames[number] = frame
    truth = truth_of(dataset.targets(validation), len(dataset.labels))
    return Answers(dataset.labels, truth, probabilities, frames)


def _trained_config(
    experiment: Experiment,
    settings: Settings,
    chosen: Sequence,
    dataset: Dataset,
    predictor: Predictor,
    average: Predictor,
    search: SearchRecord | None,
) -> ModelConfig:
    """Return the content of model.yaml with the trained sequence model."""
    return experiment.config.model_copy(
        update={
            "seed": settings.recipe.seed,
            "recipe": settings.source,
            "labels": tuple(dataset.labels),
            "sequence": SequenceConfig(
                head=chosen.head,
                look_back=dataset.look_back,
                units=chosen.units,
                dropout=chosen.dropout,
                delta=chosen.delta,
                pooling=predictor.pooling.rule,
                events=tuple(dataset.labels[event] for event in predictor.pooling.events),
                sha256=weights_sha256(predictor.model),
                file_sha256=file_sha256(experiment.folder / SEQUENCE_WEIGHTS),
                features_spec=experiment.store.spec_sha256,
                dtype=experiment.store.spec["dtype"],
                threshold=chosen.threshold,
                temperature=predictor.temperature,
                mean_temperature=average.temperature,
                ensemble=members_of(predictor.model),
                search=search,
                task=predictor.task.name,
                thresholds=predictor.thresholds,
                mean_thresholds=average.thresholds,
            ),
            "made_with": made_with(),
        }
    )
