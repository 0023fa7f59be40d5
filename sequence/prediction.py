"""From windows to probabilities, for the report and for the live loop alike."""

import threading
from pathlib import Path

import numpy as np

from extract.backbones import load_weights
from extract.backbones.heads import weights_sha256
from extract.engines import Engine, NetworkId, Workload
from extract.engines.registry import make_engine
from extract.feature_store.reader import spec_sha256
from metrics.calibration import softmax
from model_folder.config import CONFIG, MEAN_WEIGHTS, SEQUENCE_WEIGHTS, ModelConfig, SequenceConfig
from recipes.commands import command
from sequence.heads.lstm import step_by_step
from sequence.model import build_sequence_model
from sequence.windows import windows
from training.keras_backend import keras
from video.errors import LookbackError

# Bounds the memory of a prediction, and is the one batch size that is compiled.
WINDOWS_AT_ONCE = 64


class Predictor:
    """A trained sequence model with its temperature. Any number of threads may ask it."""

    def __init__(self, model: keras.Model, look_back: int, temperature: float = 1.0) -> None:
        model.jit_compile = False  # see extract/engines/keras_engine.py
        self.model = model
        self.look_back = look_back
        self.temperature = temperature
        self._engine: Engine | None = None
        self._one_at_a_time = threading.Lock()  # see extract/engines/keras_engine.py

    def use_engine(self, engine: str, folder: Path | None) -> None:
        """Let an engine of `extract.engines.registry.make_engine` give the logits, a window at a
        time: live, Keras takes several times as long, and its threads disturb the backbone's.

        Args:
            engine: its name.
            folder: the model folder.
        """
        known_as = NetworkId(folder, weights_sha256(self.model), "sequence")
        with step_by_step():
            self._engine = make_engine(self.model, known_as, engine, Workload(live=True))

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Return logits (n, K) of windows (n, L, D)."""
        if self._engine:
            return self._engine(batch)
        with self._one_at_a_time:
            parts = [
                np.asarray(self.model.predict_on_batch(batch[start : start + WINDOWS_AT_ONCE]))
                for start in range(0, len(batch), WINDOWS_AT_ONCE)
            ]
        return np.concatenate(parts)

    def probabilities(self, batch: np.ndarray) -> np.ndarray:
        """Return probabilities, float64 (n, K), of windows (n, L, D)."""
        return softmax(self.logits(batch), self.temperature)

    def of_steps(self, features: np.ndarray) -> np.ndarray:
        """Return the probabilities at every step of a video, (N, K), of its features (N, D)."""
        return self.probabilities(windows(features, self.look_back))


def load_predictor(folder: Path, config: ModelConfig) -> Predictor:
    """Return the sequence model of a model folder.

    Raises:
        LookbackError: there is none, or it is not the one that model.yaml tells of.
    """
    told = require_sequence(folder, config)
    return _load(folder / SEQUENCE_WEIGHTS, folder, config, told.head, told.temperature)


def require_sequence(folder: Path, config: ModelConfig) -> SequenceConfig:
    """Return what the config says of the sequence model; raise `LookbackError` where it has
    none."""
    if config.sequence is None:
        raise LookbackError(f"{folder}: has no sequence model yet; {command('train')} trains one")
    return config.sequence


def load_mean_predictor(folder: Path, config: ModelConfig) -> Predictor:
    """Return the `mean` baseline that was trained beside the sequence model."""
    temperature = config.sequence.mean_temperature
    return _load(folder / MEAN_WEIGHTS, folder, config, "mean", temperature)


def _load(
    path: Path, folder: Path, config: ModelConfig, head: str, temperature: float
) -> Predictor:
    if not path.is_file():
        raise LookbackError(f"{path}: is missing; {command('train')} writes it")
    told = config.sequence
    model = build_sequence_model(
        head,
        told.look_back,
        config.backbone.feature_size,
        len(config.labels),
        told.units,
        told.dropout,
        told.delta,
    )
    load_weights(model, path, f"the {head} that {folder / CONFIG} tells of")
    if path.name == SEQUENCE_WEIGHTS and weights_sha256(model) != told.sha256:
        raise LookbackError(
            f"{path}: these are not the weights that {folder / CONFIG} names; restore the pair, "
            f"or run {command('train')}"
        )
    return Predictor(model, told.look_back, temperature)


def require_spec(config: ModelConfig, spec: dict, place: str) -> None:
    """Raise `LookbackError` unless the sequence model was trained on features of this spec."""
    if not config.sequence or config.sequence.features_spec == spec_sha256(spec):
        return
    for precision in ("f32", "bf16", "int8"):
        if config.sequence.features_spec == spec_sha256(_in_precision(spec, precision, config)):
            raise LookbackError(
                f"{place}: the sequence model was trained on {precision} features, and these are "
                f"{spec['precision']}: {command('extract')} --precision {precision} goes back to "
                f"those, {command('train')} trains it anew (with the --weights, --data and "
                "--features of this model)"
            )
    raise LookbackError(
        f"{place}: the sequence model was trained on other features (another backbone, "
        f"sampling or preprocessing); run {command('extract')} and {command('train')}"
    )


def _in_precision(spec: dict, precision: str, config: ModelConfig) -> dict:
    """Return the spec that the same features have in another precision."""
    other = {key: value for key, value in spec.items() if key != "quantised_sha256"}
    if precision == "int8" and config.quantised:
        other["quantised_sha256"] = config.quantised.sha256
    return {**other, "precision": precision}
