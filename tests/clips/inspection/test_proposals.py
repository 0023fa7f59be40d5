"""Groups proposed from names, folders, recording times and pictures."""

from datetime import UTC, datetime, timedelta

import pytest

from clips.inspection.likeness import Likeness, Pair
from clips.inspection.media import Media
from clips.inspection.proposals import propose
from clips.manifest import Entry

NOTHING_ALIKE = Likeness()


def proposal(videos, likeness=NOTHING_ALIKE, media=None, equal=()):
    rows = [Entry(video, video.split("/")[1]) for video in videos]
    return propose(rows, likeness, media or {}, equal)


def together(made) -> set[frozenset[str]]:
    """Return the groups of more than one clip, without the folders of their videos."""
    groups: dict[str, set[str]] = {}
    for video, group in made.groups.items():
        groups.setdefault(group, set()).add(video.removeprefix("clips/"))
    return {frozenset(each) for each in groups.values() if len(each) > 1}


def used(made) -> dict[str, str]:
    return {each.name: each.refusal for each in made.evidence}


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        ("v_{label}_g{group:02}_c{clip:02}.avi", "gNN in the name"),
        ("match{group}_{clip:03}.mp4", "prefix of a number"),
        ("Anna{group} part{clip}.mp4", "prefix of a number"),
        ("GX{clip:02}010{group}.MP4", "chapters of a recording"),
        ("PXL_2024050{group}_12000{clip}.mp4", "date in the name"),
        ("day{group}/{clip}.mp4", "folder below the class"),
        ("shot{group} ({clip}).mp4", "name of a copy"),
    ],
)
def test_names_and_folders_that_number_the_clips_of_a_group(pattern, kind):
    videos = [
        f"clips/{label}/" + pattern.format(label=label, group=group, clip=clip)
        for label, groups in (("run", range(1, 5)), ("walk", range(5, 9)))
        for group in groups
        for clip in (1, 2, 3)
    ]
    made = proposal(videos)
    assert used(made)[kind] == ""
    expected = {
        frozenset(video.removeprefix("clips/") for video in videos[at : at + 3])
        for at in range(0, 24, 3)
    }
    assert together(made) == expected


@pytest.mark.parametrize("pattern", ["fi_{0:03}.mp4", "{0:03}.mp4", "{1}_{0:03}.mp4"])
def test_plain_numbering_proposes_nothing(pattern):
    """A prefix that all clips share, or all of a class, tells no recording."""
    videos = [
        f"clips/{label}/" + pattern.format(number, label)
        for label in ("fight", "other")
        for number in range(10)
    ]
    assert together(proposal(videos)) == set()


def test_evidence_that_leaves_too_few_groups_is_refused_with_the_reason():
    videos = [
        f"clips/{label}/day{day}/{n}.mp4" for label in "ab" for day in (1, 2) for n in range(4)
    ]
    made = proposal(videos)
    assert "would leave 2 groups of a" in used(made)["folder below the class"]
    assert together(made) == set()


def test_recordings_of_a_device_within_half_an_hour_are_a_session():
    videos = [f"clips/{label}/{number}.mp4" for label in "ab" for number in range(5)]
    begin = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
    minutes = [0, 20, 45, 200, 300, 400, 420, 600, 800, 1000]
    media = {
        video: Media(recorded=begin + timedelta(minutes=at), device="phone")
        for video, at in zip(videos, minutes, strict=True)
    }
    media["clips/a/4.mp4"] = Media(recorded=begin, device="another phone")
    media["clips/b/4.mp4"] = Media(recorded=begin)  # no device: perhaps the time of an upload
    assert together(proposal(videos, media=media)) == {
        frozenset({"a/0.mp4", "a/1.mp4", "a/2.mp4"}),
        frozenset({"b/0.mp4", "b/1.mp4"}),
    }


def test_pictures_equal_content_and_neighbors_link():
    videos = [f"clips/{label}/{number}.mp4" for label in "ab" for number in range(1, 10)]
    pairs = (
        Pair("clips/a/1.mp4", "clips/b/1.mp4", 6, 0.9, 0.5),  # a scene
        Pair("clips/a/2.mp4", "clips/a/3.mp4", 19, 0.55, 0.0),  # neighbors, somewhat alike
        Pair("clips/a/4.mp4", "clips/a/6.mp4", 19, 0.55, 0.0),  # no neighbors
        Pair("clips/b/2.mp4", "clips/b/5.mp4", 2, 0.99, 0.9, 0.9),  # copies
    )
    made = proposal(videos, Likeness(pairs), equal=[["clips/a/7.mp4", "clips/a/9.mp4"]])
    assert together(made) == {
        frozenset({"a/1.mp4", "b/1.mp4"}),
        frozenset({"a/2.mp4", "a/3.mp4"}),
        frozenset({"b/2.mp4", "b/5.mp4"}),
        frozenset({"a/7.mp4", "a/9.mp4"}),
    }
    assert made.reasons["clips/a/2.mp4"] == "next number and alike"
    assert made.reasons["clips/b/2.mp4"] == "copies by picture; same scene"
    assert made.reasons["clips/a/8.mp4"] == ""
