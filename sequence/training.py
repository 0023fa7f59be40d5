"""Trains a sequence model on cached features: random windows train, whole clips validate."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np

from metrics.calibration import clip_means, fit_temperature, log_loss, softmax
from recipes.schema import Sequence
from sequence.dataset import Dataset, LabeledSegment
from sequence.model import DIFFERENCE, STANDARDISE, build_sequence_model
from sequence.prediction import WINDOWS_AT_ONCE, Predictor
from training.history import History
from training.keras_backend import keras
from training.loop import RunState, run_epochs
from training.optimizers import class_weights, make_optimizer


@dataclass(frozen=True)
class ClipScores:
    """Validation scores of an epoch over labeled clips, by the mean probabilities of their full
    windows."""

    loss: float
    accuracy: float

    def better_than(self, other: "ClipScores | None") -> bool:
        return other is None or (self.loss < other.loss)

    def __str__(self) -> str:
        return f"validation clips: loss {self.loss:.3f}, accuracy {self.accuracy:.3f}"


@dataclass(frozen=True)
class WindowLogits:
    """Logits of the full windows of some segments.

    Attributes:
        logits: Logits (n, K).
        segment: Index of the segment of each window (n,).
    """

    logits: np.ndarray
    segment: np.ndarray

    def clip_probabilities(self, temperature: float = 1.0) -> np.ndarray:
        """Return (number of segments, K): the mean over each segment's windows."""
        return clip_means(softmax(self.logits, temperature), self.segment)


def window_logits(
    predictor: Predictor,
    dataset: Dataset,
    segments: list[LabeledSegment],
    views: int | str = "all",
) -> WindowLogits:
    """Return the logits of the full windows of segments, a bounded number of windows at a time.

    Args:
        predictor: The model.
        dataset: Features of the segments.
        segments: Labeled segments.
        views: Number of evenly spaced windows per segment, or `all`.
    """
    windows = dataset.full_windows(segments, views)
    # The last batch overlaps the previous one: another batch size would trigger recompilation.
    size = min(WINDOWS_AT_ONCE, len(windows))
    logits = []
    for start in range(0, len(windows), size):
        first = min(start, len(windows) - size)
        logits.append(predictor.logits(windows[first : first + size])[start - first :])
    return WindowLogits(np.concatenate(logits), windows.segment)


def fit(
    dataset: Dataset,
    training: list[LabeledSegment],
    validation: list[LabeledSegment],
    chosen: Sequence,
    seed: int,
    history: History | None = None,
    log: Callable[[str], object] = lambda line: None,
) -> Predictor:
    """Train a sequence model and return it with its best epoch's weights and its temperature.

    Args:
        dataset: Features and labels.
        training: Segments for training.
        validation: Segments for validation, which also fit the temperature.
        chosen: Settings of the model and its training.
        seed: Random seed of weights, dropout and windows.
        history: History that receives a row per epoch; None for no history.
        log: Function that receives a line per epoch; by default it discards the line.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed before the end of the first epoch; after it, Ctrl-C
            ends the training, and the best epoch so far is returned.
    """
    keras.utils.set_random_seed(seed)
    run = _SequenceRun(dataset, training, validation, chosen, seed)
    state: RunState[ClipScores] = RunState()
    if not run_epochs(run, state, chosen.epochs, chosen.patience, history, log):
        log("Stopped; the best epoch so far is kept.")
    run.model.set_weights(run.best_weights)
    answers = window_logits(run.predictor, dataset, validation)
    truth = np.array([segment.target for segment in validation])
    run.predictor.temperature = fit_temperature(answers.clip_probabilities, truth)
    return run.predictor


def fit_mean_baseline(
    dataset: Dataset,
    training: list[LabeledSegment],
    validation: list[LabeledSegment],
    chosen: Sequence,
    seed: int,
) -> Predictor:
    """Train the `mean` head under the same settings."""
    return fit(dataset, training, validation, chosen.model_copy(update={"head": "mean"}), seed)


