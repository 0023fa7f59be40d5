"""Task: whether a clip has one class, or any number of classes. All that differs is decided here.

    single_label   softmax: the classes exclude each other     targets: class indices (n,)
    multi_label    sigmoid: each class holds, or does not      targets: indicators (n, K)

A single-label model answers with the most probable class. A multi-label model answers with every
class whose probability reaches the threshold of the class, which may be none.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from metrics import multi_label
from metrics.bootstrap import bootstrap_means
from metrics.calibration import log_losses, softmax
from metrics.intervals import Interval, difference_interval, share_interval
from metrics.multi_label import DEFAULT_THRESHOLD
from metrics.precision_intervals import (
    precision_difference,
    precision_interval,
    resampled_differences,
)
from metrics.targets import Target, indicators, truth_of
from metrics.task_base import Task, TaskName, Thresholds

__all__ = [
    "MULTI_LABEL",
    "SINGLE_LABEL",
    "Task",
    "TaskName",
    "Thresholds",
    "task_named",
    "task_of_report",
    "task_of_targets",
]


class _SingleLabel(Task):
    name = "single_label"
    score = "accuracy"
    score_title = "accuracy"

    def probabilities(self, logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        return softmax(logits, temperature)

    def encoded(self, targets: Sequence[Target], count: int) -> np.ndarray:
        return np.array(targets, int)

    def losses(self, probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return log_losses(probabilities, targets)

    def fit_thresholds(self, probabilities: np.ndarray, targets: np.ndarray) -> tuple[float, ...]:
        return ()

    def chosen(self, probabilities: np.ndarray, thresholds: Thresholds) -> np.ndarray:
        return truth_of(probabilities.argmax(1), probabilities.shape[1])

    def hits(
        self, probabilities: np.ndarray, targets: np.ndarray, thresholds: Thresholds = ()
    ) -> np.ndarray:
        right: np.ndarray = probabilities.argmax(1) == targets
        return right

    def main_score(self, probabilities: np.ndarray, targets: np.ndarray) -> float:
        return float(self.hits(probabilities, targets).mean())

    def interval(
        self,
        runs: Sequence[np.ndarray],
        targets: np.ndarray,
        groups: Sequence[str],
        resamples: int,
        seed: int,
    ) -> Interval:
        return share_interval(self._mean_hits(runs, targets), groups, resamples, seed)

    def difference(
        self,
        head: np.ndarray | Sequence[np.ndarray],
        runs: Sequence[np.ndarray],
        targets: np.ndarray,
        groups: Sequence[str],
        resamples: int,
        seed: int,
    ) -> tuple[float, Interval]:
        heads = [head] if isinstance(head, np.ndarray) else head
        gain = self._mean_hits(runs, targets) - self._mean_hits(heads, targets)
        return float(gain.mean()), difference_interval(gain, groups, resamples, seed)

    def resampled_differences(
        self,
        head: np.ndarray,
        other: np.ndarray,
        targets: np.ndarray,
        groups: Sequence[str],
        resamples: int,
        seed: int,
    ) -> np.ndarray:
        gain = self.hits(other, targets).astype(float) - self.hits(head, targets)
        return bootstrap_means(gain, list(groups), resamples, seed)

    def _mean_hits(self, runs: Sequence[np.ndarray], targets: np.ndarray) -> np.ndarray:
        means: np.ndarray = np.stack([self.hits(run, targets) for run in runs]).mean(0)
        return means

    def scores(
        self,
        probabilities: np.ndarray,
        targets: np.ndarray,
        labels: list[str],
        thresholds: Thresholds = (),
    ) -> dict[str, Any]:
        from metrics.classification import scores  # scikit-learn, which live use does not need

        return scores(probabilities, targets, labels)

    def decisions(
        self, probabilities: np.ndarray, targets: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        return probabilities.max(1), self.hits(probabilities, targets)


class _MultiLabel(Task):
    name = "multi_label"
    score = "mean_average_precision"
    score_title = "mAP"

    def probabilities(self, logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        return multi_label.sigmoid(logits, temperature)

    def encoded(self, targets: Sequence[Target], count: int) -> np.ndarray:
        return indicators(targets, count)

    def losses(self, probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return multi_label.cross_entropies(probabilities, targets)

    def fit_thresholds(self, probabilities: np.ndarray, targets: np.ndarray) -> tuple[float, ...]:
        return multi_label.best_thresholds(probabilities, targets)

    def chosen(self, probabilities: np.ndarray, thresholds: Thresholds) -> np.ndarray:
        limits = thresholds if len(thresholds) else [DEFAULT_THRESHOLD]
        return multi_label.decided(probabilities, limits)

    def main_score(self, probabilities: np.ndarray, targets: np.ndarray) -> float:
        alike = np.ones((1, len(targets)))
        return float(multi_label.mean_average_precisions(probabilities, targets > 0, alike)[0])

    def interval(
        self,
        runs: Sequence[np.ndarray],
        targets: np.ndarray,
        groups: Sequence[str],
        resamples: int,
        seed: int,
    ) -> Interval:
        return precision_interval(runs, targets > 0, groups, resamples, seed)

    def difference(
        self,
        head: np.ndarray | Sequence[np.ndarray],
        runs: Sequence[np.ndarray],
        targets: np.ndarray,
        groups: Sequence[str],
        resamples: int,
        seed: int,
    ) -> tuple[float, Interval]:
        heads = [head] if isinstance(head, np.ndarray) else head
        return precision_difference(heads, runs, targets > 0, groups, resamples, seed)

    def resampled_differences(
        self,
        head: np.ndarray,
        other: np.ndarray,
        targets: np.ndarray,
        groups: Sequence[str],
        resamples: int,
        seed: int,
    ) -> np.ndarray:
        return resampled_differences(head, other, targets > 0, groups, resamples, seed)

    def scores(
        self,
        probabilities: np.ndarray,
        targets: np.ndarray,
        labels: list[str],
        thresholds: Thresholds = (),
    ) -> dict[str, Any]:
        from metrics.multi_label_scores import scores  # as above

        limits = thresholds if len(thresholds) else [DEFAULT_THRESHOLD] * len(labels)
        return scores(probabilities, targets, labels, limits)

    def decisions(
        self, probabilities: np.ndarray, targets: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        return probabilities.ravel(), targets.ravel() > 0

    def calibration_error(self, probabilities: np.ndarray, targets: np.ndarray) -> float:
        return multi_label.class_calibration_error(probabilities, targets)


SINGLE_LABEL: Task = _SingleLabel()
MULTI_LABEL: Task = _MultiLabel()
_TASKS: dict[TaskName, Task] = {each.name: each for each in (SINGLE_LABEL, MULTI_LABEL)}


def task_named(name: TaskName) -> Task:
    """Return the task of a name in model.yaml."""
    return _TASKS[name]


def task_of_targets(targets: np.ndarray) -> Task:
    """Return the task that encoded targets belong to."""
    return MULTI_LABEL if targets.ndim == 2 else SINGLE_LABEL


def task_of_report(clip: dict[str, Any]) -> Task:
    """Return the task that the metrics of clips in a report belong to."""
    return MULTI_LABEL if MULTI_LABEL.score in clip else SINGLE_LABEL
