"""The decision at a step: probabilities, label, and whether the label reaches the threshold."""

from dataclasses import dataclass

import numpy as np

from sequence.prediction_rows import label_text


@dataclass(frozen=True, eq=False)
class Decision:
    """The probabilities at one step of a running video.

    Attributes:
        step: The index of the step, from 0.
        seconds: The time of the step on the source's clock; the first frame is at 0.
        probabilities: float64 (K,), in the order of the labels.
        labels: The K names.
        threshold: The probability, 0 to 1, that a label has to reach.
        full: Whether every row of the window is a different step. An early window is filled up
            with its oldest row, which looks motionless.
        score: The score that weights the window in the probabilities of the whole video; 0 unless
            the model's pooling is `attention`.
        thresholds: The probability from which each label is found, K numbers, of a multi-label
            model; empty if one label holds at a time.

    Examples:
        >>> import numpy as np
        >>> decision = Decision(3, 0.3, np.array([0.2, 0.7, 0.1]), ("bat", "bowl", "run"), 0.5)
        >>> decision.label, decision.probability, decision.above_threshold
        ('bowl', 0.7, True)
        >>> decision.best(2)
        [('bowl', 0.7), ('bat', 0.2)]
        >>> both = Decision(3, 0.3, np.array([0.8, 0.1, 0.6]), ("bat", "bowl", "run"), 0.0,
        ...                 thresholds=(0.5, 0.5, 0.5))
        >>> both.label, both.found
        ('bat|run', [('bat', 0.8), ('run', 0.6)])
    """

    step: int
    seconds: float
    probabilities: np.ndarray
    labels: tuple[str, ...]
    threshold: float
    full: bool = True
    score: float = 0.0
    thresholds: tuple[float, ...] = ()

    @property
    def several(self) -> bool:
        """Whether several labels can hold at once."""
        return bool(self.thresholds)

    @property
    def label(self) -> str:
        """The most probable label; of a multi-label model all that are found, such as `bat|run`,
        or `background` if none is."""
        return label_text(self.probabilities, self.labels, self.thresholds)

    @property
    def found(self) -> list[tuple[str, float]]:
        """The labels that reach their threshold with their probabilities, in descending order; of a
        model of one label at a time it is at most that one."""
        if not self.several:
            return self.best(1) if self.probability >= self.threshold else []
        reached = dict(zip(self.labels, self.probabilities >= self.thresholds, strict=True))
        return [(label, value) for label, value in self.best(len(self.labels)) if reached[label]]

    @property
    def probability(self) -> float:
        """The probability of the most probable label, 0 to 1."""
        return float(np.max(self.probabilities))

    @property
    def above_threshold(self) -> bool:
        """Whether the label can be relied on: the window is full, and the probability reaches the
        threshold; of a multi-label model, that of any label."""
        return self.full and bool(self.found)

    def best(self, count: int) -> list[tuple[str, float]]:
        """Return the most probable labels with their probabilities, in descending order.

        Args:
            count: The number of labels; all K if it is larger.
        """
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(self.labels[index], float(self.probabilities[index])) for index in order]
