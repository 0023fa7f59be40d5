"""Training from a folder of labeled clips to a model folder, in one call."""

import csv
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clips.preparation import load_manifest
from extract.extraction import extract
from extract.extractor.choice import OWN_HEAD
from extract.finetuning.trainer import Trainer
from recipes.loader import Settings
from recipes.loader import load as load_settings
from recipes.places import copied_up, with_local_places
from sequence.experiment import open_experiment
from sequence.search.run import search
from sequence.trainer import train as train_second_stage


@dataclass(frozen=True)
class TrainingRun:
    """The outcome of `lookback.train`.

    Attributes:
        folder: The model folder, for `lookback.load` and `lookback.evaluate`.
        data: The folder with clips, manifest.csv and features/.
        history: One dictionary per epoch of the second stage, in order: `epoch` from 1, `loss`,
            `val_clip_loss`, `val_clip_accuracy`, and of an ensemble `member` from 1. With the head
            `own`, which needs no second training, it is the history of the fine-tuning.
        metrics: Metrics on the validation clips. These clips selected the epoch, so this is no
            test; `lookback.evaluate` measures on the test clips.
        finetuning: One dictionary per epoch of the fine-tuning; empty without one.
    """

    folder: Path
    data: Path
    history: tuple[dict[str, float], ...]
    metrics: dict[str, Any]
    finetuning: tuple[dict[str, float], ...] = ()


def train(
    data: str | os.PathLike[str] = "data",
    recipe: str | os.PathLike[str] | None = None,
    *,
    weights: str | os.PathLike[str] | None = None,
    finetune: bool | None = None,
    epochs: int | None = None,
    settings: Mapping[str, Any] | None = None,
) -> TrainingRun:
    """Train a model on labeled clips: prepare, fine-tune on request, extract, train.

    An existing manifest.csv, and features of the same network, are reused. An existing model is
    copied to `previous/` in the model folder. Training sets the random seeds of Python, NumPy
    and Keras. Ctrl-C ends a training with its best epoch so far.

    Args:
        data: The folder with `clips/<label>/<files>`. It receives manifest.csv and features/. It
            may be an address such as `s3://bucket/set`, as may `weights`.
        recipe: A recipe's file, or the name of a recipe of this project, such as `demo`. None takes
            default.yaml.
        weights: The model folder to write. None takes the recipe's, by default `weights`.
        finetune: Whether to fine-tune the backbone first, which is slow without a GPU. None does so
            if the recipe or `settings` sets a key of the section `finetune`.
        epochs: The maximum number of epochs, of the fine-tuning and of the second stage. None takes
            the recipe's numbers.
        settings: Values of recipe keys by dotted name. They override the recipe and the other
            arguments. recipes/default.yaml lists all keys.

    Returns:
        The model folder with the history and the validation metrics.

    Raises:
        UsageError: A key is unknown, a value does not fit, or the folder's fine-tuned backbone is
            another one than the recipe's.
        LookbackError: There are too few clips, the split leaks, or a download fails.

    Example:
        run = lookback.train("data", epochs=5, settings={"sequence.look_back": 8})
        print(run.metrics["clip"]["accuracy"])
        model = lookback.load(run.folder)
    """
    chosen = _settings(data, recipe, weights, settings)
    if finetune is None:
        finetune = asks_for_finetuning(chosen)
    if epochs is not None:
        of_stages = {"sequence.epochs": epochs, "finetune.epochs": epochs}
        chosen = _settings(data, recipe, weights, {**of_stages, **(settings or {})})
    with copied_up():
        return _train(chosen, finetune)


def _train(chosen: Settings, finetune: bool) -> TrainingRun:
    manifest = load_manifest(chosen)
    folder = Path(chosen.recipe.model.folder)
    place = Path(chosen.recipe.data.folder)
    metrics: dict[str, Any] = {}
    finetuning: tuple[dict[str, float], ...] = ()
    if finetune:
        metrics = {"split": "val", "head": OWN_HEAD, **asdict(Trainer(chosen, manifest).train())}
        finetuning = _history(folder / "finetune_history.csv")
    extract(chosen, manifest)
    if chosen.recipe.sequence.head == OWN_HEAD:
        return TrainingRun(folder, place, finetuning, metrics, finetuning)
    experiment = open_experiment(chosen)
    try:
        run = search if chosen.recipe.search.trials else train_second_stage
        result = run(experiment, chosen)
    finally:
        experiment.close()
    return TrainingRun(folder, place, result.history, result.metrics, finetuning)


def asks_for_finetuning(settings: Settings) -> bool:
    """Return whether the user set a key of the section `finetune`.

    Args:
        settings: The recipe, with the keys that the user set.
    """
    return any(key.startswith("finetune.") for key in settings.given)


def _settings(
    data: str | os.PathLike[str],
    recipe: str | os.PathLike[str] | None,
    weights: str | os.PathLike[str] | None,
    settings: Mapping[str, Any] | None,
) -> Settings:
    keys: dict[str, Any] = {"data.folder": os.fspath(data)}
    if weights is not None:
        keys["model.folder"] = os.fspath(weights)
    keys.update(settings or {})
    path = Path(recipe) if recipe else None
    return with_local_places(load_settings(path, keys, given_by="settings"))


def _history(path: Path) -> tuple[dict[str, float], ...]:
    with path.open(newline="", encoding="utf-8") as file:
        return tuple(
            {name: float(value) for name, value in row.items()} for row in csv.DictReader(file)
        )
