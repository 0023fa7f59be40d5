"""The outcome of a step: probabilities, label, and whether that label counts."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Decision:
    """The probabilities at a step.

    Attributes:
        step: index from 0.
        seconds: on the source's clock.
        probabilities: float64 (K,).
        labels: the K names.
        threshold: below it, the label counts as undecided.
        full: whether the window has a step of its own in every row; one filled up with its oldest
            row looks motionless, so its label counts as undecided too.
    """

    step: int
    seconds: float
    probabilities: np.ndarray
    labels: tuple[str, ...]
    threshold: float
    full: bool = True

    @property
    def label(self) -> str:
        return self.labels[int(np.argmax(self.probabilities))]

    @property
    def probability(self) -> float:
        return float(np.max(self.probabilities))

    @property
    def decided(self) -> bool:
        return self.full and self.probability >= self.threshold

    def best(self, count: int) -> list[tuple[str, float]]:
        """Return the `count` likeliest labels with their probabilities, likeliest first."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(self.labels[index], float(self.probabilities[index])) for index in order]
