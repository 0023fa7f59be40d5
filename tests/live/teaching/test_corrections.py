"""Corrections as clips: the right part of the right video, with rows that training understands."""

import pytest

from clips.finding.probing import decode
from clips.manifest import Entry, Manifest
from clips.manifest.segments import segments_of
from live.teaching.corrections import Corrections
from live.teaching.interfaces import PastEvent, UnknownError
from tests.conftest import write_coded_video
from tests.live.teaching.scripted import (
    Clock,
    ScriptedCutter,
    ScriptedLog,
    collection_of,
    files_of,
    rows_of,
)
from video.errors import LookbackError, UsageError


class Desk:
    """A data folder, a recorder and events to correct."""

    def __init__(self, folder, background=False, **cutter) -> None:
        self.data, self.clock, self.cutter = folder, Clock(), ScriptedCutter(**cutter)
        self.log = ScriptedLog()
        self.collection = collection_of(folder, self.cutter, self.clock)
        if background:
            self.collection.add_class("background")
        self.corrections = Corrections(self.collection, self.cutter, self.log, self.clock)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path / "data")


@pytest.fixture
def watchful(tmp_path):
    """A desk whose data set has the class background."""
    return Desk(tmp_path / "data", background=True)


def recorded(desk, **values) -> PastEvent:
    """An event of 4 s in a recording of 14 s, from second 5 on."""
    recording = write_coded_video(desk.data.parent / "events" / "7.mp4", 141, 10.0)
    event = PastEvent(7, 1, "fall", recording=recording, begins=5.0, seconds=4.0, **values)
    desk.log.events[7] = event
    return event


def test_a_missed_event_is_cut_from_the_ring(desk):
    desk.corrections.missed(0, "fall", 8.0)
    assert desk.cutter.calls == [(0, 992.0, 1000.0)]
    (row,) = rows_of(desk.data)
    assert (row.label, row.split, row.group) == ("fall", "train", "Front door")
    assert (row.start, row.end) == (None, None)  # without a class background, all of it is a fall
    assert decode(desk.data / row.video).seconds == pytest.approx(8.0, abs=0.15)
    assert desk.log.corrections == [(None, 0, "missed", "fall", row.video, 8.0)]


def test_the_time_before_a_missed_event_is_background_if_there_is_such_a_class(watchful):
    watchful.corrections.missed(0, "fall", 8.0)
    assert watchful.cutter.calls == [(0, 987.0, 1000.0)]
    (row,) = rows_of(watchful.data)
    assert row.start == pytest.approx(5.0, abs=0.15)
    assert row.end is None
    segments = segments_of(Manifest(watchful.data / "manifest.csv", (row,)))
    parts = {each.label: (each.start, each.end) for each in segments}
    assert parts == {"fall": (row.start, float("inf")), "background": (0.0, row.start)}
    assert {each.split for each in segments} == {"train"}


def test_without_so_much_past_the_event_alone_is_kept(tmp_path):
    desk = Desk(tmp_path / "data", background=True, oldest=991.0)
    desk.corrections.missed(0, "fall", 8.0)
    (row,) = rows_of(desk.data)
    assert row.start is None


def test_a_keyframe_before_the_cut_counts_as_background_or_is_cut_off(tmp_path):
    with_background = Desk(tmp_path / "one", background=True, early=3.0)
    with_background.corrections.missed(0, "fall", 8.0)
    assert rows_of(with_background.data)[0].start == pytest.approx(8.0, abs=0.15)
    without = Desk(tmp_path / "two", early=3.0)
    without.corrections.missed(0, "fall", 8.0)
    (video,) = files_of(without.data)
    assert decode(without.data / video).seconds == pytest.approx(8.0, abs=0.15)


@pytest.mark.parametrize("seconds", [4.9, 60.1, 0, -8, float("nan"), float("inf")])
def test_a_missed_event_is_5_to_60_seconds_long(desk, seconds):
    with pytest.raises(UsageError, match="5 to 60"):
        desk.corrections.missed(0, "fall", seconds)
    assert not desk.cutter.calls


