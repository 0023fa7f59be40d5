"""Linear baselines on whole clips: what a second stage must beat to earn its place.

`ridge` sees a clip's mean feature; `moments` also the deviations and the mean absolute differences
from step to step. Neither knows the order of time.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression, RidgeClassifier

from metrics.calibration import softmax
from recipes.commands import command
from sequence.dataset import LEAST_DEVIATION, Dataset, LabeledSegment
from video.atomic_write import atomic_write
from video.errors import LookbackError

FILE = "baselines.npz"


def clip_mean(rows: np.ndarray) -> np.ndarray:
    """Return the mean (D,) of features (n, D)."""
    return rows.mean(0)


def clip_moments(rows: np.ndarray) -> np.ndarray:
    """Return mean, deviation and mean absolute difference (3 D,) of features (n, D)."""
    steps = np.abs(np.diff(rows, axis=0)).mean(0) if len(rows) > 1 else np.zeros_like(rows[0])
    return np.concatenate([rows.mean(0), rows.std(0), steps])


SUMMARIES = {"ridge": clip_mean, "moments": clip_moments}


@dataclass(frozen=True)
class LinearBaseline:
    """A linear classifier of standardised clip summaries; all arrays float64.

    Attributes:
        name: of `SUMMARIES`.
        mean, deviation: of the summaries in training, (S,).
        weights: (K, S).
        bias: (K,).
    """

    name: str
    mean: np.ndarray
    deviation: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    def probabilities(self, summaries: np.ndarray) -> np.ndarray:
        """Return (n, K) of summaries (n, S). Ridge has no probabilities of its own; its scores'
        softmax ranks alike."""
        standardised = (summaries - self.mean) / self.deviation
        return softmax(standardised @ self.weights.T + self.bias)

    def of_pieces(self, dataset: Dataset, pieces: list[LabeledSegment]) -> np.ndarray:
        """Return (n, K) for labelled pieces."""
        return self.probabilities(summaries_of(self.name, dataset, pieces))


def summaries_of(name: str, dataset: Dataset, pieces: list[LabeledSegment]) -> np.ndarray:
    """Return the summaries (n, S) of pieces."""
    return np.stack([SUMMARIES[name](dataset.rows(piece)) for piece in pieces])


def fit_baseline(
    name: str, dataset: Dataset, training: list[LabeledSegment], validation: list[LabeledSegment]
) -> LinearBaseline:
    """Fit a baseline; validation chooses how strongly it is regularised.

    Holds one summary a clip in memory: float32 (S,), 12 KiB for `moments` of 1024-d features.
    """
    inputs = summaries_of(name, dataset, training)
    classes = np.array([piece.label for piece in training])
    mean = inputs.mean(0, dtype=np.float64)
    deviation = inputs.std(0, dtype=np.float64)
    deviation = np.maximum(deviation, max(LEAST_DEVIATION * deviation.mean(), 1e-6))
    inputs -= mean
    inputs /= deviation
    rotated, axes = _clips_own_coordinates(inputs)
    val_inputs = summaries_of(name, dataset, validation)
    val_classes = np.array([piece.label for piece in validation])
    fitted = []
    for model in _candidates(name):
        model.fit(rotated, classes)
        weights, bias = _coefficients(model, len(dataset.labels))
        baseline = LinearBaseline(name, mean, deviation, weights @ axes, bias)
        hits = baseline.probabilities(val_inputs).argmax(1) == val_classes
        fitted.append((hits.mean(), baseline))
    # max keeps the first of equals: the most strongly regularised.
    return max(fitted, key=lambda pair: pair[0])[1]


def _clips_own_coordinates(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (coordinates (n, R), axes (R, S)) of standardised inputs (n, S), R at most n and S.

    A rotation changes no fit with an L2 penalty, and where there are more features than clips, the
    fit is several times smaller in the coordinates that the clips segment. Where there are not, the
    features themselves are the smaller ones: what is held never grows with the clips' square.
    """
    if len(inputs) > inputs.shape[1]:
        return inputs.astype(np.float64), np.eye(inputs.shape[1], dtype=np.float32)
    values, vectors = np.linalg.eigh((inputs @ inputs.T).astype(np.float64))
    if values[-1] <= 0:  # all clips have one summary: no axis tells them apart
        return np.zeros((len(inputs), 1)), np.zeros((1, inputs.shape[1]), np.float32)
    kept = values > 1e-6 * values[-1]
    lengths = np.sqrt(values[kept])
    return vectors[:, kept] * lengths, (vectors[:, kept] / lengths).T.astype(np.float32) @ inputs


def _candidates(name: str) -> list:
    if name == "ridge":
        return [RidgeClassifier(alpha, class_weight="balanced") for alpha in (1e4, 1e3, 1e2, 10.0)]
    return [
        LogisticRegression(C=strength, class_weight="balanced", max_iter=2000)
        for strength in (1e-3, 1e-2, 1e-1, 1.0)
    ]


def _coefficients(model, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (K, S) and bias (K,), whatever form scikit-learn keeps them in."""
    known, classes = model.coef_, model.classes_
    bias = np.atleast_1d(model.intercept_)
    if len(classes) == 2:  # one row that speaks for the second class against the first
        known, bias = np.vstack([-known / 2, known / 2]), np.array([-bias[0] / 2, bias[0] / 2])
    weights = np.zeros((count, known.shape[1]))
    full_bias = np.full(count, -1e9)  # a class without training clips is never predicted
    weights[classes], full_bias[classes] = known, bias
    return weights, full_bias


def save_baselines(baselines: list[LinearBaseline], path: Path) -> None:
    """Write baselines as plain arrays."""
    arrays = {
        f"{baseline.name}/{field}": getattr(baseline, field)
        for baseline in baselines
        for field in ("mean", "deviation", "weights", "bias")
    }
    with atomic_write(path) as temporary:
        np.savez(temporary, **arrays)


def load_baselines(path: Path) -> list[LinearBaseline]:
    """Read baselines; the file holds arrays alone, so that opening it runs no code.

    Raises:
        LookbackError: the file is missing or not one that `save_baselines` wrote.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return [
                LinearBaseline(
                    name,
                    *(arrays[f"{name}/{f}"] for f in ("mean", "deviation", "weights", "bias")),
                )
                for name in SUMMARIES
            ]
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        raise LookbackError(
            f"{path}: the baselines cannot be read; {command('train')} writes them"
        ) from None
