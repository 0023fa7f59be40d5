"""Events of a report: what is measured, by hand."""

from pathlib import Path

import numpy as np
import pytest

from clips.manifest import Entry, Manifest
from sequence.evaluation_events import events_summary, measure_events, true_events
from sequence.label_map import LabelMap

LABELS = ["background", "fall"]


def manifest(*entries: Entry) -> Manifest:
    return Manifest(Path("manifest.csv"), entries)


def prediction(video: str, *runs: tuple[int, int], steps: int = 100):
    """A video of 10 steps a second whose label is `fall` at some runs of steps."""
    chance = np.full(steps, 0.1)
    for first, last in runs:
        chance[first:last] = 0.8
    return video, np.arange(steps) / 10, np.stack([1 - chance, chance], axis=1)


ROWS = manifest(
    Entry("a", "fall", "test", "a", 2.0, 4.0),
    Entry("a", "fall", "test", "a", 7.0, None),
    Entry("b", "background", "test", "b"),
    Entry("c", "fall", "test", "c"),  # a clip without times
    Entry("d", "fall", "train", "d", 1.0, 2.0),
)


def test_events_of_videos_with_times_by_hand():
    predictions = [
        prediction("a", (0, 3), (25, 45), (75, 100)),
        prediction("b", (50, 52)),
        prediction("c", (0, 100)),
    ]
    found = measure_events(predictions, true_events(ROWS, "test"), LABELS, first_full=5)
    assert (found["videos"], found["hours"]) == (2, pytest.approx(20 / 3600))
    fall = found["classes"]["fall"]
    assert list(found["classes"]) == ["fall"]
    # The steps before the first full window are left out.
    assert (fall["events"], fall["found"], fall["detections"]) == (2, 2, 3)
    assert (fall["recall"], fall["precision"]) == (1, pytest.approx(2 / 3))
    assert fall["delay_median"] == pytest.approx(0.5)
    assert fall["false_alarms_per_hour"] == pytest.approx(180)
    # IoU 1.5 / 2.5 and 2.5 / 3; all have the same score, so the order is that of the videos.
    assert fall["average_precision"] == {"0.3": 1, "0.5": 1, "0.7": pytest.approx(0.25)}
    assert found["mean_average_precision"] == fall["average_precision"]


def test_the_table_has_a_line_per_class():
    found = measure_events([prediction("a", (20, 40))], true_events(ROWS, "test"), LABELS, 0)
    lines = events_summary(found).splitlines()
    assert lines[0] == "Events in 1 videos with times (0.00 hours)"
    cells = [" ".join(line.split()) for line in lines[3:]]
    assert cells == ["fall 2 0.500 1.000 0.0 s 0.0 0.500 0.500 0.500", "mean 0.500 0.500 0.500"]


def test_without_times_there_are_no_events():
    whole = manifest(Entry("a", "fall", "test", "a"), Entry("b", "background", "test", "b"))
    assert measure_events([prediction("a")], true_events(whole, "test"), LABELS, 0) is None


def test_a_label_that_is_left_out_is_neither_an_event_nor_a_false_alarm():
    rows = manifest(
        Entry("a", "trip", "test", "a", 2.0, 4.0), Entry("a", "slip", "test", "a", 6.0, 7.0)
    )
    mapping = LabelMap(tuple(LABELS), {"trip": "fall", "slip": "-"})
    truth = true_events(rows, "all", mapping)
    found = measure_events([prediction("a", (20, 40), (60, 65))], truth, LABELS, 0)
    fall = found["classes"]["fall"]
    assert (fall["events"], fall["found"], fall["false_alarms"]) == (1, 1, 0)


def test_time_without_a_label_counts_neither_way():
    rows = Manifest(
        ROWS.path,
        (*ROWS.entries, Entry("e", "fall", "test", "e", 2.0, 4.0)),
        (Entry("a", "-", "test", "a", 4.0, 6.0), Entry("e", "-")),
    )
    # The run at 5 s in a is neither right nor wrong; the rest of e is unknown.
    predictions = [prediction("a", (25, 35), (50, 55)), prediction("e", (0, 100))]
    found = measure_events(predictions, true_events(rows, "test"), LABELS, first_full=0)
    assert (found["videos"], found["hours"]) == (1, pytest.approx(8 / 3600))
    fall = found["classes"]["fall"]
    assert (fall["events"], fall["found"], fall["detections"]) == (2, 1, 1)


def test_of_a_video_split_in_time_only_the_tested_part_counts():
    rows = (
        Entry("a", "fall", "train", "a", 2.0, 4.0),
        Entry("a", "fall", "val", "a", 20.0, 22.0),
        Entry("a", "fall", "test", "a", 40.0, 42.0),
    )
    # The part that is not used reaches into the tested one, and both into what was trained.
    unused = (Entry("a", "-", start=30.0, end=38.0),)
    truth = true_events(Manifest(Path("manifest.csv"), rows, unused), "test")
    found = measure_events(
        [prediction("a", (20, 40), (100, 110), (400, 420), (450, 460), steps=500)],
        truth,
        LABELS,
        first_full=0,
    )
    # Test begins at 36 s, in the middle of the pause and 5 s after it; 2 s of it are not used.
    assert found["hours"] == pytest.approx((50 - 38) / 3600)
    fall = found["classes"]["fall"]
    assert (fall["events"], fall["found"], fall["false_alarms"]) == (1, 1, 1)
