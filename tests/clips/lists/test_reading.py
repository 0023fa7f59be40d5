"""Rows of lists for the same clip: refused, or joined to one with all labels."""

import pytest

from clips.lists.reading import listed_set
from tests.clips.preparing import settings
from video.errors import LookbackError

_ROWS = [
    "path,label,start,end,split",
    "a.mp4,wave,,,train",
    "a.mp4,run,,,train",
    "b.mp4,run,,,test",
]


def _listed(folder, rows, **flags):
    for name in ("a.mp4", "b.mp4"):
        (folder / name).touch()
    (folder / "list.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    chosen = settings(folder, data__lists=str(folder / "list.csv"), **flags)
    return listed_set(chosen.recipe.data, folder).entries


def test_two_labels_of_a_clip_are_refused_with_the_flag_that_joins_them(tmp_path):
    with pytest.raises(LookbackError, match="if both hold, --several-labels makes one row"):
        _listed(tmp_path, _ROWS)


def test_rows_of_a_clip_are_joined_on_request(tmp_path):
    rows = [*_ROWS, "b.mp4,run,1,2,test", "b.mp4,wave,1,2,test", "b.mp4,wave,1,3,test"]
    found = _listed(tmp_path, rows, data__several_labels=True)
    assert [(row.video, row.label, row.start, row.end) for row in found] == [
        ("a.mp4", "run|wave", None, None),
        ("b.mp4", "run", None, None),
        ("b.mp4", "run|wave", 1, 2),
        ("b.mp4", "wave", 1, 3),
    ]


def test_joined_rows_have_one_split(tmp_path):
    rows = [*_ROWS[:2], "a.mp4,run,,,test"]
    with pytest.raises(LookbackError, match=r"line 3: a.mp4 is in test, and in train in .*line 2"):
        _listed(tmp_path, rows, data__several_labels=True)
