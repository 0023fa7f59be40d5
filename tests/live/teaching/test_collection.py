"""Clips that are recorded from a camera: files, rows, numbers, and what happens if a cut fails."""

import pytest

from clips.finding.probing import decode
from clips.preparation import load_manifest
from live.teaching.collection import CUTTING
from live.teaching.interfaces import UnknownError
from tests.conftest import write_coded_video
from tests.live.teaching.scripted import (
    Clock,
    ScriptedCutter,
    collection_of,
    files_of,
    rows_of,
    settings_of,
)
from video.errors import LookbackError


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def cutter():
    return ScriptedCutter()


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def collection(data, cutter, clock):
    return collection_of(data, cutter, clock)


def hold(collection, clock, seconds=3.0, label="wave", camera=0, session="monday"):
    token = collection.begin_clip(camera, label, session)
    clock.now += seconds
    return collection.end_clip(token)


def test_an_empty_data_folder_is_the_normal_start(collection, data):
    assert collection.classes() == []
    assert collection.sessions() == []
    assert not data.exists()


def test_a_clip_lies_in_its_class_with_a_row_of_its_session(collection, clock, data, cutter):
    number = hold(collection, clock)
    assert cutter.calls == [(0, 1000.0, 1003.0)]
    (video,) = files_of(data)
    assert video == "clips/wave/Front-door_monday_20270115-080000.mp4"
    (row,) = rows_of(data)
    assert (row.video, row.label, row.split, row.group) == (video, "wave", "", "Front door monday")
    assert (row.start, row.end) == (None, None)
    assert collection.clip_path(number) == data / video
    ((of_class,)) = collection.classes()
    assert (of_class["name"], of_class["count"]) == ("wave", 1)
    (clip,) = of_class["clips"]
    assert clip["id"] == number
    assert (clip["camera"], clip["session"]) == ("Front door", "monday")
    assert clip["seconds"] == pytest.approx(3.0, abs=0.2)
    assert clip["created"] == (data / video).stat().st_mtime


def test_a_clip_ends_after_3_seconds_however_long_the_button_is_held(collection, clock, cutter):
    hold(collection, clock, 8.0)
    assert cutter.calls == [(0, 1000.0, 1003.0)]


def test_a_tap_is_no_clip(collection, clock, data, cutter):
    with pytest.raises(LookbackError, match="hold the button"):
        hold(collection, clock, 0.4)
    assert not cutter.calls
    assert files_of(data) == []


def test_the_last_3_seconds_can_be_kept(collection, cutter, data):
    collection.record(1, "wave", "")
    assert cutter.calls == [(1, 997.0, 1000.0)]
    (row,) = rows_of(data)
    assert row.group == "Gym/2 2027-01-15"


def test_what_a_keyframe_adds_before_the_clip_is_cut_off(data, clock):
    collection = collection_of(data, ScriptedCutter(early=4.0), clock)
    hold(collection, clock)
    (video,) = files_of(data)
    assert decode(data / video).seconds == pytest.approx(3.0, abs=0.15)


def test_clips_of_one_second_have_different_names_and_numbers(collection, clock, data):
    numbers = {hold(collection, clock) for _ in range(3)}
    assert len(numbers) == 3
    assert all(0 < number < 2**53 for number in numbers)  # exact in JavaScript
    assert len(files_of(data)) == len(rows_of(data)) == 3


def test_numbers_stay_when_clips_are_deleted_and_the_program_is_restarted(
    collection, clock, data, cutter
):
    first, second, third = (hold(collection, clock) for _ in range(3))
    place = collection.clip_path(second)
    collection.delete_clip(first)
    again = collection_of(data, cutter, clock)
    assert again.clip_path(second) == place
    assert {clip["id"] for clip in again.classes()[0]["clips"]} == {second, third}
    with pytest.raises(UnknownError):
        again.clip_path(first)
    assert len(rows_of(data)) == 2


def test_a_clip_whose_row_is_the_last_takes_the_manifest_with_it(collection, clock, data):
    collection.delete_clip(hold(collection, clock))
    assert files_of(data) == []
    assert not (data / "manifest.csv").exists()
    hold(collection, clock)
    assert len(rows_of(data)) == 1


