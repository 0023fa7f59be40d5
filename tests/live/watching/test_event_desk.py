"""The desk of events: everything that an event causes, and what it does when nothing can be
written."""

import logging
from types import SimpleNamespace

import pytest

from live.alarms.event import Event
from live.events.store import EventStore
from live.hub import Hub
from live.watching import event_desk
from live.watching.event_desk import EventDesk, Reports
from tests.live.messages.servers import wait_for
from tests.live.watching.fakes import gray
from video.errors import LookbackError

UTC = 1_800_000_000.0


class Calls:
    """Keeps the calls of its methods; `confirmed` returns True."""

    def __init__(self) -> None:
        self.made: list[tuple] = []

    def __getattr__(self, name: str):
        def call(*arguments):
            self.made.append((name, *arguments))
            return True

        return call

    def named(self, *names: str) -> list[tuple]:
        return [each for each in self.made if each[0] in names]


class Made:
    def __init__(self, folder) -> None:
        self.offset = UTC
        self.seconds = 0.0
        self.store, self.hub = EventStore(folder), Hub()
        self.recorder, self.messenger, self.mqtt = Calls(), Calls(), Calls()
        reports = Reports(self.store, {"door": self.recorder}, self.messenger, self.mqtt)
        self.desk = EventDesk(
            reports, self.hub, lambda seconds: self.offset + seconds, lambda: self.seconds
        )
        self.told: list[int] = []

    def confirm(self, started: float = 100.0, silent: bool = False, camera: str = "door") -> Event:
        event = Event("fight", started)
        event.confirmed, event.peak, event.total, event.steps = started + 1, 0.9, 0.9, 1
        self.desk.confirmed(camera, event, gray(0, 9), silent, lambda: self.told.append(1))
        return event

    def end(self, event: Event, seconds: float = 10.0, camera: str = "door") -> None:
        event.ended = event.started + seconds
        self.desk.ended(camera, event)

    def events(self) -> list:
        self.desk.wait(10)
        return self.store.events()


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setattr(event_desk, "_RETRY_PAUSE", 0.01)
    scene = Made(tmp_path)
    yield scene
    scene.desk.close(10)
    scene.store.close()


def test_a_confirmed_event(made):
    made.confirm()
    (event,) = made.events()
    assert (event.camera, event.label, event.started) == ("door", "fight", UTC + 100)
    assert (event.confirmed, event.peak, event.silent) == (UTC + 101, 0.9, False)
    assert (made.store.folder / event.still).read_bytes().startswith(b"\xff\xd8")
    # The seconds before it are kept while the database is slow.
    assert made.recorder.made == [("expect", 100.0), ("begin", event.id, 100.0)]
    assert made.mqtt.made == [("set_event", "door", "fight", True)]
    ((_, told),) = made.messenger.made
    assert told.still == event.still  # the message has the picture
    assert (made.told, made.hub.counters["events"]) == ([1], 1)


def test_the_end_of_an_event_is_told_after_its_recording(made):
    made.end(made.confirm())
    (event,) = made.events()
    assert (event.duration, event.ended) == (10.0, UTC + 110)
    assert made.recorder.made[-1] == ("end", event.id, 110.0)
    assert made.mqtt.made[-1] == ("set_event", "door", "fight", False)
    assert made.messenger.named("ended") == []
    made.desk.recorded(event.id)
    made.desk.wait(10)
    assert len(made.messenger.named("ended")) == 1


@pytest.mark.parametrize("step", [-3600.0, 300.0])
def test_a_clock_that_is_set_during_an_event_changes_no_length(made, step):
    event = made.confirm()
    made.desk.wait(10)
    made.offset += step
    made.desk.still_open("door", event, 105.0)
    made.end(event, 12.0)
    (row,) = made.events()
    assert (row.started, row.ended, row.duration) == (UTC + 100, UTC + 112, 12.0)


def test_a_silent_event_is_kept_and_nobody_is_told(made):
    made.end(made.confirm(silent=True))
    (event,) = made.events()
    made.desk.recorded(event.id)
    made.desk.wait(10)
    assert event.silent
    assert event.still
    assert (made.messenger.made, made.told) == ([], [])


