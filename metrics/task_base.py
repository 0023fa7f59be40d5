"""What the two tasks have in common: one class per clip, or any number of classes.

`metrics.task` has both.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from metrics.calibration import calibration_error
from metrics.intervals import Interval
from metrics.targets import Target, truth_of

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
        head: np.ndarray | Sequence[np.ndarray],
        runs: Sequence[np.ndarray],
        targets: np.ndarray,
        groups: Sequence[str],
        resamples: int,
        seed: int,
    ) -> tuple[float, Interval]:
        """Return the main score of other predictions minus that of `head`, with its interval.

        Both may be several runs, whose mean counts.
        """

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
