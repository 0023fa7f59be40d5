"""Wrong clips of an evaluation, the most confident first, and their list for prepare.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clips.manifest import write_rows
from clips.manifest.segments import Segment
from sequence.dataset import LabeledSegment

COLUMNS = ("video", "start", "end", "label", "predicted", "probability", "action")


@dataclass(frozen=True)
class Mistake:
    """A clip whose predicted label is not its own.

    Attributes:
        index: Index of the clip in the evaluation.
        segment: The clip.
        label: Its label in the manifest.
        predicted: The predicted label.
        probability: Probability of the predicted label, 0 to 1.
        end: End in the video in seconds; infinity for the end of the video.
    """

    index: int
    segment: LabeledSegment
    label: str
    predicted: str
    probability: float
    end: float


def find_mistakes(
    segments: Sequence[LabeledSegment],
    probabilities: np.ndarray,
    labels: Sequence[str],
    spans: Sequence[Segment],
) -> list[Mistake]:
    """Return the wrong clips, the most confident first.

    Args:
        segments: Clips of the evaluation.
        probabilities: Their probabilities: (n, K).
        labels: Names of the K classes.
        spans: Segments of the manifest, which have the ends in seconds.
    """
    ends = {(each.video, each.start, each.label): each.end for each in spans}
    # With a label map the labels are those of the model, not those of the manifest.
    any_label = {(each.video, each.start): each.end for each in spans}
    found = []
    for index, (segment, row) in enumerate(zip(segments, probabilities, strict=True)):
        best, label = int(row.argmax()), labels[segment.target]
        if best != segment.target:
            place = (segment.video, segment.start)
            end = ends.get((*place, label), any_label.get(place, float("inf")))
            found.append(Mistake(index, segment, label, labels[best], float(row[best]), end))
    return sorted(found, key=lambda mistake: -mistake.probability)


def write_mistakes(path: Path, mistakes: Sequence[Mistake]) -> None:
    """Write the wrong clips as a CSV file, with an empty column `action`.

    A person fills it in: `drop`, `label=NAME` or `more` (film more like this one).
    `clips.corrections` applies it to a manifest.
    """
    rows = [
        [
            mistake.segment.video,
            f"{mistake.segment.start:.12g}" if mistake.segment.start else "",
            "" if np.isinf(mistake.end) else f"{mistake.end:.12g}",
            mistake.label,
            mistake.predicted,
            f"{mistake.probability:.4f}",
            "",
        ]
        for mistake in mistakes
    ]
    write_rows(path, COLUMNS, rows)
