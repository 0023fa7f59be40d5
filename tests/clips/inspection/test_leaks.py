"""Clips of two splits that show the same."""

from clips.inspection.leaks import joinable, leaks_of
from clips.inspection.likeness import Likeness, Pair
from clips.manifest import Entry

VIEW = {"distance": 4, "likeness": 0.95, "background": 0.9}
COPY = VIEW | {"agreement": 0.9}


def row(video: str, split: str = "", group: str = "") -> Entry:
    return Entry(video, "a", split, group or video)


def test_only_pairs_with_a_training_clip_leak():
    rows = [
        row("1", "train"),
        row("2", "test"),
        row("3", "val"),
        row("4", "test"),
        row("5", "train"),
    ]
    pairs = [("1", "2"), ("2", "3"), ("2", "4"), ("1", "5"), ("5", "2")]
    likeness = Likeness(tuple(Pair(*pair, **VIEW) for pair in pairs))
    leaks = leaks_of(likeness, rows)
    assert [(pair.one, pair.other) for pair in leaks.pairs] == [("1", "2"), ("5", "2")]
    assert leaks.clips == {"val": 0, "test": 1}
    (note,) = leaks.notes()
    assert note.startswith("1 of 2 test clips show the view of a training clip (such as 1 and 2")


def test_a_likeness_that_is_good_for_a_proposal_only_is_no_leak():
    pair = Pair("1", "2", 12, 0.82, 0.45)
    assert pair.is_scene
    assert leaks_of(Likeness((pair,)), [row("1", "train"), row("2", "test")]).pairs == ()


def test_copies_are_joined_unless_their_splits_are_given_and_differ():
    rows = [
        *(row("1", "train", "g"), row("2", "test", "h"), row("3", "", "i"), row("4", "", "j")),
        row("5", "", "k"),
    ]
    pairs = [("1", "2"), ("1", "3"), ("3", "4"), ("4", "2"), ("4", "5")]
    likeness = Likeness(tuple(Pair(*pair, **COPY) for pair in pairs))
    # 4 is with 1 in training by way of 3, so it cannot be with 2 in test.
    assert joinable(likeness, rows) == [["1", "3"], ["3", "4"], ["4", "5"]]
