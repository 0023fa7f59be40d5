"""The first line of a manifest."""

from pathlib import Path

import pytest

from clips.manifest.columns import column_names, misspelled_columns
from video.errors import LookbackError

_PATH = Path("manifest.csv")


def test_blanks_and_case_of_column_names_do_not_count():
    assert column_names(_PATH, ["Video", " LABEL ", "Split", " Camera "]) == [
        "video",
        "label",
        "split",
        "Camera",
    ]


@pytest.mark.parametrize("pair", [("split", " split"), ("Label", "label"), ("Camera", "camera ")])
def test_two_columns_of_one_name_are_refused_by_name(pair):
    header = [*dict.fromkeys(["video", "label", *pair])]
    with pytest.raises(LookbackError, match="have the same name") as raised:
        column_names(_PATH, header if len(header) > 3 else ["video", *pair])
    assert all(repr(name) in str(raised.value) for name in pair)


@pytest.mark.parametrize(
    ("header", "separator"),
    [(["video;label;split"], "semicolons"), (["video\tlabel"], "tabs"), (["video|label"], "bars")],
)
def test_another_separator_is_named(header, separator):
    with pytest.raises(LookbackError, match=f"separated by {separator}; a manifest needs commas"):
        column_names(_PATH, header)


def test_a_column_that_looks_like_a_known_one_is_found():
    assert misspelled_columns(["video", "label", "Groups", "spilt", "camera", "person"]) == [
        ("Groups", "group"),
        ("spilt", "split"),
    ]


def test_a_column_beside_the_known_one_that_it_looks_like_is_not_misspelt():
    assert misspelled_columns(["video", "label", "group", "groups"]) == []