def test_a_right_event_keeps_its_recording_with_the_rest_as_background(watchful):
    event = recorded(watchful)
    watchful.corrections.correct(7, "right")
    (row,) = rows_of(watchful.data)
    assert (row.label, row.group, row.split) == ("fall", "Gym/2", "train")
    assert (row.start, row.end) == (5.0, 9.0)
    segments = segments_of(Manifest(watchful.data / "manifest.csv", (row,)))
    assert sorted((each.start, each.label) for each in segments) == [
        (0.0, "background"),
        (5.0, "fall"),
        (9.0, "background"),
    ]
    assert event.recording.exists()  # it belongs to the events
    assert watchful.log.corrections == [(7, 1, "right", "fall", row.video, 4.0)]


def test_without_a_class_background_only_the_event_of_a_recording_is_kept(desk):
    recorded(desk)
    desk.corrections.correct(7, "right")
    (row,) = rows_of(desk.data)
    assert (row.start, row.end) == (None, None)
    assert decode(desk.data / row.video).seconds == pytest.approx(4.0, abs=0.15)


def test_a_wrong_alarm_becomes_background(desk):
    recorded(desk)
    desk.corrections.correct(7, "wrong")
    (row,) = rows_of(desk.data)
    assert (row.label, row.start, row.end) == ("background", None, None)
    assert row.video.startswith("clips/background/")


def test_a_wrong_event_can_have_another_label(watchful):
    recorded(watchful)
    watchful.corrections.correct(7, "wrong", "sit")
    (row,) = rows_of(watchful.data)
    assert (row.label, row.start, row.end) == ("sit", 5.0, 9.0)
    assert watchful.log.corrections[0][2:4] == ("wrong", "sit")


def test_the_second_correction_replaces_the_clip_of_the_first(desk):
    recorded(desk)
    desk.corrections.correct(7, "right")
    desk.corrections.correct(7, "wrong")
    desk.corrections.correct(7, "wrong", "sit")
    desk.corrections.correct(7, "wrong", "sit")
    (row,) = rows_of(desk.data)
    assert row.label == "sit"
    assert files_of(desk.data) == [row.video]


def test_an_event_without_a_recording_is_cut_from_the_ring(desk):
    desk.log.events[3] = PastEvent(3, 0, "fall", started=980.0, ended=984.0)
    desk.corrections.correct(3, "right")
    assert desk.cutter.calls == [(0, 980.0, 984.0)]
    desk.log.events[4] = PastEvent(4, 0, "fall", started=995.0)  # still open
    desk.corrections.correct(4, "right")
    assert desk.cutter.calls[-1] == (0, 995.0, 1000.0)


def test_an_event_whose_video_is_gone_teaches_nothing_and_says_so(desk, tmp_path):
    desk.log.events[3] = PastEvent(3, 0, "fall", recording=tmp_path / "deleted.mp4")
    with pytest.raises(LookbackError, match="gone"):
        desk.corrections.correct(3, "right")
    assert desk.log.corrections == []


@pytest.mark.parametrize(
    ("event", "verdict", "label", "kind"),
    [
        (9, "right", None, UnknownError),
        (7, "maybe", None, UsageError),
        (7, "wrong", "fall", UsageError),
        (7, "wrong", "../fall", LookbackError),
    ],
)
def test_a_correction_that_makes_no_sense_changes_nothing(desk, event, verdict, label, kind):
    recorded(desk)
    desk.corrections.correct(7, "right")
    before = rows_of(desk.data)
    with pytest.raises(kind):
        desk.corrections.correct(event, verdict, label)
    assert rows_of(desk.data) == before
    assert len(desk.log.corrections) == 1


def test_a_correction_does_not_lose_other_rows_of_the_manifest(desk):
    write_coded_video(desk.data / "clips" / "fall" / "mine.mp4", 30)
    text = "video,label,split,group,start,end,note\nclips/fall/mine.mp4,fall,test,me,0.5,2,keep\n"
    (desk.data / "manifest.csv").write_text(text)
    desk.corrections.missed(0, "fall", 5.0)
    first, second = rows_of(desk.data)
    assert first == Entry("clips/fall/mine.mp4", "fall", "test", "me", 0.5, 2.0, first.extra)
    assert dict(first.extra)["note"] == "keep"
    assert second.split == "train"
