"""Predictor: from windows to probabilities, offline and live."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from extract.backbones import load_weights
from extract.backbones.heads import weights_sha256
from extract.engines import Engine, NetworkId, UnbuiltModel, built, live_workload
from extract.engines.registry import make_engine
from extract.feature_store.spec import spec_sha256
from metrics.pooling import MEAN, Pooling
from metrics.task import Task, TaskName, task_named
from model_folder.config import CONFIG, MEAN_WEIGHTS, SEQUENCE_WEIGHTS, ModelConfig, SequenceConfig
from model_folder.weights_files import is_known, remember
from recipes.commands import command
from sequence.unrolling import unrolled
from sequence.windows import windows
from video.errors import LookbackError

if TYPE_CHECKING:
    import keras

# Maximum batch size, which limits the memory of a prediction.
WINDOWS_AT_ONCE = 64


class Predictor:
    """Trained sequence model with its temperature. Methods may be called from several threads.

    Attributes:
        look_back: Number of steps in a window, L.
        temperature: Temperature that divides the logits.
        pooling: Rule from the windows of a clip to its probabilities.
        thresholds: Probability from which each class is found, K numbers; empty for a single label.
    """

    def __init__(
        self,
        model: "keras.Model | UnbuiltModel",
        look_back: int,
        temperature: float = 1.0,
        pooling: Pooling = MEAN,
        thresholds: tuple[float, ...] = (),
    ) -> None:
        """Wrap a model.

        Args:
            model: Sequence model, from windows (B, L, D) to its outputs: logits (B, K), with a
                column more if `pooling` has scores. It may be unbuilt.
            look_back: Number of steps in a window, L.
            temperature: Temperature that divides the logits.
            pooling: Rule from the windows of a clip to its probabilities.
            thresholds: Probability from which each class is found; empty for a single label.
        """
        self._model = model
        self.look_back = look_back
        self.temperature = temperature
        self.pooling = pooling
        self.thresholds = thresholds
        self._engine: Engine | None = None
        self._lock = threading.Lock()  # see extract/engines/keras_engine.py

    @property
    def model(self) -> "keras.Model":
        """The sequence model in Keras."""
        model = built(self._model)
        model.jit_compile = False  # see extract/engines/keras_engine.py
        return model

    @property
    def task(self) -> Task:
        """Whether a clip has one class or several."""
        return self.pooling.task

    def use_engine(self, engine: str, folder: Path | None, videos: int = 1) -> None:
        """Run all later predictions on an inference engine, one window at a time, for live use.

        For single windows Keras is several times slower, and its threads compete with those of the
        backbone.

        Args:
            engine: Name of the engine, see `extract.engines.registry.make_engine`.
            folder: Model folder, where the converted model is cached; None for no cache.
            videos: Number of live videos at once.
        """
        if isinstance(self._model, UnbuiltModel):
            network = replace(self._model.network, folder=folder)
        else:
            network = NetworkId(folder, weights_sha256(self._model), "sequence")
        with unrolled():
            workload = live_workload("f32", videos)
            self._engine = make_engine(self._model, network, engine, workload)

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Return the logits (n, K) of windows (n, L, D).

        The pooling `attention` has a column more, (n, K + 1), with the scores of the windows; see
        `metrics.pooling.Pooling.split`.
        """
        if self._engine:
            return self._engine(batch)
        with self._lock:
            parts = [
                np.asarray(self.model.predict_on_batch(batch[start : start + WINDOWS_AT_ONCE]))
                for start in range(0, len(batch), WINDOWS_AT_ONCE)
            ]
        return np.concatenate(parts)

    def traced_logits(self, batch):
        """Return the logits (n, K) of windows (n, L, D), tensors of the backend, for gradients."""
        with unrolled():  # an LSTM's loop and its cuDNN kernel have no gradient in every backend
            outputs = self.model(batch, training=False)
        return outputs[:, :-1] if self.pooling.rule == "attention" else outputs

    def probabilities(self, batch: np.ndarray) -> np.ndarray:
        """Return the probabilities of windows (n, L, D): float64 (n, K)."""
        return self.scored(batch)[0]

    def scored(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the probabilities of windows (n, L, D), float64 (n, K), and their scores (n,).

        The scores are those of the pooling `attention`, and 0 without it.
        """
        outputs = self.logits(batch)
        probabilities = self.pooling.window_probabilities(outputs, self.temperature)
        return probabilities, self.pooling.split(outputs)[1]

    def predict_steps(self, features: np.ndarray) -> np.ndarray:
        """Return the probabilities (N, K) at every step of a video, from its features (N, D)."""
        return self.probabilities(windows(features, self.look_back))


def load_predictor(folder: Path, config: ModelConfig) -> Predictor:
    """Return the predictor of a model folder's sequence model.

    Args:
        folder: Model folder.
        config: Content of its model.yaml.

    Raises:
        LookbackError: There is no sequence model, or its weights are not those that model.yaml
            names.
    """
    require_sequence(folder, config)
    return _predictor(unbuilt_model(folder, config).built(), folder, config)


def load_live_predictor(
    folder: Path, config: ModelConfig, engine: str, videos: int = 1
) -> Predictor:
    """Return the predictor of `load_predictor` on an engine; see `Predictor.use_engine`.

    Where its weights file is known and its converted form is kept, it is not built.

    Args:
        folder: Model folder.
        config: Content of its model.yaml.
        engine: Name of an engine.
        videos: Number of live videos at once.

    Raises:
        LookbackError: As for `load_predictor`.
    """
    sequence, model = require_sequence(folder, config), unbuilt_model(folder, config)
    if not is_known(folder / SEQUENCE_WEIGHTS, sequence.sha256, sequence.file_sha256):
        model.built()  # which compares the weights with model.yaml
    predictor = _predictor(model, folder, config)
    predictor.use_engine(engine, folder, videos)
    return predictor


def require_sequence(folder: Path, config: ModelConfig) -> SequenceConfig:
    """Return the sequence part of a model folder's config.

    Raises:
        LookbackError: The folder has no sequence model.
    """
    if config.sequence is None:
        raise LookbackError(f"{folder}: has no sequence model yet; run {command('train')}")
    return config.sequence


def load_mean_predictor(folder: Path, config: ModelConfig) -> Predictor:
    """Return the predictor of the `mean` baseline, which is trained with the sequence model."""
    sequence = config.sequence
    fitted = sequence.mean_temperature, sequence.mean_thresholds
    model = _loaded(folder / MEAN_WEIGHTS, folder, config, "mean")
    return _predictor(model, folder, config, *fitted)


def _predictor(
    model: "keras.Model | UnbuiltModel",
    folder: Path,
    config: ModelConfig,
    temperature: float | None = None,
    thresholds: tuple[float, ...] | None = None,
) -> Predictor:
    """Return the predictor of a model, by default with the numbers of the sequence model."""
    sequence = config.sequence
    temperature = sequence.temperature if temperature is None else temperature
    thresholds = sequence.thresholds if thresholds is None else thresholds
    require_thresholds(thresholds, config.labels, sequence.task, folder)
    pooling = _pooling(folder, config)
    return Predictor(model, sequence.look_back, temperature, pooling, thresholds)


def unbuilt_model(folder: Path, config: ModelConfig) -> UnbuiltModel:
    """Return a folder's sequence model, which is built and checked where it must be.

    Args:
        folder: Model folder.
        config: Content of its model.yaml.
    """
    sequence, path = config.sequence, folder / SEQUENCE_WEIGHTS
    network = NetworkId(folder, sequence.sha256, "sequence", _graph_settings(config))
    shape = (sequence.look_back, config.backbone.feature_size)
    return UnbuiltModel(network, shape, lambda: _loaded(path, folder, config, sequence.head))


def _graph_settings(config: ModelConfig) -> dict[str, Any]:
    """Return what of model.yaml decides the graph of the sequence model."""
    sequence = config.sequence
    keys = {"head", "look_back", "units", "delta", "ensemble"}
    return {
        **sequence.model_dump(mode="json", include=keys),
        "feature_size": config.backbone.feature_size,
        "labels": len(config.labels),
        "scored": sequence.pooling == "attention",
    }


def _loaded(path: Path, folder: Path, config: ModelConfig, head: str) -> "keras.Model":
    """Return a sequence model in Keras, with the weights of a file."""
    from sequence.model import build_sequence_model, join  # loads Keras

    if not path.is_file():
        raise LookbackError(f"{path}: is missing; run {command('train')} to create it")
    sequence = config.sequence
    # The baseline `mean` is a single model, also beside an ensemble.
    count = sequence.ensemble if head == sequence.head else 1
    members = [
        build_sequence_model(
            head,
            sequence.look_back,
            config.backbone.feature_size,
            len(config.labels),
            sequence.units,
            sequence.dropout,
            sequence.delta,
            scored=sequence.pooling == "attention",
        )
        for _ in range(count)
    ]
    model = join(members)
    load_weights(model, path, f"the {head} described in {folder / CONFIG}")
    if path.name == SEQUENCE_WEIGHTS and weights_sha256(model) != sequence.sha256:
        raise LookbackError(
            f"{path}: these weights do not match the hash in {folder / CONFIG}; restore both files "
            f"from the same training, or run {command('train')}"
        )
    if path.name == SEQUENCE_WEIGHTS and not is_known(path, sequence.sha256, sequence.file_sha256):
        remember(path, sequence.sha256)
    return model


def require_thresholds(
    thresholds: tuple[float, ...], labels: tuple[str, ...], task: TaskName, folder: Path
) -> None:
    """Check that a multi-label model has a threshold for each class.

    Args:
        thresholds: Thresholds in model.yaml.
        labels: Labels in model.yaml.
        task: Task in model.yaml.
        folder: Model folder.

    Raises:
        LookbackError: It has another number of thresholds.
    """
    if len(thresholds) != (len(labels) if task_named(task).several else 0):
        raise LookbackError(
            f"{folder / CONFIG}: {len(thresholds)} thresholds do not fit to the task {task} with "
            f"{len(labels)} labels; restore it, or train again"
        )


def _pooling(folder: Path, config: ModelConfig) -> Pooling:
    """Return the pooling of a config; raise `LookbackError` if its events are no labels."""
    sequence = config.sequence
    unknown = set(sequence.events) - set(config.labels)
    if unknown or (sequence.pooling == "top" and not sequence.events):
        raise LookbackError(
            f"{folder / CONFIG}: sequence.events {', '.join(unknown) or 'is empty'}: should name "
            f"labels of the model; restore it, or run {command('train')}"
        )
    events = tuple(config.labels.index(event) for event in sequence.events)
    return Pooling(sequence.pooling, events, task_named(sequence.task))


def require_spec(config: ModelConfig, spec: dict, place: str) -> None:
    """Check that the sequence model was trained on features with this spec.

    Args:
        config: Content of a model folder's model.yaml.
        spec: Spec of the features to predict from.
        place: Start of the error message: the folder or file.

    Raises:
        LookbackError: The model was trained on other features.
    """
    if not config.sequence or config.sequence.features_spec == spec_sha256(spec):
        return
    for precision in ("f32", "bf16", "int8"):
        if config.sequence.features_spec == spec_sha256(_in_precision(spec, precision, config)):
            raise LookbackError(
                f"{place}: the sequence model was trained on {precision} features, and these are "
                f"{spec['precision']}; run {command('extract')} --precision {precision} to return "
                f"to {precision}, or {command('train')} to train on these (with the --weights, "
                "--data and --features of this model)"
            )
    raise LookbackError(
        f"{place}: the sequence model was trained on other features (another backbone, sampling "
        f"or preprocessing); run {command('extract')} and then {command('train')}"
    )


def _in_precision(spec: dict, precision: str, config: ModelConfig) -> dict:
    """Return the spec of the same features in another precision."""
    other = {key: value for key, value in spec.items() if key != "quantised_sha256"}
    if precision == "int8" and config.quantised:
        other["quantised_sha256"] = config.quantised.sha256
    return {**other, "precision": precision}
