"""Training a sequence model from the store: a few windows a clip and epoch, clips validate."""

from dataclasses import dataclass

import numpy as np

from metrics.calibration import clip_means, fit_temperature, log_loss, softmax
from recipes.schema import Sequence
from sequence.dataset import Dataset, LabeledSegment
from sequence.model import DIFFERENCE, STANDARDISE, build_sequence_model
from sequence.prediction import WINDOWS_AT_ONCE, Predictor
from training.history import History
from training.keras_backend import keras
from training.optimizers import class_weights, make_optimizer


@dataclass(frozen=True)
class ClipScores:
    """Validation of an epoch over clips, each the mean of its full windows' probabilities."""

    loss: float
    accuracy: float

    def better_than(self, other: "ClipScores | None") -> bool:
        return other is None or (self.loss < other.loss)


@dataclass(frozen=True)
class WindowLogits:
    """What a model says of the full windows of some segments.

    Attributes:
        logits: (n, K).
        segment: (n,) number of the segment that a window belongs to.
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
    """Return the logits of the full windows of `segments`, or of `views` windows per segment, in
    batches of a bounded size."""
    windows = dataset.full_windows(segments, views)
    # A batch of another size would be compiled for anew, so the last one begins earlier.
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
    tell=lambda line: None,
) -> Predictor:
    """Train a sequence model and return it with its best epoch's weights and its temperature.

    Ctrl-C after an epoch's end keeps the best so far.
    """
    keras.utils.set_random_seed(seed)
    count = len(dataset.labels)
    model = build_sequence_model(
        chosen.head,
        dataset.look_back,
        dataset.store.feature_size,
        count,
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
    classes = np.array([segment.target for segment in training])
    weights = class_weights(classes, count, chosen.class_weights)
    predictor = Predictor(model, dataset.look_back)
    random = np.random.default_rng(seed)
    best, best_weights, best_epoch = None, model.get_weights(), 0
    try:
        for epoch in range(chosen.epochs):
            loss = _train_epoch(model, dataset, training, chosen, weights, random)
            scores = _clip_scores(predictor, dataset, validation)
            is_best = scores.better_than(best)
            if history:
                columns = {"val_clip_loss": scores.loss, "val_clip_accuracy": scores.accuracy}
                history.write(epoch + 1, {"loss": loss, **columns})
            tell(
                f"epoch {epoch + 1:>3}  loss {loss:.3f}  validation clips: loss {scores.loss:.3f}, "
                f"accuracy {scores.accuracy:.3f}{'  best' if is_best else ''}"
            )
            if is_best:
                best, best_weights, best_epoch = scores, model.get_weights(), epoch
            elif chosen.patience and epoch - best_epoch >= chosen.patience:
                tell(f"No better validation for {chosen.patience} epochs: done.")
                break
    except KeyboardInterrupt:
        if best is None:
            raise
        tell("Stopped; the best epoch so far is kept.")
    model.set_weights(best_weights)
    answers = window_logits(predictor, dataset, validation)
    truth = np.array([segment.target for segment in validation])
    predictor.temperature = fit_temperature(answers.clip_probabilities, truth)
    return predictor


def fit_mean_baseline(
    dataset: Dataset,
    training: list[LabeledSegment],
    validation: list[LabeledSegment],
    chosen: Sequence,
    seed: int,
) -> Predictor:
    """Train the `mean` head under the same settings."""
    return fit(dataset, training, validation, chosen.model_copy(update={"head": "mean"}), seed)


def _train_epoch(
    model: keras.Model,
    dataset: Dataset,
    training: list[LabeledSegment],
    chosen: Sequence,
    weights: np.ndarray,
    random: np.random.Generator,
) -> float:
    windows = dataset.training_windows(training, chosen.windows_per_video, random)
    classes = np.array([segment.target for segment in training])[windows.segment]
    size, total = min(chosen.batch_size, len(windows)), 0.0
    for start in range(0, len(windows), size):
        batch = slice(start, start + size)
        loss = model.train_on_batch(
            *_filled_up(size, windows[batch], classes[batch], weights[classes[batch]])
        )
        total += float(np.ravel(loss)[0]) * len(classes[batch])
    return total / len(windows)


def _filled_up(
    size: int, inputs: np.ndarray, classes: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a batch of `size` windows whose last ones count nothing: compiling the step for the
    last batch's size as well would take longer than many epochs of a small set."""
    missing = size - len(inputs)
    if not missing:
        return inputs, classes, weights
    inputs = np.concatenate([inputs, np.repeat(inputs[-1:], missing, axis=0)])
    # The loss is a sum divided by the batch's size: that of the windows that count.
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
