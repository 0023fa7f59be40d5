"""Validation scores of a fine-tuned network, and the comparison of two epochs by one of them."""

import math
from dataclasses import dataclass

import numpy as np

from metrics.calibration import clip_means, fit_temperature, log_loss, softmax
from metrics.classification import class_areas, mean_area

# Whether a higher score is better.
HIGHER_IS_BETTER = {"loss": False, "accuracy": True, "clip_accuracy": True, "roc_auc": True}


@dataclass(frozen=True)
class Scores:
    """Validation scores of an epoch.

    Attributes:
        loss, accuracy: Means over the sampled clips.
        clip_accuracy, roc_auc: Scores of labeled clips, by the mean probabilities of their sampled
            clips; the area under the curve is NaN if a class is missing.
        temperature: Divisor of the logits that calibrates the probabilities of labeled clips.
    """

    loss: float
    accuracy: float
    clip_accuracy: float
    roc_auc: float = math.nan
    temperature: float = 1.0

    def better_than(self, other: "Scores | None", monitor: str) -> bool:
        """Return whether `monitor` is better than in `other` (None: always): lower for the loss,
        higher for every other score."""
        if other is None:
            return True
        mine, theirs = getattr(self, monitor), getattr(other, monitor)
        if math.isnan(theirs):
            return not math.isnan(mine)
        return mine > theirs if HIGHER_IS_BETTER[monitor] else mine < theirs

    def columns(self) -> dict[str, float]:
        """Return the scores as columns of the history."""
        names = ("loss", "accuracy", "clip_accuracy", "roc_auc")
        return {f"val_{name}": getattr(self, name) for name in names}

    def __str__(self) -> str:
        return (
            f"validation: loss {self.loss:.3f}, accuracy {self.accuracy:.3f}, of labeled clips "
            f"{self.clip_accuracy:.3f}"
        )


def scores_of(logits: np.ndarray, classes: np.ndarray, segment_of: np.ndarray) -> Scores:
    """Return the scores of sampled clips.

    Args:
        logits: Logits of the sampled clips (n, K).
        classes: True classes of the sampled clips (n,).
        segment_of: Index of the labeled clip of each sampled clip (n,), from 0 without gaps.
    """
    probabilities = softmax(logits)
    _, first = np.unique(segment_of, return_index=True)
    truth = classes[first]
    clips = clip_means(probabilities, segment_of)
    area = mean_area(class_areas(clips, truth, range(clips.shape[1])), "roc_auc")
    return Scores(
        loss=log_loss(probabilities, classes),
        accuracy=float((probabilities.argmax(1) == classes).mean()),
        clip_accuracy=float((clips.argmax(1) == truth).mean()),
        roc_auc=math.nan if area is None else area,
        temperature=fit_temperature(lambda t: clip_means(softmax(logits, t), segment_of), truth),
    )
