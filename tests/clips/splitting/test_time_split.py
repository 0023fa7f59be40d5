"""Spans of too few recordings: split in time, said plainly, and never otherwise."""

from collections import Counter
from dataclasses import replace

import pytest

from clips.manifest import SPLITS, UNLABELED, Entry
from clips.manifest.time_blocks import GAP_SECONDS, time_blocks
from clips.splitting.assignment import check_split
from clips.splitting.time_split import split_spans, time_split_note
from video.errors import LookbackError

_SHARES = (0.7, 0.15, 0.15)


def spans(video: str, count: int, every: float = 30.0, labels=("fall", "run")) -> list[Entry]:
    """Spans of 4 s; the classes take turns."""
    return [
        Entry(video, labels[turn % len(labels)], group=video, start=start, end=start + 4.0)
        for turn, start in ((turn, turn * every) for turn in range(count))
    ]


def test_one_recording_becomes_three_blocks_with_each_class_in_each():
    done = split_spans(spans("m", 20), _SHARES, 0)
    check_split(done, "here")  # must not raise
    assert [row.split for row in done] == sorted((row.split for row in done), key=SPLITS.index)
    counts = Counter((row.label, row.split) for row in done)
    assert {counts[label, "train"] for label in ("fall", "run")} <= {6, 7, 8}
    assert all(counts[label, split] for label in ("fall", "run") for split in SPLITS)
    assert "m: train, val and test are parts of the same recording" in time_split_note(done)
    assert "say nothing about other recordings" in time_split_note(done)


def test_spans_without_pauses_lose_those_in_the_gap():
    done = split_spans(spans("m", 60, every=4.0), _SHARES, 0)
    kept = [row for row in done if row.label != UNLABELED]
    check_split(kept, "here")
    # Two gaps, each of the spans that begin less than 10 s after a block.
    assert len(done) - len(kept) == 2 * -(-GAP_SECONDS // 4.0)
    for row in done:
        assert (row.label == UNLABELED) == (row.split == "")


def test_both_of_two_recordings_are_split_and_files_of_other_classes_as_ever():
    whole = [Entry(f"w{n}", "walk", group=f"w{n}") for n in range(9)]
    done = split_spans([*spans("m", 8), *spans("n", 8), *whole], _SHARES, 0)
    check_split(done, "here")
    assert set(time_blocks(done)) == {"m", "n"}
    assert {row.split for row in done if row.label == "walk"} == set(SPLITS)


def test_three_recordings_stay_whole():
    done = split_spans([row for video in "abc" for row in spans(video, 6)], _SHARES, 0)
    assert time_blocks(done) == {}
    assert time_split_note(done) == ""
    assert {row.split for row in done} == set(SPLITS)


@pytest.mark.parametrize("rows", [spans("m", 4), spans("m", 6, every=4.0)])
def test_too_few_spans_are_refused_with_the_mend(rows):
    done = split_spans(rows, _SHARES, 0)
    with pytest.raises(LookbackError, match="label spans of more recordings, or three or more"):
        check_split(done, "here")


def test_a_group_of_several_videos_and_a_chosen_split_stay():
    grouped = [replace(row, group="g") for video in "mn" for row in spans(video, 8)]
    assert time_blocks(split_spans(grouped, _SHARES, 0)) == {}
    chosen = [replace(row, split="train") for row in spans("m", 8)]
    assert split_spans(chosen, _SHARES, 0) == chosen


def test_a_group_that_shares_a_scene_with_a_split_recording_leaks():
    done = split_spans(spans("m", 20), _SHARES, 0)
    with pytest.raises(LookbackError, match="m in test and train and val"):
        check_split([*done, Entry("other", "fall", "train", "m")], "here")


def test_the_choice_does_not_depend_on_the_order_of_rows():
    rows = spans("m", 15)
    assert set(split_spans(rows[::-1], _SHARES, 1)) == set(split_spans(rows, _SHARES, 0))
