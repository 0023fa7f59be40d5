"""Linear baselines on whole clips, which a sequence model should outperform.

The input of `ridge` is the mean of a clip's features. `moments` adds the standard deviation and the
mean absolute difference between consecutive steps. `motion` takes the same statistics of the motion
energy (video/motion.py) instead of the features, so it needs no network. None of them sees the
order of the steps.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression, RidgeClassifier

from extract.feature_store.spec import EXTERNAL
from metrics.task import MULTI_LABEL, SINGLE_LABEL, Task
from recipes.commands import command
from sequence.dataset import MIN_RELATIVE_STD, Dataset, LabeledSegment
from video.atomic_write import atomic_write
from video.errors import LookbackError

FILE = "baselines.npz"


def clip_mean(rows: np.ndarray) -> np.ndarray:
    """Return the mean (D,) of features (n, D)."""
    return rows.mean(0)


def clip_moments(rows: np.ndarray) -> np.ndarray:
    """Return mean, standard deviation and mean absolute difference (3 D,) of features (n, D).

    The difference is that of consecutive steps, and 0 for a single step.
    """
    steps = np.abs(np.diff(rows, axis=0)).mean(0) if len(rows) > 1 else np.zeros_like(rows[0])
    return np.concatenate([rows.mean(0), rows.std(0), steps])


MOTION = "motion"  # the baseline without a network

# Function of each baseline from the features (n, D) of a clip to its summary (S,); `motion` has the
# motion energy (n, 16) in place of the features.
SUMMARIES = {"ridge": clip_mean, "moments": clip_moments, MOTION: clip_moments}

_NEVER = 1e9  # a logit

# Fields of `LinearBaseline` and their names in the file.
_FILE_KEYS = {"mean": "mean", "std": "deviation", "weights": "weights", "bias": "bias"}
_THRESHOLDS = "thresholds"  # of multi-label baselines


@dataclass(frozen=True)
class LinearBaseline:
    """Linear classifier of standardized clip summaries; all arrays are float64.

    Attributes:
        name: Name of the baseline, a key of `SUMMARIES`.
        mean: Mean of the training summaries: (S,).
        std: Standard deviation of the training summaries: (S,).
        weights: Weights of each class: (K, S).
        bias: Bias of each class: (K,).
        thresholds: Probability from which each class is found, (K,); empty for a single label.
    """

    name: str
    mean: np.ndarray
    std: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    thresholds: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def task(self) -> Task:
        """Whether a clip has one class or several."""
        return MULTI_LABEL if len(self.thresholds) else SINGLE_LABEL

    def probabilities(self, summaries: np.ndarray) -> np.ndarray:
        """Return the softmax (n, K) of the class scores of summaries (n, S), or their sigmoid.

        Ridge regression does not model probabilities. Both keep the ranking of its scores.
        """
        standardized = (summaries - self.mean) / self.std
        return self.task.probabilities(standardized @ self.weights.T + self.bias)

    def predict_segments(self, dataset: Dataset, segments: list[LabeledSegment]) -> np.ndarray:
        """Return the probabilities of labeled segments: (n, K)."""
        return self.probabilities(summaries_of(self.name, dataset, segments))


def summaries_of(name: str, dataset: Dataset, segments: list[LabeledSegment]) -> np.ndarray:
    """Return the summaries (n, S) of segments.

    Args:
        name: Name of the baseline, a key of `SUMMARIES`.
        dataset: Dataset of the segments.
        segments: Segments to summarize.
    """
    rows = dataset.motion if name == MOTION else dataset.rows
    return np.stack([SUMMARIES[name](rows(segment)) for segment in segments])


def available_baselines(dataset: Dataset) -> list[str]:
    """Return the names of the baselines that the features of a dataset allow."""
    return [name for name in SUMMARIES if name != MOTION or dataset.has_motion]


def missing_motion_note(dataset: Dataset) -> str:
    """Return a line that says why a report has no baseline `motion`, and how to get it."""
    start = f"The baseline {MOTION} is left out: "
    if dataset.has_motion:
        return f"{start}the model was trained without it; run {command('train')} to get it."
    if dataset.store.spec["backbone"] == EXTERNAL:
        return f"{start}{dataset.store.path} is from another program, and has no motion."
    return (
        f"{start}{dataset.store.path} lacks the motion of some clips or all: it is from an earlier "
        f"version. To get it, move it away and run {command('extract')}."
    )


def fit_baseline(
    name: str, dataset: Dataset, training: list[LabeledSegment], validation: list[LabeledSegment]
) -> LinearBaseline:
    """Fit a baseline with the regularization strength that has the best validation score.

    The score is the accuracy. With several classes per clip, each class is fitted against the
    rest, and the score is the mean average precision.

    The summaries of all clips are in memory: float32 (S,) per clip, which is 12 KiB for `moments`
    of 1024 features.

    Args:
        name: Name of the baseline, a key of `SUMMARIES`.
        dataset: Dataset of the segments.
        training: Segments to fit on.
        validation: Segments that select the regularization strength.
    """
    inputs = summaries_of(name, dataset, training)
    task, targets = dataset.task, dataset.targets(training)
    mean = inputs.mean(0, dtype=np.float64)
    std = inputs.std(0, dtype=np.float64)
    std = np.maximum(std, max(MIN_RELATIVE_STD * std.mean(), 1e-6))
    inputs -= mean
    inputs /= std
    rotated, axes = _reduce_dimensions(inputs)
    val_inputs = summaries_of(name, dataset, validation)
    val_targets = dataset.targets(validation)
    fitted = []
    for model in _candidates(name, task):
        weights, bias = _fitted(model, rotated, targets, len(dataset.labels))
        scores = (val_inputs - mean) / std @ (weights @ axes).T + bias
        found = task.probabilities(scores)
        thresholds = np.array(task.fit_thresholds(found, val_targets))
        baseline = LinearBaseline(name, mean, std, weights @ axes, bias, thresholds)
        fitted.append((task.main_score(found, val_targets), baseline))
    # On a tie, max returns the first: the most strongly regularized candidate.
    return max(fitted, key=lambda pair: pair[0])[1]


def _reduce_dimensions(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotate standardized inputs (n, S) into the subspace that they span, without loss.

    A fit with an L2 penalty does not depend on a rotation. With more features than clips it is
    several times cheaper in this subspace. With more clips than features the inputs are returned
    as they are, so that memory does not grow with the square of the number of clips.

    Returns:
        Coordinates (n, R) and axes (R, S), where R is at most n and S.
    """
    if len(inputs) > inputs.shape[1]:
        return inputs.astype(np.float64), np.eye(inputs.shape[1], dtype=np.float32)
    values, vectors = np.linalg.eigh((inputs @ inputs.T).astype(np.float64))
    if values[-1] <= 0:  # all clips have the same summary
        return np.zeros((len(inputs), 1)), np.zeros((1, inputs.shape[1]), np.float32)
    kept = values > 1e-6 * values[-1]
    lengths = np.sqrt(values[kept])
    return vectors[:, kept] * lengths, (vectors[:, kept] / lengths).T.astype(np.float32) @ inputs


