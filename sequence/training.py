"""Trains a sequence model on cached features: windows or bags train, whole clips validate.

With the pooling `mean` the loss is that of random windows. With `top` and `attention` it is that of
a clip: a bag of its windows, pooled as in validation.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np

from metrics.calibration import fit_temperature
from metrics.pooling import MEAN, Pooling
from metrics.task import Task
from recipes.schema import Sequence
from sequence.dataset import Dataset, LabeledSegment
from sequence.model import DIFFERENCE, STANDARDISE, build_sequence_model, join
from sequence.pooling import bag_model, pooling_of
from sequence.prediction import WINDOWS_AT_ONCE, Predictor
from training.history import MEMBER, History
from training.keras_backend import keras
from training.loop import RunState, run_epochs
from training.objective import Objective
from training.optimizers import make_optimizer

MAX_BAG = 16  # windows of a clip that train at once
MAX_VIEWS = 5  # windows of a clip that score an epoch, where there are too many
STOPPED = "Stopped; the best epoch so far is kept."  # the line after Ctrl-C


@dataclass(frozen=True)
class ClipScores:
    """Validation scores of an epoch over labeled clips, by the pooled probabilities of their full
    windows: the log loss, and the main score of the task."""

    task: Task
    loss: float
    score: float

    def better_than(self, other: "ClipScores | None") -> bool:
        return other is None or (self.loss < other.loss)

    def columns(self) -> dict[str, float]:
        """Return the scores as columns of the history."""
        return {"val_clip_loss": self.loss, f"val_clip_{self.task.score}": self.score}

    def __str__(self) -> str:
        return f"validation clips: loss {self.loss:.3f}, {self.task.score_title} {self.score:.3f}"


@dataclass(frozen=True)
class WindowLogits:
    """Logits of the full windows of some segments.

    Attributes:
        logits: Logits (n, K), with the scores as a column more for the pooling `attention`.
        segment: Index of the segment of each window (n,).
        pooling: Rule from a segment's windows to its probabilities.
    """

    logits: np.ndarray
    segment: np.ndarray
    pooling: Pooling = MEAN

    def clip_probabilities(self, temperature: float = 1.0) -> np.ndarray:
        """Return (number of segments, K): the pooled probabilities of each segment's windows."""
        return self.pooling.clip_probabilities(self.logits, self.segment, temperature)

    def window_probabilities(self, temperature: float = 1.0) -> np.ndarray:
        """Return the probabilities of the windows (n, K)."""
        return self.pooling.window_probabilities(self.logits, temperature)


def join_logits(parts: list[WindowLogits]) -> WindowLogits:
    """Return the logits of several lists of segments, one list after another.

    Args:
        parts: Logits of each list, from models with one pooling.
    """
    sizes = [int(part.segment[-1]) + 1 for part in parts]
    before = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return WindowLogits(
        np.concatenate([part.logits for part in parts]),
        np.concatenate([part.segment + n for part, n in zip(parts, before, strict=True)]),
        parts[0].pooling,
    )


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
    return WindowLogits(np.concatenate(logits), windows.segment, predictor.pooling)


