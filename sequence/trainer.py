"""One run of train_lstm.py: the chosen head and all baselines, into the model folder."""

from extract.backbones.heads import weights_sha256
from model_folder.config import (
    MEAN_WEIGHTS,
    SEQUENCE_WEIGHTS,
    SequenceConfig,
    made_with,
    save_weights,
    write_config,
)
from model_folder.provenance import keep_previous, record_seen
from recipes.commands import command
from recipes.loader import Settings
from sequence.baselines import FILE as BASELINES
from sequence.baselines import fit_baseline, save_baselines
from sequence.dataset import Dataset
from sequence.evaluation import baseline_outcome, measured, outcome_of
from sequence.experiment import Experiment
from sequence.model import require_head
from sequence.prediction import Predictor
from sequence.report import summary, write_json
from sequence.results import TrainingResult
from sequence.training import fit, fit_mean_baseline
from training.history import History
from video.console import logger

_LOG = logger(__name__)


def train(experiment: Experiment, settings: Settings) -> TrainingResult:
    """Train, choose by validation, and write weights, config, history and validation metrics.

    Returns:
        The folder, the history and the validation metrics, as they are written.
    """
    recipe, folder = settings.recipe, experiment.folder
    chosen, seed = recipe.sequence, recipe.seed
    require_head(chosen.head)  # before the history of the model that is there is overwritten
    look_back = experiment.look_back(recipe)
    dataset = experiment.dataset(look_back)
    dataset.require_splits()
    training, validation = dataset.split("train"), dataset.split("val")
    dataset.require_variation(training)
    _LOG.info(
        f"{chosen.head} over {look_back} steps: {len(training)} clips train, "
        f"{len(validation)} validate."
    )
    with History(folder / "history.csv", folder / "logs" / "sequence") as history:
        predictor = fit(dataset, training, validation, chosen, seed, history, tell=print)
    average = predictor
    if chosen.head != "mean":
        average = fit_mean_baseline(dataset, training, validation, chosen, seed)
    linear = [fit_baseline(name, dataset, training, validation) for name in ("ridge", "moments")]

    keep_previous(folder)
    # Should the program end among these files, the folder has no sequence model rather than the
    # weights of one under the config of another.
    write_config(folder, experiment.config.model_copy(update={"sequence": None}))
    save_weights(predictor.model, folder / SEQUENCE_WEIGHTS)
    save_weights(average.model, folder / MEAN_WEIGHTS)
    save_baselines(linear, folder / BASELINES)
    config = _card(experiment, settings, dataset, predictor, average)
    write_config(folder, config)
    record_seen(folder, config.sequence.sha256, experiment.manifest)

    outcomes = [outcome_of(chosen.head, predictor, dataset, validation)]
    if chosen.head != "mean":
        outcomes.append(outcome_of("mean", average, dataset, validation))
    outcomes += [baseline_outcome(baseline, dataset, validation) for baseline in linear]
    draws = recipe.evaluate.bootstrap
    results = {o.name: measured(o, validation, dataset.labels, draws, seed) for o in outcomes}
    report = {
        "split": "val",
        "seed": seed,
        "head": chosen.head,
        **results[chosen.head],
        "baselines": {name: values for name, values in results.items() if name != chosen.head},
    }
    write_json(folder / "metrics.json", report)
    _LOG.info("\n" + summary("Validation", results))
    _LOG.info(
        "\nConfidence is fitted to the validation clips (temperature "
        f"{predictor.temperature:.2f}); they also chose the epoch: "
        f"{command('evaluate')} measures on clips that chose nothing.\n{folder / SEQUENCE_WEIGHTS}"
    )
    return TrainingResult(folder, tuple(history.epochs), report)


def _card(
    experiment: Experiment,
    settings: Settings,
    dataset: Dataset,
    predictor: Predictor,
    average: Predictor,
):
    chosen = settings.recipe.sequence
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
                sha256=weights_sha256(predictor.model),
                features_spec=experiment.store.spec_sha256,
                dtype=experiment.store.spec["dtype"],
                threshold=chosen.threshold,
                temperature=predictor.temperature,
                mean_temperature=average.temperature,
            ),
            "made_with": made_with(),
        }
    )
