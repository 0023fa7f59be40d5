"""Spans: where a label holds, and the background between."""

import math
from pathlib import Path

import pytest

from clips.manifest import BACKGROUND, Entry, Manifest
from clips.manifest.segments import Segment, segments_of, segments_within


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