def validation_views(dataset: Dataset, validation: list[LabeledSegment], limit: int) -> int | str:
    """Return how many windows of each segment score an epoch: `all`, or up to `MAX_VIEWS`.

    Args:
        dataset: Features of the segments.
        validation: Segments for validation.
        limit: Number of windows above which not all are used; 0 for none. Each segment has one at
            least.
    """
    counts = np.array([len(dataset.full_steps(segment)) for segment in validation])
    if not limit or counts.sum() <= limit:
        return "all"
    fitting = [n for n in range(1, MAX_VIEWS + 1) if np.minimum(counts, n).sum() <= limit]
    return max(fitting, default=1)


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

    With several classes per clip it also gets a threshold for each class.

    With `sequence.ensemble` it trains that many models one after another, with the seeds `seed`,
    `seed` + 1, ..., and joins them. The temperature is that of the joined model.

    Args:
        dataset: Features and labels.
        training: Segments for training.
        validation: Segments for validation, which also fit temperature and thresholds.
        chosen: Settings of the model and its training; see `sequence.pooling_choice` for
            the pooling `auto`.
        seed: Random seed of weights, dropout and windows.
        history: History that receives a row per epoch; None for no history.
        log: Function that receives a line per epoch; by default it discards the line.

    Raises:
        UsageError: The pooling and `sequence.events` do not fit to the labels.
        KeyboardInterrupt: Ctrl-C was pressed before the end of the first epoch; after it, Ctrl-C
            ends the training, and the best epoch so far is returned. An ensemble then has the
            models that had an epoch.
    """
    pooling, task = pooling_of(chosen, dataset.labels, dataset.task), dataset.task
    kind = _SequenceRun if pooling.rule == "mean" else _BagRun
    members: list[keras.Model] = []
    views = validation_views(dataset, validation, chosen.validation_windows)
    if views != "all":
        log(f"Each epoch is scored on up to {views} windows of each validation clip.")
    finished = True
    while finished and len(members) < chosen.ensemble:
        number = len(members) + 1 if chosen.ensemble > 1 else None
        if number:
            log(f"Model {number} of {chosen.ensemble}:")
        try:
            member_seed = seed + len(members)
            run = kind(dataset, training, validation, chosen, pooling, member_seed, number)
            state: RunState[ClipScores] = RunState()
            finished = run_epochs(run, state, chosen.epochs, chosen.patience, history, log)
        except KeyboardInterrupt:
            if not members:
                raise
            finished = False
        else:
            run.model.set_weights(run.best_weights)
            members.append(run.model)
    if not finished:
        log(STOPPED)
    predictor = Predictor(join(members), dataset.look_back, pooling=pooling)
    answers = window_logits(predictor, dataset, validation)
    truth = dataset.targets(validation)
    predictor.temperature = fit_temperature(answers.clip_probabilities, truth, task.loss)
    fit_thresholds(predictor, dataset, validation)
    return predictor


def fit_thresholds(
    predictor: Predictor, dataset: Dataset, validation: list[LabeledSegment]
) -> None:
    """Set the thresholds of a predictor's classes; a model of one class per clip has none.

    Args:
        predictor: The model, with its temperature.
        dataset: Features and labels.
        validation: Segments that choose the thresholds.
    """
    if dataset.task.several:
        answers = window_logits(predictor, dataset, validation)
        clips = answers.clip_probabilities(predictor.temperature)
        predictor.thresholds = dataset.task.fit_thresholds(clips, dataset.targets(validation))


def fit_mean_baseline(
    dataset: Dataset,
    training: list[LabeledSegment],
    validation: list[LabeledSegment],
    chosen: Sequence,
    seed: int,
) -> Predictor:
    """Train the `mean` head under the same settings and the same pooling, as a single model."""
    alone = chosen.model_copy(update={"head": "mean", "ensemble": 1})
    return fit(dataset, training, validation, alone, seed)


def _normalized_model(
    dataset: Dataset, training: list[LabeledSegment], chosen: Sequence, pooling: Pooling
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
        scored=pooling.rule == "attention",
    )
    moments = dataset.moments(training)
    model.get_layer(STANDARDISE).set_moments(moments)
    if chosen.delta:
        model.get_layer(DIFFERENCE).set_moments(dataset.difference_moments(training, moments))
    return model


def _compile(model: keras.Model, chosen: Sequence, objective: Objective) -> keras.Model:
    """Compile a model whose outputs are logits, and return it."""
    model.compile(
        make_optimizer(chosen.optimizer, chosen.learning_rate, chosen.weight_decay),
        objective.sparse_loss(),
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
        pooling: Pooling,
        seed: int,
        member: int | None = None,
    ) -> None:
        """Set the seeds, and make the model.

        Args:
            dataset: Features and labels.
            training: Segments for training.
            validation: Segments for validation.
            chosen: Settings of the model and its training.
            seed: Random seed of weights, dropout and windows.
            member: Number of the model in an ensemble, for the history; None for a single model.
        """
        keras.utils.set_random_seed(seed)
        self._member = member
        self._dataset, self._chosen = dataset, chosen
        self._training, self._validation = training, validation
        self._views = validation_views(dataset, validation, chosen.validation_windows)
        self.model = _normalized_model(dataset, training, chosen, pooling)
        self._targets = dataset.targets(training)
        count, weighting = len(dataset.labels), chosen.class_weights
        self._objective = Objective(dataset.task, self._targets, count, weighting)
        self._trained = _compile(self._training_model(pooling), chosen, self._objective)
        self.predictor = Predictor(self.model, dataset.look_back, pooling=pooling)
        self.best_weights = self.model.get_weights()
        self._random = np.random.default_rng(seed)

    def begin_epoch(self, epoch: int) -> None:
        """Do nothing: all epochs are alike."""

    def train_epoch(self, epoch: int) -> float:
        """Train on random windows of every segment; return the mean loss over the windows."""
        per_segment = self._chosen.windows_per_video
        windows = self._dataset.training_windows(self._training, per_segment, self._random)
        return self._train(windows.__getitem__, self._targets[windows.segment])

    def _training_model(self, pooling: Pooling) -> keras.Model:
        """Return the network that is trained: the sequence model itself."""
        return self.model

    def _train(self, inputs: Callable[[slice], np.ndarray], targets: np.ndarray) -> float:
        """Train on examples in batches; return the mean loss.

        Args:
            inputs: Function from a slice of the examples to the input of the network.
            targets: Target of each example (n, ...), encoded by the task.
        """
        weights = self._objective.example_weights(targets)
        size, total = min(self._chosen.batch_size, len(targets)), 0.0
        for start in range(0, len(targets), size):
            batch = slice(start, start + size)
            loss = self._trained.train_on_batch(
                *_padded(size, inputs(batch), targets[batch], weights[batch])
            )
            total += float(np.ravel(loss)[0]) * len(targets[batch])
        return total / len(targets)

    def validation_weights(self) -> AbstractContextManager[None]:
        """Return an empty context: the training weights are validated."""
        return nullcontext()

    def validate(self) -> ClipScores:
        """Return the validation scores of the model."""
        return _clip_scores(self.predictor, self._dataset, self._validation, self._views)

    def is_better(self, scores: ClipScores, best: ClipScores | None) -> bool:
        """Return whether the loss is lower than the best one."""
        return scores.better_than(best)

    def keep_best(self) -> None:
        """Keep the weights in memory."""
        self.best_weights = self.model.get_weights()

    def columns(self, loss: float, scores: ClipScores) -> dict[str, float]:
        """Return the row of history.csv for an epoch."""
        row = {
            "loss": loss,
            **scores.columns(),
            "learning_rate": self._chosen.learning_rate,
        }
        if self._views != "all":
            row["val_windows_per_clip"] = self._views
        return {**row, MEMBER: self._member} if self._member else row

    def answers(self) -> None:
        """Return None: drawing takes longer than an epoch. `sequence.trainer` writes the best."""

    def save(self, state: RunState[ClipScores]) -> None:
        """Do nothing: a run takes minutes and needs no checkpoint."""


class _BagRun(_SequenceRun):
    """A run whose loss is that of pooled clips: multiple-instance learning.

    Every epoch has one bag of windows per clip. All bags have the same size, so that the training
    step is compiled once.
    """

    def train_epoch(self, epoch: int) -> float:
        """Train on a bag of every segment; return the mean loss over the segments."""
        size = self._size
        windows = self._dataset.bags(self._training, size, self._random)

        def inputs(batch: slice) -> np.ndarray:
            rows = windows[batch.start * size : batch.stop * size]
            return rows.reshape(-1, size, *rows.shape[1:])

        return self._train(inputs, self._targets[windows.segment[::size]])

    def _training_model(self, pooling: Pooling) -> keras.Model:
        """Return the network over bags, which shares its weights with the sequence model."""
        longest = max(len(self._dataset.full_steps(segment)) for segment in self._training)
        self._size = min(MAX_BAG, longest)
        return bag_model(self.model, self._size, pooling)


def _padded(
    size: int, inputs: np.ndarray, targets: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a batch padded to `size` examples with examples of weight 0.

    A smaller last batch would compile the training step again, which takes longer than many epochs
    of a small set.
    """
    missing = size - len(inputs)
    if not missing:
        return inputs, targets, weights
    inputs = np.concatenate([inputs, np.repeat(inputs[-1:], missing, axis=0)])
    # Keras divides the sum of the losses by `size`; scale it to a mean over those that count.
    weights = np.append(weights * np.float32(size / len(targets)), np.zeros(missing, np.float32))
    targets = np.concatenate([targets, np.repeat(targets[-1:], missing, axis=0)])
    return inputs, targets, weights


def _clip_scores(
    predictor: Predictor, dataset: Dataset, segments: list[LabeledSegment], views: int | str
) -> ClipScores:
    probabilities = window_logits(predictor, dataset, segments, views).clip_probabilities()
    targets, task = dataset.targets(segments), dataset.task
    return ClipScores(
        task, task.loss(probabilities, targets), task.main_score(probabilities, targets)
    )