def test_without_a_recorder_the_end_is_told_at_once(made):
    made.end(made.confirm(camera="yard"), camera="yard")
    made.events()
    assert len(made.messenger.named("ended")) == 1


def test_what_is_still_open_ends_there_after_a_kill(made):
    event = made.confirm()
    event.peak = 0.95
    made.desk.still_open("door", event, 107.0)
    made.desk.wait(10)
    assert made.store.end_open_events() == [1]
    (row,) = made.store.events()
    assert (row.ended, row.peak) == (UTC + 107, 0.95)


def test_an_event_that_is_deleted_while_it_is_open(made):
    event = made.confirm()
    (row,) = made.events()
    made.store.delete_event(row.id)
    made.end(event)
    made.desk.recorded(row.id)
    assert made.events() == []
    assert made.messenger.named("ended") == []


def failing(store, times: int):
    """Let a number of writes of events fail."""
    add, left = store.add_event, [times]

    def add_event(*arguments):
        if left[0]:
            left[0] -= 1
            raise LookbackError("events.db: database is locked")
        return add(*arguments)

    return add_event


def test_a_database_that_is_locked_is_awaited_and_told_once(made, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(made.store, "add_event", failing(made.store, 5))
    made.end(made.confirm())
    (event,) = made.events()
    assert event.duration == 10
    assert caplog.text.count("could not be stored") == 1
    assert caplog.text.count("stored again") == 1


def test_a_database_that_stays_locked_loses_events_and_nothing_waits_for_it(
    made, monkeypatch, caplog
):
    monkeypatch.setattr(made.store, "add_event", failing(made.store, 10**6))
    made.confirm(100.0)
    wait_for(lambda: "could not be stored" in caplog.text)
    made.seconds = 61.0
    made.end(made.confirm(200.0))
    assert made.events() == []
    assert caplog.text.count("could not be stored") == 1
    monkeypatch.undo()
    made.confirm(300.0)
    assert [event.started for event in made.events()] == [UTC + 300]


def test_a_still_that_cannot_be_written_is_told_and_the_message_goes(made, caplog):
    (made.store.folder / "stills").write_text("in the way")
    made.confirm(100.0)
    made.confirm(200.0)
    assert [event.still for event in made.events()] == [None, None]
    assert caplog.text.count("no still could be written") == 1
    assert len(made.messenger.made) == 2
    (made.store.folder / "stills").unlink()
    made.confirm(300.0)
    assert made.events()[-1].still


def test_an_unexpected_error_does_not_end_the_thread(made, monkeypatch, caplog):
    monkeypatch.setattr(made.messenger, "confirmed", lambda row: 1 / 0, raising=False)
    made.confirm(100.0)
    made.desk.wait(10)
    assert "an event could not be reported" in caplog.text
    made.confirm(200.0)
    assert len(made.events()) == 2


def test_cameras_and_their_states(made):
    made.desk.camera_state("door", True, False)
    made.desk.camera_lost("door", 50.0, "refused")
    made.desk.camera_back("door", 70.0)
    made.desk.wait(10)
    assert made.mqtt.made == [("set_live", "door", True), ("set_armed", "door", False)]
    assert made.messenger.made == [
        ("camera_lost", "door", UTC + 50, "refused"),
        ("camera_back", "door", 70.0),
    ]


def test_without_targets_and_broker_events_are_stored(tmp_path):
    made = SimpleNamespace(store=EventStore(tmp_path), hub=Hub())
    desk = EventDesk(Reports(made.store, {}), made.hub)
    desk.camera_lost("door", 1.0, "")
    desk.camera_back("door", 1.0)
    desk.camera_state("door", True, True)
    event = Event("fight", 1.0)
    event.confirmed = 2.0
    desk.confirmed("door", event, gray(0, 9), False, lambda: None)
    desk.close(10)
    assert len(made.store.events()) == 1
    made.store.close()