def test_a_cut_that_fails_leaves_nothing(data, clock):
    collection = collection_of(data, ScriptedCutter(oldest=2000.0), clock)
    with pytest.raises(LookbackError, match="nothing of this time"):
        hold(collection, clock)
    assert files_of(data) == []
    assert rows_of(data) == []
    assert list((data / CUTTING).iterdir()) == []


def test_a_manifest_that_cannot_be_written_leaves_no_file(collection, clock, data, monkeypatch):
    def full(path, *_):
        raise LookbackError(f"{path}: the disk is full")

    monkeypatch.setattr("live.teaching.clip_rows.manifests.write", full)
    with pytest.raises(LookbackError, match="full"):
        hold(collection, clock)
    assert files_of(data) == []


def test_unfinished_files_of_a_killed_program_are_removed(data, cutter, clock):
    write_coded_video(data / CUTTING / "old.mp4", 5)
    collection_of(data, cutter, clock)
    assert files_of(data) == []


def test_a_token_is_good_for_one_clip(collection, clock):
    token = collection.begin_clip(0, "wave", "")
    clock.now += 3
    collection.end_clip(token)
    for bad in (token, "guess"):
        with pytest.raises(UnknownError):
            collection.end_clip(bad)


def test_an_unknown_camera_is_refused_before_anything_is_made(collection, data):
    for camera in (2, -1):
        with pytest.raises(UnknownError, match="no such camera"):
            collection.begin_clip(camera, "wave", "")
    assert not (data / "clips").exists()


def test_classes_differ_in_more_than_upper_and_lower_case(collection, clock, data):
    collection.add_class("Wave")
    with pytest.raises(LookbackError, match="exists"):
        collection.add_class("wave")
    hold(collection, clock, label="WAVE")
    assert [each["name"] for each in collection.classes()] == ["Wave"]
    assert rows_of(data)[0].label == "Wave"


def test_an_empty_class_is_shown_and_can_be_removed(collection, data):
    collection.add_class("clap")
    assert collection.classes() == [{"name": "clap", "count": 0, "clips": []}]
    collection.remove_class("clap")
    assert collection.classes() == []
    with pytest.raises(UnknownError):
        collection.remove_class("clap")


def test_removing_a_class_deletes_its_recorded_clips_only_with_their_rows(collection, clock, data):
    hold(collection, clock, label="wave")
    hold(collection, clock, label="clap")
    collection.remove_class("wave")
    assert [row.label for row in rows_of(data)] == ["clap"]
    assert [each["name"] for each in collection.classes()] == ["clap"]


def test_clips_from_elsewhere_are_listed_and_not_removed_with_their_class(collection, clock, data):
    write_coded_video(data / "clips" / "wave" / "mine.mp4", 20)
    hold(collection, clock, label="wave")
    # Both are in the manifest now: without a row, no command would use the older one.
    assert {row.video for row in rows_of(data)} == set(files_of(data))
    with pytest.raises(LookbackError, match="1 clips that were not recorded here"):
        collection.remove_class("wave")
    assert len(files_of(data)) == 2


def test_a_row_outside_of_the_clips_folder_is_not_deleted(collection, data, tmp_path):
    outside = write_coded_video(tmp_path / "mine.mp4", 20)
    data.mkdir()
    (data / "manifest.csv").write_text("video,label\n../mine.mp4,wave\n")
    ((of_class,)) = collection.classes()
    with pytest.raises(LookbackError, match="by hand"):
        collection.delete_clip(of_class["clips"][0]["id"])
    assert outside.exists()
    assert len(rows_of(data)) == 1


def test_sessions_come_in_the_order_of_their_newest_clip(collection, clock):
    for session in ("monday", "tuesday", "monday"):
        hold(collection, clock, session=session)
    assert collection.sessions() == ["tuesday", "monday"]


def test_recorded_clips_of_three_sessions_are_a_data_set_for_the_other_commands(
    collection, clock, data
):
    for session in ("one", "two", "three"):
        for label in ("wave", "clap"):
            hold(collection, clock, label=label, session=session)
    manifest = load_manifest(settings_of(data))
    assert len(manifest.entries) == 6
    by_group = {}
    for entry in manifest.entries:
        by_group.setdefault(entry.group, set()).add(entry.split)
    assert sorted(map(len, by_group.values())) == [1, 1, 1]