def _candidates(name: str, task: Task = SINGLE_LABEL) -> list:
    """Return unfitted classifiers, the most strongly regularized first."""
    # A class against the rest: balancing would move all probabilities of a rare class upward, and
    # its threshold does the same.
    weight = None if task.several else "balanced"
    if name == "ridge":
        return [RidgeClassifier(alpha, class_weight=weight) for alpha in (1e4, 1e3, 1e2, 10.0)]
    return [
        LogisticRegression(C=strength, class_weight=weight, max_iter=2000)
        for strength in (1e-3, 1e-2, 1e-1, 1.0)
    ]


def _fitted(
    model, inputs: np.ndarray, targets: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (K, S) and bias (K,) of a classifier of K = `count` classes after its fit.

    Args:
        model: Unfitted classifier, which is fitted once for each class if a clip may have several.
        inputs: Training summaries: (n, S).
        targets: Class indices (n,), or indicators of several classes (n, K).
        count: Number of classes.
    """
    if targets.ndim == 1:
        return _coefficients(model.fit(inputs, targets), count)
    weights, bias = np.zeros((count, inputs.shape[1])), np.full(count, -_NEVER)
    for number, holds in enumerate(targets.T > 0):
        if holds.all():
            bias[number] = _NEVER
        elif holds.any():
            model.fit(inputs, holds)
            weights[number], bias[number] = model.coef_[0], np.atleast_1d(model.intercept_)[0]
    return weights, bias


def _coefficients(model, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (K, S) and bias (K,) of a fitted classifier, with K = `count`."""
    known, classes = model.coef_, model.classes_
    bias = np.atleast_1d(model.intercept_)
    if len(classes) == 2:  # scikit-learn has one row: the second class against the first
        known, bias = np.vstack([-known / 2, known / 2]), np.array([-bias[0] / 2, bias[0] / 2])
    weights = np.zeros((count, known.shape[1]))
    full_bias = np.full(count, -_NEVER)  # a class without training clips is never predicted
    weights[classes], full_bias[classes] = known, bias
    return weights, full_bias


def save_baselines(baselines: list[LinearBaseline], path: Path) -> None:
    """Write baselines as plain arrays to an npz file."""
    arrays = {
        f"{baseline.name}/{key}": getattr(baseline, name)
        for baseline in baselines
        for name, key in _FILE_KEYS.items()
    }
    arrays |= {
        f"{baseline.name}/{_THRESHOLDS}": baseline.thresholds
        for baseline in baselines
        if baseline.task.several
    }
    with atomic_write(path) as temporary:
        np.savez(temporary, **arrays)


def load_baselines(path: Path) -> list[LinearBaseline]:
    """Read baselines from a file of `save_baselines`. Pickled objects in the file are refused.

    Files of earlier versions, and of features without motion, have no `motion`.

    Raises:
        LookbackError: The file is missing, or was not written by `save_baselines`.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return [
                LinearBaseline(
                    name,
                    **{each: arrays[f"{name}/{key}"] for each, key in _FILE_KEYS.items()},
                    **_thresholds(arrays, name),
                )
                for name in SUMMARIES
                if name != MOTION or any(key.startswith(f"{MOTION}/") for key in arrays)
            ]
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        raise LookbackError(
            f"{path}: the baselines cannot be read; run {command('train')} to create them"
        ) from None


def _thresholds(arrays: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    key = f"{name}/{_THRESHOLDS}"
    return {_THRESHOLDS: arrays[key]} if key in arrays else {}
