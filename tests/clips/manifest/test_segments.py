"""Spans: where a label holds, and the background between."""

import math
from pathlib import Path

import pytest

from clips.manifest import BACKGROUND, Entry, Manifest
from clips.manifest.segments import Segment, segments_of, segments_within, spans_of


def segments(*entries: Entry, tmp_path) -> list[tuple[str, str, float, float]]:
    found = segments_of(Manifest(tmp_path / "manifest.csv", entries))
    return [(segment.video, segment.label, segment.start, segment.end) for segment in found]


def test_a_whole_clip_is_one_span(tmp_path):
    assert segments(Entry("a", "walk"), Entry("b", "run"), tmp_path=tmp_path) == [
        ("a", "walk", 0.0, math.inf),
        ("b", "run", 0.0, math.inf),
    ]


@pytest.mark.parametrize(
    ("times", "background"),
    [
        ([(2, 4)], [(0, 2), (4, math.inf)]),
        ([(None, 4)], [(4, math.inf)]),
        ([(2, None)], [(0, 2)]),
        ([(0, 4)], [(4, math.inf)]),
        ([(6, 8), (1, 2)], [(0, 1), (2, 6), (8, math.inf)]),
        ([(1, 3), (3, 5)], [(0, 1), (5, math.inf)]),
        ([(1, 6), (2, 3)], [(0, 1), (6, math.inf)]),
        ([(1, 4), (3, None)], [(0, 1)]),
    ],
)
def test_the_rest_of_a_partly_labelled_video_is_background(tmp_path, times, background):
    entries = [Entry("a", "fall", start=start, end=end) for start, end in times]
    found = segments(*entries, tmp_path=tmp_path)
    assert [segment[2:] for segment in found if segment[1] == BACKGROUND] == background
    assert len(found) == len(times) + len(background)


def test_every_moment_of_a_video_is_in_some_span(tmp_path):
    entries = (
        Entry("a", "fall", start=2.5, end=4.0),
        Entry("a", "run", start=4.0, end=5.5),
        Entry("a", "fall", start=9.0),
    )
    found = segments_of(Manifest(tmp_path / "manifest.csv", entries))
    for tenth in range(200):
        assert sum(segment.holds(tenth / 10) for segment in found) == 1, tenth / 10


def test_a_span_holds_from_its_start_up_to_but_not_at_its_end():
    segment = Segment("a", "fall", "train", "g", 1.0, 2.0)
    assert [segment.holds(seconds) for seconds in (0.99, 1.0, 1.99, 2.0)] == [
        False,
        True,
        True,
        False,
    ]


def test_background_stands_on_the_side_and_in_the_group_of_its_video(tmp_path):
    entry = Entry("a", "fall", "test", "scene 3", start=1.0, end=2.0)
    found = segments_of(Manifest(tmp_path / "manifest.csv", (entry,)))
    assert {(segment.split, segment.group) for segment in found} == {("test", "scene 3")}


def test_parts_of_one_video_leave_other_videos_whole(tmp_path):
    found = segments(Entry("a", "fall", start=1.0), Entry("b", "walk"), tmp_path=tmp_path)
    assert [segment for segment in found if segment[0] == "b"] == [("b", "walk", 0.0, math.inf)]


def pieces(*rows: tuple[str, float, float], tmp_path) -> list[tuple[str, float, float]]:
    entries = [Entry("a", label, start=start, end=end) for label, start, end in rows]
    return [(label, *times) for _, label, *times in segments(*entries, tmp_path=tmp_path)]


def test_overlapping_rows_are_cut_into_pieces_with_all_labels_that_hold(tmp_path):
    found = pieces(("run", 1, 6), ("wave", 4, 9), ("run|sing", 8, 10), tmp_path=tmp_path)
    assert found == [
        ("run", 1, 4),
        ("run|wave", 4, 6),
        ("wave", 6, 8),
        ("run|sing|wave", 8, 9),
        ("run|sing", 9, 10),
        (BACKGROUND, 0.0, 1),
        (BACKGROUND, 10, math.inf),
    ]


def test_pieces_that_are_too_short_for_a_window_are_left_out(tmp_path):
    found = pieces(("run", 0, 6), ("wave", 3, 6.4), ("sing", 6.4, 6.6), tmp_path=tmp_path)
    # From 6 to 6.4 s only `wave` holds; `sing` is as short, but a row of its own.
    assert found[:3] == [("run", 0, 3), ("run|wave", 3, 6), ("sing", 6.4, 6.6)]


def test_rows_of_one_label_that_overlap_are_not_cut(tmp_path):
    found = pieces(("run", 0, 6), ("run", 4, 9), ("wave", 5, 6), tmp_path=tmp_path)
    assert found[:3] == [("run", 0, 5), ("run|wave", 5, 6), ("run", 6, 9)]


@pytest.mark.parametrize(("start", "several"), [(5.0, True), (5.4, True), (5.5, False), (6, False)])
def test_boundaries_that_two_people_draw_differently_are_no_overlap(tmp_path, start, several):
    # `wave` lasts 2 s; more than a quarter of it has to be in common with `run`.
    rows = (Entry("a", "run", start=0, end=6.0), Entry("a", "wave", start=start, end=start + 2))
    found = Manifest(tmp_path / "manifest.csv", rows)
    assert found.several == several
    assert ("run|wave" in {each.label for each in segments_of(found)}) == (several)


def test_an_event_is_whole_where_others_overlap_it(tmp_path):
    rows = (Entry("a", "run|sing", start=0, end=6), Entry("a", "wave", start=4, end=9))
    found = spans_of(Manifest(tmp_path / "manifest.csv", rows))
    assert [(each.label, each.start, each.end) for each in found] == [
        ("run", 0, 6),
        ("sing", 0, 6),
        ("wave", 4, 9),
    ]


def test_segments_are_cut_at_the_end_of_their_video():
    rows = (
        Entry("a", "run", "train", "a", 2.0, 4.0),
        Entry("a", "run", "train", "a", 8.0, None),
        Entry("b", "run", "train", "b", 3.0, 9.0),
    )
    found = segments_within(Manifest(Path("m.csv"), rows), {"a": 10.0, "b": 6.0})
    assert [(each.video, each.label, each.start, each.end) for each in found] == [
        ("a", "run", 2.0, 4.0),
        ("a", "run", 8.0, 10.0),
        ("a", "background", 0.0, 2.0),
        ("a", "background", 4.0, 8.0),
        ("b", "run", 3.0, 6.0),
        ("b", "background", 0.0, 3.0),
    ]
