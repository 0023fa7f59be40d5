"""Rows with several labels, and the classes of a manifest."""

from pathlib import Path

from clips.manifest import BACKGROUND, Entry, Manifest
from clips.manifest.entries import one_label_each, overlapping


def manifest(*labels: str) -> Manifest:
    rows = [Entry(f"{number}.mp4", label) for number, label in enumerate(labels)]
    return Manifest(Path("manifest.csv"), tuple(rows))


def test_a_row_with_two_labels_makes_the_set_a_multi_label_one():
    assert not manifest("run", "wave", BACKGROUND).several
    both = manifest("run", "run|wave", BACKGROUND)
    assert both.several
    # Background is no class then: it means that none holds.
    assert (both.labels, both.listed_labels) == (["run", "wave"], ["run", "wave", BACKGROUND])
    assert manifest("run", BACKGROUND).labels == [BACKGROUND, "run"]


def test_a_model_decides_how_a_set_is_read():
    single = manifest("run", "wave", BACKGROUND)
    assert single.with_task(False) is single
    assert single.with_task(True).labels == ["run", "wave"]
    assert single.with_task(True).with_entries(list(single.entries)).several


def test_each_label_of_a_row_counts():
    rows = one_label_each(manifest("run|wave", "run").entries)
    assert [(row.video, row.label) for row in rows] == [
        ("0.mp4", "run"),
        ("0.mp4", "wave"),
        ("1.mp4", "run"),
    ]


def test_rows_of_different_videos_or_of_background_do_not_overlap():
    rows = [
        Entry("a", "run", start=0, end=5),
        Entry("b", "wave", start=1, end=4),
        Entry("a", BACKGROUND, start=1, end=4),
        Entry("a", "run", start=2, end=3),
    ]
    assert overlapping(rows) is None
    both = [*rows, Entry("b", "run")]  # a whole video and a part of it
    assert {row.label for row in overlapping(both)} == {"run", "wave"}
