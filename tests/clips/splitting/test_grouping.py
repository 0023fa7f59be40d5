"""Groups: what must not be split."""

import pytest

from clips.manifest import Entry
from clips.splitting.grouping import group_entries
from video.errors import UsageError


def groups(group_by: str, *videos: str, **columns) -> list[str]:
    entries = [Entry(video, "a", **columns) for video in videos]
    return [entry.group for entry in group_entries(entries, group_by)]


def test_names_as_in_ucf101_tell_their_group():
    assert groups(
        "auto",
        "clips/a/v_a_g01_c01.avi",
        "clips/a/v_a_g01_c02.avi",
        "clips/b/v_HandStand_g25_c07.mp4",
        "clips/b/x_g7.mp4",
        "clips/b/x_g012",
    ) == ["g01", "g01", "g25", "g7", "g012"]


@pytest.mark.parametrize("name", ["holiday.mp4", "bag_good.mp4", "a_g1x_c01.mp4", "g01.mp4"])
def test_a_name_without_a_group_is_a_group_of_its_own(name):
    assert groups("auto", f"clips/a/{name}", "clips/a/v_g01_c1.mp4") == [f"clips/a/{name}", "g01"]


def test_a_regular_expression_with_a_bracket_groups_by_the_bracket():
    videos = ("clips/a/cam1-001.mp4", "clips/b/cam1-002.mp4", "clips/b/cam2-001.mp4")
    assert groups(r"(cam\d)-", *videos) == ["cam1", "cam1", "cam2"]


def test_a_regular_expression_without_a_bracket_groups_by_the_match():
    assert groups(r"cam\d", "clips/a/cam1-001.mp4", "clips/b/cam2-001.mp4") == ["cam1", "cam2"]


def test_a_bracket_that_takes_no_part_gives_way_to_the_whole_match():
    assert groups(r"cam(\d)?x", "clips/a/cam7x.mp4", "clips/a/camx.mp4") == ["7", "camx"]


def test_a_path_that_the_expression_does_not_match_is_a_group_of_its_own():
    assert groups("cam1", "clips/a/cam1.mp4", "clips/a/other.mp4") == ["cam1", "clips/a/other.mp4"]


def test_an_expression_that_matches_nothing_is_refused_with_an_example():
    with pytest.raises(UsageError, match=r"matches no path \(the first is clips/a/x\.mp4\)"):
        groups("camera", "clips/a/x.mp4")


def test_an_expression_that_is_none_is_refused():
    with pytest.raises(UsageError, match=r"--group-by cam\(: not a regular expression"):
        groups("cam(", "clips/a/x.mp4")


_DEEP = ("clips/a/day1/anna/x.mp4", "clips/b/day1/ben/x.mp4", "clips/b/day2/x.mp4", "clips/b/y.mp4")


def test_folder_groups_by_the_folder_that_the_file_lies_in():
    assert groups("folder", *_DEEP) == [
        "clips/a/day1/anna",
        "clips/b/day1/ben",
        "clips/b/day2",
        "clips/b",
    ]


def test_folder_n_groups_by_the_nth_folder_below_the_class():
    # The same day in two classes is one group: the classes were filmed together.
    assert groups("folder:1", *_DEEP) == ["day1", "day1", "day2", "clips/b/y.mp4"]
    assert groups("folder:2", *_DEEP) == ["anna", "ben", *_DEEP[2:]]


def test_a_column_of_the_manifest_groups_by_its_values():
    entries = [
        Entry("clips/a/1.mp4", "a", extra=(("person", "anna"), ("place", "hall"))),
        Entry("clips/a/2.mp4", "a", extra=(("person", ""), ("place", "hall"))),
    ]
    grouped = group_entries(entries, "person")
    assert [entry.group for entry in grouped] == ["anna", "clips/a/2.mp4"]
    assert [entry.group for entry in group_entries(entries, "place")] == ["hall", "hall"]


def test_the_group_column_itself_can_be_asked_for():
    assert groups("group", "clips/a/1.mp4", group="scene 3") == ["scene 3"]


def test_grouping_changes_nothing_but_the_group():
    before = Entry("clips/a/v_g01_c1.mp4", "a", "test", "old", 1.0, 2.0, (("k", "v"),))
    (after,) = group_entries([before], "auto")
    assert after == Entry("clips/a/v_g01_c1.mp4", "a", "test", "g01", 1.0, 2.0, (("k", "v"),))


def test_a_folder_that_holds_a_side_of_the_split_does_not_count_as_a_level():
    videos = ["clips/train/a/day1/x.mp4", "clips/val/a/y.mp4"]
    assert groups("folder:1", *videos) == ["day1", "clips/val/a/y.mp4"]
    # A class of that name does.
    (entry,) = group_entries([Entry("clips/train/day1/x.mp4", "train")], "folder:1")
    assert entry.group == "day1"


def test_a_columns_name_is_found_whatever_its_case():
    entries = [Entry("clips/a/1.mp4", "a", extra=(("Camera", "7"),))]
    assert [entry.group for entry in group_entries(entries, "camera")] == ["7"]


def test_a_group_has_no_blanks_at_its_ends_as_the_manifest_has_none():
    for rule in ("auto", "folder", "folder:3", "no|nothing", r"\.mp4 "):
        assert all(name == name.strip() for name in groups(rule, "clips/a/x.mp4 ", "clips/a/no "))
