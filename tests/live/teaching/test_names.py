"""Names of classes: folders on every file system, in any language, never a path."""

import pytest

from live.teaching.names import MAX_NAME, class_name, file_part
from video.errors import LookbackError


@pytest.mark.parametrize(
    "name", ["wave", "Rückhand", "拍手", "wave 2", "a.b", "-", "console", "é" * 60]
)
def test_a_name_in_any_language_is_kept(name):
    assert class_name(f"  {name} ") == name


def test_two_ways_to_write_one_letter_are_one_name():
    assert class_name("e\u0301") == class_name("\u00e9") == "\u00e9"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("..", "period"),
        (".hidden", "period"),
        ("wave.", "period"),
        ("a/b", "folder on every system"),
        ("..\\up", "folder on every system"),
        ("C:", "folder on every system"),
        ("a|b", "folder on every system"),
        ("a\nb", "cannot be seen"),
        ("a\u200bb", "cannot be seen"),
        ("a\udce9b", "cannot be seen"),
        ("con", "Windows reserves"),
        ("LPT1.txt", "Windows reserves"),
        ("Validation", "splits"),
        ("x" * (MAX_NAME + 1), "longer"),
    ],
)
def test_a_name_that_some_file_system_refuses_is_refused_with_the_reason(name, reason):
    with pytest.raises(LookbackError, match=reason) as caught:
        class_name(name)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("text", ["../../etc", "a_b/c", "", "...", "x" * 300, "\u202e"])
def test_a_part_of_a_files_name_has_neither_paths_nor_underscores(text):
    part = file_part(text)
    assert part
    assert len(part) <= 40
    assert part.replace("-", "").isalnum()
