"""Wrong clips: the most confident first, with the times of the manifest."""

import csv

import numpy as np

from sequence.dataset import LabeledSegment
from sequence.visual.mistakes import COLUMNS, find_mistakes, write_mistakes

LABELS = ("bat", "bowl")


def clip(video: str, target: int, start: float = 0.0, end: float = float("inf")) -> LabeledSegment:
    return LabeledSegment(video, target, "test", "g", 0, 3, start, end)


def test_only_wrong_clips_and_the_most_confident_first(tmp_path):
    segments = [clip("a.mp4", 0), clip("b.mp4", 1), clip("c.mp4", 0, 2.5, 4.0), clip("d.mp4", 1)]
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.05, 0.95], [0.2, 0.8]])
    found = find_mistakes(segments, probabilities, LABELS)
    assert [(each.segment.video, each.label, each.predicted) for each in found] == [
        ("c.mp4", "bat", "bowl"),
        ("b.mp4", "bowl", "bat"),
    ]
    assert found[0].answer == "predicted bowl (95%)"
    write_mistakes(tmp_path / "mistakes.csv", found)
    with (tmp_path / "mistakes.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == COLUMNS
    assert rows == [
        ["c.mp4", "2.5", "4", "bat", "bowl", "0.9500", ""],
        ["b.mp4", "", "", "bowl", "bat", "0.6000", ""],
    ]
