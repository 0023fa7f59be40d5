"""Database, recorders, messages and MQTT of a run: started together, ended in order and in time."""

import sqlite3
import threading
import time

import pytest

from live.cameras.config import CameraConfig
from live.events.store import EventStore
from live.hub import Hub
from live.watching.ending import Ending
from live.watching.reporting import Reporting, _longest_hold
from recipes.loader import load
from tests.live.messages.servers import Mailbox, address_of, mail_server, wait_for
from tests.live.servers import free_port
from video.errors import LookbackError, UsageError

DOOR = CameraConfig("door", "webcam", 0)


def recipe(folder, **keys):
    given = {key.replace("__", "."): value for key, value in keys.items()}
    return load(None, {"live.folder": str(folder), **given}).recipe


def started(folder, **keys) -> Reporting:
    return Reporting(recipe(folder, **keys), [DOOR], Hub(), False, lambda camera, armed: None)


def threads() -> set[str]:
    return {each.name for each in threading.enumerate()}


@pytest.mark.parametrize(
    ("keys", "camera", "seconds"),
    [
        ({}, {}, 1.0),
        ({"alarms__hold_seconds": 4.0}, {}, 4.0),
        ({"alarms__per_class": {"fall": {"hold_steps": 80}}}, {}, 8.0),
        ({"alarms__preset": "positive_frames", "alarms__hold_seconds": 0.0}, {}, 0.6),
        ({}, {"alarms": {"hold_seconds": 7.0}}, 7.0),
        ({}, {"alarms_per_class": {"fall": {"hold_seconds": 9.0}}}, 9.0),
        ({"alarms__hold_steps": 6}, {"fps": 1.0}, 6.0),
    ],
)
def test_the_ring_reaches_to_the_start_of_the_longest_hold(keys, camera, seconds, tmp_path):
    made = CameraConfig("door", "webcam", 0, **camera)
    assert _longest_hold(recipe(tmp_path, **keys), made) == pytest.approx(seconds)


def test_the_end_is_in_time_and_leaves_no_thread(tmp_path):
    before = threads()
    made = started(tmp_path)
    assert {"events", "record door", "finish recordings"} <= threads()
    began = time.monotonic()
    made.end(Ending())
    assert time.monotonic() - began < 2
    assert threads() <= before | {"repair"}


def test_a_database_that_another_program_locks_does_not_delay_the_end(tmp_path):
    made = started(tmp_path)
    other = sqlite3.connect(tmp_path / "events.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    busy = threading.Thread(target=lambda: made.store.set_setting("a", 1))
    busy.start()
    time.sleep(0.2)  # it waits for the other program, with the lock of the database
    began = time.monotonic()
    made.end(Ending(1.0))
    assert time.monotonic() - began < 2.5
    other.execute("ROLLBACK")
    other.close()
    busy.join()


def test_a_second_program_is_refused_and_keeps_nothing_open(tmp_path):
    made = started(tmp_path)
    before = threads()
    with pytest.raises(LookbackError, match="another program watches"):
        started(tmp_path)
    assert threads() <= before
    made.end(Ending())
    started(tmp_path).end(Ending())


def test_a_wrong_file_of_targets_is_refused_before_anything_is_opened(tmp_path):
    targets = tmp_path / "targets.yaml"
    targets.write_text("mail: nonsense://x")
    with pytest.raises(UsageError):
        started(tmp_path / "events", live__messages__targets=str(targets))
    assert not (tmp_path / "events").exists()


def test_what_a_kill_left_is_ended_and_told_once(tmp_path):
    store = EventStore(tmp_path / "events")
    told = store.add_event("door", "fight", 1000.0, 1001.0)
    store.queue("start", "mail", "s", "b", "door", told)
    store.mark_sent(1)
    store.touch_event(told, 30.0, 0.9)
    silent = store.add_event("door", "fight", 2000.0, 2001.0, silent=True)
    store.close()
    targets, mailbox, port = tmp_path / "targets.yaml", Mailbox(), free_port()
    targets.write_text(f"mail: {address_of(port)}")
    targets.chmod(0o600)
    with mail_server(mailbox, port):
        for _ in range(2):
            made = started(tmp_path / "events", live__messages__targets=str(targets))
            wait_for(lambda: len(mailbox.mails) == 1)
            made._repairing.join(10)
            made.desk.wait(10)
            rows = made.store.events()
            made.end(Ending())
    assert [(row.id, row.ended) for row in rows] == [(told, 1030.0), (silent, 2001.0)]
    assert mailbox.copies == 1
