"""What validation says of a fine-tuned network, and which of two epochs is the better one."""

import math
from dataclasses import dataclass

import numpy as np

from metrics.calibration import clip_means, fit_temperature, log_loss, softmax
from metrics.classification import class_areas, mean_area

# Whether more of a score is better.
RISES = {"loss": False, "accuracy": True, "clip_accuracy": True, "roc_auc": True}


@dataclass(frozen=True)
class Scores:
    """Validation of an epoch: over draws, and over clips by the mean of their draws.

    Attributes:
        loss, accuracy: of the draws.
        clip_accuracy, roc_auc: of the clips; the area is NaN where a class is missing.
        temperature: what the logits are to be divided by so that confidence fits the clips.
    """

    loss: float
    accuracy: float
    clip_accuracy: float
    roc_auc: float = math.nan
    temperature: float = 1.0

    def better_than(self, other: "Scores | None", monitor: str) -> bool:
        """Whether this epoch is better by the score `monitor`, in that score's direction."""
        if other is None:
            return True
        mine, theirs = getattr(self, monitor), getattr(other, monitor)
        if math.isnan(theirs):
            return not math.isnan(mine)
        return mine > theirs if RISES[monitor] else mine < theirs


def scores_of(logits: np.ndarray, classes: np.ndarray, clip_of: np.ndarray) -> Scores:
    """Return the scores of draws.

    Args:
        logits: (n, K).
        classes: true classes of the draws (n,).
        clip_of: which clip each draw is of (n,), numbered from 0 without gaps.
    """
    probabilities = softmax(logits)
    _, first = np.unique(clip_of, return_index=True)
    truth = classes[first]
    clips = clip_means(probabilities, clip_of)
    area = mean_area(class_areas(clips, truth, range(clips.shape[1])), "roc_auc")
    return Scores(
        loss=log_loss(probabilities, classes),
        accuracy=float((probabilities.argmax(1) == classes).mean()),
        clip_accuracy=float((clips.argmax(1) == truth).mean()),
        roc_auc=math.nan if area is None else area,
        temperature=fit_temperature(lambda t: clip_means(softmax(logits, t), clip_of), truth),
    )
