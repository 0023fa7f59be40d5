"""Calibration: reliability and its error, and the temperature fitted on validation clips."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_MANY = 500  # predictions in a bin from which their draws are not simulated one by one


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return the probabilities of logits (..., K), in float64 so that rows sum to 1 in a report."""
    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(-1, keepdims=True))
    probabilities: np.ndarray = powers / powers.sum(-1, keepdims=True)
    return probabilities


def clip_means(values: np.ndarray, clip_indices: np.ndarray) -> np.ndarray:
    """Return the mean of `values` over the rows of each clip: (clips, K).

    Args:
        values: Rows to average: (n, K).
        clip_indices: Clip of each row, numbered from 0 without gaps: (n,).
    """
    count = np.bincount(clip_indices)
    sums = np.zeros((len(count), values.shape[1]))
    np.add.at(sums, clip_indices, values)
    return sums / count[:, None]


def log_loss(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Return the mean of -log p of the true classes.

    Args:
        probabilities: Predicted probabilities: (n, K).
        targets: True classes, ints in 0..K-1: (n,).
    """
    return float(log_losses(probabilities, targets).mean())


def log_losses(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return -log p of the true class of each row: (n,); arguments as for `log_loss`."""
    true_probabilities = probabilities[np.arange(len(targets)), targets]
    losses: np.ndarray = -np.log(np.maximum(true_probabilities, 1e-12))
    return losses


@dataclass(frozen=True)
class ReliabilityBin:
    """Predictions of similar confidence.

    Attributes:
        low, high: Limits of the confidence.
        count: Number of predictions.
        confidence: Their mean confidence.
        accuracy: Share of correct ones.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def reliability(confidences: np.ndarray, hits: np.ndarray, bins: int = 10) -> list[ReliabilityBin]:
    """Return the bins of equal width that have a prediction, the lowest first.

    Args:
        confidences: Probability of the predicted class: (n,).
        hits: Whether the prediction is correct: (n,).
        bins: Number of bins.
    """
    indices = np.minimum((confidences * bins).astype(int), bins - 1)
    return [
        ReliabilityBin(
            number / bins,
            (number + 1) / bins,
            int((indices == number).sum()),
            float(confidences[indices == number].mean()),
            float(hits[indices == number].mean()),
        )
        for number in np.unique(indices).tolist()
    ]


def calibration_error(probabilities: np.ndarray, hits: np.ndarray, bins: int = 10) -> float:
    """Return the expected calibration error (Guo et al. 2017).

    It is the mean difference between confidence and accuracy over bins of equal width, weighted by
    the number of predictions in each bin.

    Args:
        probabilities: Probability of the predicted class: (n,).
        hits: Whether the prediction is correct: (n,).
        bins: Number of bins.
    """
    gaps = [
        abs(each.accuracy - each.confidence) * each.count
        for each in reliability(probabilities, hits, bins)
    ]
    return float(sum(gaps)) / len(probabilities)


@dataclass(frozen=True)
class Chance:
    """Calibration error that a perfectly calibrated model would show, because clips are few.

    Attributes:
        mean: Its mean.
        low, high: Range of 95 % of the cases.
    """

    mean: float
    low: float
    high: float


def chance_error(
    confidences: np.ndarray, bins: int = 10, draws: int = 2000, seed: int = 0
) -> Chance:
    """Return the calibration error that predictions would have if their confidences were true.

    The error is a mean of absolute values, so chance alone makes it larger than 0: the fewer
    predictions in a bin, the larger (Kumar, Liang and Ma 2019, section 5). Every prediction is
    drawn as correct with the probability that is its confidence. Predictions count as independent;
    those of a group that are alike would show more.

    Args:
        confidences: Probability of the predicted class: (n,).
        bins: Number of bins.
        draws: Number of draws.
        seed: Seed of the draws.
    """
    random = np.random.default_rng(seed)
    indices = np.minimum((confidences * bins).astype(int), bins - 1)
    errors = np.zeros(draws)
    for number in np.unique(indices):
        inside = confidences[indices == number]
        if len(inside) > _MANY:  # the sum of many draws is normal
            deviation = np.sqrt((inside * (1 - inside)).sum())
            gaps = random.normal(0, deviation, draws)
        else:
            gaps = (random.random((draws, len(inside))) < inside).sum(1) - inside.sum()
        errors += np.abs(gaps)
    errors /= len(confidences)
    low, high = np.percentile(errors, [2.5, 97.5])
    return Chance(float(errors.mean()), float(low), float(high))


def fit_temperature(
    clip_probabilities: Callable[[float], np.ndarray],
    targets: np.ndarray,
    loss_of: Callable[[np.ndarray, np.ndarray], float] = log_loss,
) -> float:
    """Return the temperature with the lowest log loss over the clips (Guo et al. 2017).

    Dividing logits by it changes the confidence of a window's prediction, not its label. The result
    is limited to 0.5..5: a small validation set without errors would drive the temperature to 0,
    and one at chance level to infinity.

    Args:
        clip_probabilities: Function from a temperature to the clips' probabilities (n, K).
        targets: True classes, ints in 0..K-1: (n,).
        loss_of: Function from probabilities and targets to the log loss.
    """

    from scipy.optimize import minimize_scalar  # slow to import, and only training needs it

    def loss(log_temperature: float) -> float:
        return loss_of(clip_probabilities(float(np.exp(log_temperature))), targets)

    found = minimize_scalar(loss, bounds=(np.log(0.5), np.log(5.0)), method="bounded")
    return round(float(np.exp(found.x)), 4)
