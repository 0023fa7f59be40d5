"""Validation scores of a fine-tuned network, and the comparison of two epochs by one of them."""

import math
from dataclasses import dataclass

import numpy as np

from metrics.calibration import clip_means, fit_temperature
from metrics.classification import class_areas, mean_area
from metrics.task import TaskName, task_named, task_of_targets

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
        task: Whether a clip has one class or several. With several, `accuracy` and `clip_accuracy`
            hold the mean average precision.
        thresholds: Thresholds of the classes, of a multi-label network.
    """

    loss: float
    accuracy: float
    clip_accuracy: float
    roc_auc: float = math.nan
    temperature: float = 1.0
    task: TaskName = "single_label"
    thresholds: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "thresholds", tuple(self.thresholds))  # JSON has lists

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
        score = task_named(self.task).score
        names = {name: name.replace("accuracy", score) for name in HIGHER_IS_BETTER}
        return {f"val_{shown}": getattr(self, name) for name, shown in names.items()}

    def __str__(self) -> str:
        score = task_named(self.task).score_title
        return (
            f"validation: loss {self.loss:.3f}, {score} {self.accuracy:.3f}, of labeled clips "
            f"{self.clip_accuracy:.3f}"
        )


def scores_of(logits: np.ndarray, classes: np.ndarray, segment_of: np.ndarray) -> Scores:
    """Return the scores of sampled clips.

    Args:
        logits: Logits of the sampled clips (n, K).
        classes: True classes of the sampled clips (n,), or indicators of several (n, K).
        segment_of: Index of the labeled clip of each sampled clip (n,), from 0 without gaps.
    """
    task = task_of_targets(classes)
    probabilities = task.probabilities(logits)
    _, first = np.unique(segment_of, return_index=True)
    truth = classes[first]
    clips = clip_means(probabilities, segment_of)
    area = mean_area(class_areas(clips, truth, range(clips.shape[1])), "roc_auc")

    def calibrated(temperature: float) -> np.ndarray:
        return clip_means(task.probabilities(logits, temperature), segment_of)

    temperature = fit_temperature(calibrated, truth, task.loss)
    return Scores(
        loss=task.loss(probabilities, classes),
        accuracy=task.main_score(probabilities, classes),
        clip_accuracy=task.main_score(clips, truth),
        roc_auc=math.nan if area is None else area,
        temperature=temperature,
        task=task.name,
        thresholds=task.fit_thresholds(calibrated(temperature), truth),
    )
