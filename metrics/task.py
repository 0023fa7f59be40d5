"""Task: whether a clip has one class, or any number of classes. All that differs is decided here.

    single_label   softmax: the classes exclude each other     targets: class indices (n,)
    multi_label    sigmoid: each class holds, or does not      targets: indicators (n, K)

A single-label model answers with the most probable class. A multi-label model answers with every
class whose probability reaches the threshold of the class, which may be none.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from metrics import multi_label
from metrics.bootstrap import bootstrap_means
from metrics.calibration import calibration_error, log_losses, softmax
from metrics.intervals import Interval, difference_interval, share_interval
from metrics.multi_label import DEFAULT_THRESHOLD
from metrics.precision_intervals import (
    precision_difference,
    precision_interval,
    resampled_differences,
)
from metrics.targets import Target, indicators, truth_of

TaskName = Literal["single_label", "multi_label"]
# The threshold of each class (K,), or of each clip and class (n, K); empty for a single label.
Thresholds = Sequence[float] | np.ndarray


class Task(ABC):
    """One of the two tasks.

    Attributes:
        name: Name in model.yaml.
        score: Key of the main score in a report, which models are compared by.
        score_title: The same for tables.
    """

    name: ClassVar[TaskName]
    score: ClassVar[str]
    score_title: ClassVar[str]

    @property
    def several(self) -> bool:
        """Whether a clip may have several classes."""
        return self.name == "multi_label"

    @abstractmethod
    def probabilities(self, logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        """Return the probabilities of logits (..., K): float64."""

    @abstractmethod
    def encoded(self, targets: Sequence[Target], count: int) -> np.ndarray:
        """Return the targets of n clips as one array; `count` is the number of classes."""

    @abstractmethod
    def losses(self, probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return the log loss of each clip: (n,)."""

    def loss(self, probabilities: np.ndarray, targets: np.ndarray) -> float:
        """Return the mean log loss of the clips."""
        return float(self.losses(probabilities, targets).mean())

    @abstractmethod
    def fit_thresholds(self, probabilities: np.ndarray, targets: np.ndarray) -> tuple[float, ...]:
        """Return the thresholds that suit validation clips best; none for a single label."""

    @abstractmethod
    def chosen(self, probabilities: np.ndarray, thresholds: Thresholds) -> np.ndarray:
        """Return the classes that a model answers with: bool (n, K)."""

    def hits(
        self, probabilities: np.ndarray, targets: np.ndarray, thresholds: Thresholds = ()
    ) -> np.ndarray:
        """Return whether a clip has exactly the right answer: bool (n,)."""
        truth = truth_of(targets, probabilities.shape[1])
        right: np.ndarray = (self.chosen(probabilities, thresholds) == truth).all(1)
        return right

    @abstractmethod
    def main_score(self, probabilities: np.ndarray, targets: np.ndarray) -> float:
        """Return the score that models are compared by, 0 to 1."""

    @abstractmethod
    def interval(
        self,
        runs: Sequence[np.ndarray],
        targets: np.ndarray,
        groups: Sequence[str],
        resamples: int,
        seed: int,
    ) -> Interval:
        """Return the 95 % interval over groups of the main score; of several runs, of its mean."""

    @abstractmethod
    def difference(
        self,
        head: np.ndarray,
        runs: Sequence[np.ndarray],
        targets: np.ndarray,
        groups: Sequence[str],
        resamples: int,
        seed: int,
    ) -> tuple[float, Interval]:
        """Return the main score of other predictions minus that of `head`, with its interval."""

    @abstractmethod
    def resampled_differences(
        self,
        head: np.ndarray,
        other: np.ndarray,
        targets: np.ndarray,
        groups: Sequence[str],
        resamples: int,
        seed: int,
    ) -> np.ndarray:
        """Return the difference of two models in each resample of whole groups: (resamples,)."""

    @abstractmethod
    def scores(
        self,
        probabilities: np.ndarray,
        targets: np.ndarray,
        labels: list[str],
        thresholds: Thresholds = (),
    ) -> dict[str, Any]:
        """Return all metrics as JSON-ready values."""

    @abstractmethod
    def decisions(
        self, probabilities: np.ndarray, targets: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the confidence of each decision, and whether it came true, for calibration."""

    def calibration_error(self, probabilities: np.ndarray, targets: np.ndarray) -> float:
        """Return the calibration error, as in `scores`."""
        return calibration_error(*self.decisions(probabilities, targets))


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
        head: np.ndarray,
        runs: Sequence[np.ndarray],
        targets: np.ndarray,
        groups: Sequence[str],
        resamples: int,
        seed: int,
    ) -> tuple[float, Interval]:
        gain = self._mean_hits(runs, targets) - self.hits(head, targets)
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
        head: np.ndarray,
        runs: Sequence[np.ndarray],
        targets: np.ndarray,
        groups: Sequence[str],
        resamples: int,
        seed: int,
    ) -> tuple[float, Interval]:
        return precision_difference(head, runs, targets > 0, groups, resamples, seed)

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
