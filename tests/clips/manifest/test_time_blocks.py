"""Recordings whose splits follow one another in time; everything else is a leak."""

from dataclasses import replace
from pathlib import Path

import pytest

from clips.manifest import Entry, Manifest
from clips.manifest.segments import segments_of
from clips.manifest.time_blocks import GAP_SECONDS, Block, outside, time_blocks

ROWS = (
    Entry("m", "run", "train", "m", 5.0, 10.0),
    Entry("m", "run", "train", "m", 20.0, 30.0),
    Entry("m", "run", "val", "m", 50.0, 60.0),
    Entry("m", "run", "test", "m", 70.0, 80.0),
)


def test_blocks_meet_between_their_rows_with_a_gap():
    assert time_blocks(ROWS) == {
        "m": [
            Block("train", 0.0, 35.0),
            Block("val", 45.0, 60.0),
            Block("test", 70.0, float("inf")),
        ]
    }


def test_a_video_in_one_split_has_no_blocks():
    assert time_blocks([replace(row, split="train") for row in ROWS]) == {}


@pytest.mark.parametrize(
    "changed",
    [
        {0: {"split": "test"}},  # test around train
        {3: {"start": 60.0 + GAP_SECONDS - 0.1}},  # too close
        {0: {"end": 55.0}},  # train reaches into val
        {2: {"split": ""}},  # not chosen yet
        {0: {"start": None, "end": None}},  # the whole video
    ],
)
def test_other_rows_in_several_splits_are_a_leak(changed):
    rows = [replace(row, **changed.get(place, {})) for place, row in enumerate(ROWS)]
    assert time_blocks(rows) == {}


def test_the_rest_is_background_of_its_block_and_the_gap_is_nothing():
    manifest = Manifest(Path("m.csv"), ROWS, (Entry("m", "-", start=10.0, end=15.0),))
    rest = [each for each in segments_of(manifest) if each.label == "background"]
    assert [(each.split, each.start, each.end) for each in rest] == [
        ("train", 0.0, 5.0),
        ("train", 15.0, 20.0),
        ("train", 30.0, 35.0),
        ("val", 45.0, 50.0),
        ("test", 80.0, float("inf")),
    ]


def test_times_outside_of_a_split():
    (blocks,) = time_blocks(ROWS).values()
    assert outside(blocks, "train") == [(35.0, float("inf"))]
    assert outside(blocks, "val") == [(0.0, 45.0), (60.0, float("inf"))]
    assert outside(blocks, "all") == [(35.0, 45.0), (60.0, 70.0)]