def _compiled_model(
    dataset: Dataset, training: list[LabeledSegment], chosen: Sequence
) -> keras.Model:
    """Return a sequence model with random weights, normalized by its training segments."""
    model = build_sequence_model(
        chosen.head,
        dataset.look_back,
        dataset.store.feature_size,
        len(dataset.labels),
        chosen.units,
        chosen.dropout,
        chosen.delta,
    )
    moments = dataset.moments(training)
    model.get_layer(STANDARDISE).set_moments(moments)
    if chosen.delta:
        model.get_layer(DIFFERENCE).set_moments(dataset.difference_moments(training, moments))
    model.compile(
        make_optimizer(chosen.optimizer, chosen.learning_rate, chosen.weight_decay),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,  # see extract/engines/keras_engine.py
    )
    return model


class _SequenceRun:
    """A run of `training.loop.run_epochs` over windows of features.

    Attributes:
        model: The sequence model.
        predictor: Predictor of `model`.
        best_weights: Weights of the best epoch; at first the initial ones.
    """

    def __init__(
        self,
        dataset: Dataset,
        training: list[LabeledSegment],
        validation: list[LabeledSegment],
        chosen: Sequence,
        seed: int,
    ) -> None:
        self._dataset, self._chosen = dataset, chosen
        self._training, self._validation = training, validation
        self.model = _compiled_model(dataset, training, chosen)
        self.predictor = Predictor(self.model, dataset.look_back)
        self.best_weights = self.model.get_weights()
        self._classes = np.array([segment.target for segment in training])
        self._class_weights = class_weights(
            self._classes, len(dataset.labels), chosen.class_weights
        )
        self._random = np.random.default_rng(seed)

    def begin_epoch(self, epoch: int) -> None:
        """Do nothing: all epochs are alike."""

    def train_epoch(self, epoch: int) -> float:
        """Train on random windows of every segment; return the mean loss over the windows."""
        per_segment = self._chosen.windows_per_video
        windows = self._dataset.training_windows(self._training, per_segment, self._random)
        classes = self._classes[windows.segment]
        weights = self._class_weights
        size, total = min(self._chosen.batch_size, len(windows)), 0.0
        for start in range(0, len(windows), size):
            batch = slice(start, start + size)
            loss = self.model.train_on_batch(
                *_padded(size, windows[batch], classes[batch], weights[classes[batch]])
            )
            total += float(np.ravel(loss)[0]) * len(classes[batch])
        return total / len(windows)

    def validation_weights(self) -> AbstractContextManager[None]:
        """Return an empty context: the training weights are validated."""
        return nullcontext()

    def validate(self) -> ClipScores:
        """Return the validation scores of the model."""
        return _clip_scores(self.predictor, self._dataset, self._validation)

    def is_better(self, scores: ClipScores, best: ClipScores | None) -> bool:
        """Return whether the loss is lower than the best one."""
        return scores.better_than(best)

    def keep_best(self) -> None:
        """Keep the weights in memory."""
        self.best_weights = self.model.get_weights()

    def columns(self, loss: float, scores: ClipScores) -> dict[str, float]:
        """Return the row of history.csv for an epoch."""
        return {
            "loss": loss,
            "val_clip_loss": scores.loss,
            "val_clip_accuracy": scores.accuracy,
        }

    def save(self, state: RunState[ClipScores]) -> None:
        """Do nothing: a run takes minutes and needs no checkpoint."""


def _padded(
    size: int, inputs: np.ndarray, classes: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a batch padded to `size` windows with windows of weight 0.

    A smaller last batch would compile the training step again, which takes longer than many epochs
    of a small set.
    """
    missing = size - len(inputs)
    if not missing:
        return inputs, classes, weights
    inputs = np.concatenate([inputs, np.repeat(inputs[-1:], missing, axis=0)])
    # Keras divides the sum of the losses by `size`; scale it to a mean over the windows that count.
    weights = np.append(weights * np.float32(size / len(classes)), np.zeros(missing, np.float32))
    return inputs, np.append(classes, np.repeat(classes[-1:], missing)), weights


def _clip_scores(
    predictor: Predictor, dataset: Dataset, segments: list[LabeledSegment]
) -> ClipScores:
    probabilities = window_logits(predictor, dataset, segments).clip_probabilities()
    classes = np.array([segment.target for segment in segments])
    return ClipScores(
        loss=log_loss(probabilities, classes),
        accuracy=float((probabilities.argmax(1) == classes).mean()),
    )
