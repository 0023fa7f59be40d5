"""Wrong clips of an evaluation, the most confident first, and their list for prepare.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clips.manifest import write_rows
from metrics.label_sets import joined, labels_in
from metrics.targets import classes_of
from sequence.dataset import LabeledSegment
from sequence.prediction_rows import label_text

COLUMNS = ("video", "start", "end", "label", "predicted", "probability", "action")


@dataclass(frozen=True)
class Mistake:
    """A clip whose predicted label is not its own.

    Attributes:
        index: Index of the clip in the evaluation.
        segment: The clip.
        label: Its label in the manifest.
        predicted: The predicted label.
        probability: Probability of the predicted label, 0 to 1. With several classes per clip,
            that of the decision which is most wrong.
        most_wrong: The class of this decision, with several classes per clip; else empty.
    """

    index: int
    segment: LabeledSegment
    label: str
    predicted: str
    probability: float
    most_wrong: str = ""

    @property
    def answer(self) -> str:
        """The answer with its probability, for the caption of a picture."""
        if not self.most_wrong:
            return f"predicted {self.predicted} ({self.probability:.0%})"
        missed = self.most_wrong in labels_in(self.label)
        decision = f"{'not ' if missed else ''}{self.most_wrong}"
        return f"predicted {self.predicted} (most wrong: {decision}, {self.probability:.0%})"


def find_mistakes(
    segments: Sequence[LabeledSegment],
    probabilities: np.ndarray,
    labels: Sequence[str],
    thresholds: Sequence[float] = (),
) -> list[Mistake]:
    """Return the wrong clips, the most confident first.

    Args:
        segments: Clips of the evaluation.
        probabilities: Their probabilities: (n, K).
        labels: Names of the K classes.
        thresholds: Thresholds of the classes of a multi-label model. A clip is wrong unless exactly
            its classes are found.
    """
    found = []
    for index, (segment, row) in enumerate(zip(segments, probabilities, strict=True)):
        label = joined(labels[number] for number in classes_of(segment.target))
        predicted = label_text(row, labels, thresholds)
        if predicted != label:
            worst, sure = _most_wrong(row, segment, thresholds)
            name = labels[worst] if len(thresholds) else ""
            found.append(Mistake(index, segment, label, predicted, sure, name))
    return sorted(found, key=lambda mistake: -mistake.probability)


def _most_wrong(
    row: np.ndarray, segment: LabeledSegment, thresholds: Sequence[float]
) -> tuple[int, float]:
    """Return the class that a model is most wrong about, and how sure it is of its answer there."""
    if not len(thresholds):
        return int(row.argmax()), float(row.max())
    holds = np.zeros(len(row), bool)
    holds[list(classes_of(segment.target))] = True
    wrong = (row >= np.asarray(thresholds)) != holds
    sure = np.where(wrong, np.where(holds, 1 - row, row), -1.0)
    return int(sure.argmax()), float(sure.max())


def write_mistakes(path: Path, mistakes: Sequence[Mistake]) -> None:
    """Write the wrong clips as a CSV file, with an empty column `action`.

    A person fills it in: `drop`, `label=NAME` or `more` (film more like this one).
    `clips.corrections` applies it to a manifest.
    """
    rows = [
        [
            mistake.segment.video,
            f"{mistake.segment.start:.12g}" if mistake.segment.start else "",
            "" if np.isinf(mistake.segment.end) else f"{mistake.segment.end:.12g}",
            mistake.label,
            mistake.predicted,
            f"{mistake.probability:.4f}",
            "",
        ]
        for mistake in mistakes
    ]
    write_rows(path, COLUMNS, rows)
