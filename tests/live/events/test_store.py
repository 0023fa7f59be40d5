"""The database of events: rows, threads, processes, clocks, and damaged files."""

import sqlite3
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from live.events import database
from live.events.clock import day_bounds
from live.events.database import Database
from live.events.schema import MIGRATIONS
from live.events.store import EventStore
from tests.running import ROOT
from video.errors import LookbackError

_T = 1_790_000_000.0


@pytest.fixture
def store(tmp_path: Path):
    with_file = EventStore(tmp_path / "events")
    yield with_file
    with_file.close()


def test_an_event_is_read_back(store: EventStore):
    number = store.add_event("hall", "fall", _T, confirmed=_T + 1, peak=0.8)
    store.set_still(number, "stills/a.jpg")
    store.touch_event(number, 4.0, 0.85)
    assert store.event(number).ended is None
    assert store.event(number).seen == _T + 4
    store.end_event(number, 6.5, 0.9, 0.7)
    event = store.event(number)
    assert (event.camera, event.label, event.started, event.confirmed) == (
        "hall",
        "fall",
        _T,
        _T + 1,
    )
    assert (event.ended, event.duration, event.peak, event.mean) == (_T + 6.5, 6.5, 0.9, 0.7)
    assert (event.still, event.silent, event.verdict) == ("stills/a.jpg", False, None)
    store.judge_event(number, "wrong", "sit")
    assert (store.event(number).verdict, store.event(number).corrected_label) == ("wrong", "sit")
    assert store.event(number + 1) is None


def test_a_file_that_is_there_is_opened_and_its_rows_stay(tmp_path: Path):
    first = EventStore(tmp_path)
    first.add_event("hall", "fall", _T)
    first.set_setting("thresholds", {"fall": [0.9, 0.5]})
    first.close()
    again = EventStore(tmp_path / "events.db")
    assert [event.camera for event in again.events()] == ["hall"]
    assert again.setting("thresholds") == {"fall": [0.9, 0.5]}
    assert again.setting("other", 3) == 3
    again.set_setting("thresholds", None)
    assert again.settings() == {"thresholds": None}
    again.close()


def test_events_of_a_time_are_those_that_were_open_in_it(store: EventStore):
    before, into, inside, after = (
        store.add_event("a" if shift < 30 else "b", "fall", _T + shift) for shift in (0, 8, 12, 40)
    )
    for number, length in ((before, 5), (into, 5), (inside, 1), (after, 1)):
        store.end_event(number, length, 0.9, 0.8)
    still_open = store.add_event("a", "fall", _T + 1)

    def found(**asked) -> list[int]:
        return [event.id for event in store.events(**asked)]

    assert found(since=_T + 10, until=_T + 20) == [still_open, into, inside]
    assert found(since=_T + 10, until=_T + 20, limit=1) == [inside]
    assert found(camera="b") == [after]
    assert found() == [before, still_open, into, inside, after]


def test_what_a_kill_left_open_ends_at_its_last_known_time(tmp_path: Path):
    killed = EventStore(tmp_path)
    number = killed.add_event("hall", "fall", _T, confirmed=_T + 1)
    killed.touch_event(number, 7.0, 0.9)
    other = killed.add_event("hall", "fight", _T)
    viewer = EventStore(tmp_path)  # another program that only reads: it ends nothing
    assert [event.ended for event in viewer.events()] == [None, None]
    assert viewer.end_open_events() == [number, other]
    assert [(event.ended, event.duration) for event in killed.events()] == [
        (_T + 7, 7.0),
        (_T, 0.0),
    ]
    assert viewer.end_open_events() == []


def test_numbers_are_never_used_again(store: EventStore):
    first = store.add_event("hall", "fall", _T)
    assert store.delete_event(first)
    assert not store.delete_event(first)
    assert store.add_event("hall", "fall", _T) == first + 1


def test_deleting_an_event_deletes_its_files_and_no_others(store: EventStore):
    number = store.add_event("hall", "fall", _T)
    (store.folder / "recordings").mkdir()
    outside = store.folder.parent / "outside.jpg"
    for path in (outside, store.folder / "recordings/a.mp4", store.folder / "recordings/b.mp4"):
        path.write_bytes(b"x")
    store.finish_recording(store.add_recording(number, 1, "recordings/a.mp4", _T), _T + 1, 1)
    store.set_still(number, "../outside.jpg")
    store.delete_event(number)
    assert outside.exists()
    assert [path.name for path in (store.folder / "recordings").iterdir()] == ["b.mp4"]
    assert store.recordings() == []


def test_recordings_come_in_order_and_only_complete_ones_are_played(store: EventStore):
    number = store.add_event("hall", "fall", _T)
    second = store.add_recording(number, 2, "r/2.mp4", _T + 120)
    first = store.add_recording(number, 1, "r/1.mp4", _T)
    assert store.event(number).paths == ()
    assert [row.id for row in store.recordings(only_open=True)] == [first, second]
    assert store.finish_recording(first, _T + 120, 500)
    assert store.finish_recording(second, _T + 130, 70)
    assert store.event(number).paths == ("r/1.mp4", "r/2.mp4")
    assert store.counts()["recording_bytes"] == 570
    store.mark_deleted(["r/1.mp4"])
    assert store.event(number).paths == ("r/2.mp4",)
    assert [row.deleted for row in store.event(number).recordings] == [True, False]
    store.delete_event(number)
    assert not store.finish_recording(second, _T, 1)


def test_an_events_message_is_queued_once_for_each_target(store: EventStore):
    number = store.add_event("hall", "fall", _T)
    first = store.queue("start", "mail", "s", "b", "hall", number, "stills/a.jpg", now=_T)
    assert first is not None
    assert store.queue("start", "mail", "s", "b", "hall", number, now=_T) is None
    assert store.queue("start", "phone", "s", "b", "hall", number, now=_T) is not None
    assert store.queue("end", "mail", "s", "b", "hall", number, now=_T) is not None
    for _ in range(2):  # messages about no event are no duplicates
        assert store.queue("lost", "mail", "s", "b", "hall", now=_T) is not None
    assert store.attachments() == {"stills/a.jpg"}
    store.mark_sent(first, _T + 1)
    assert store.attachments() == set()
    assert store.sent_since("mail", _T) == 1
    assert store.sent_since("mail", _T + 2) == 0


def test_messages_come_when_they_are_due(store: EventStore):
    first = store.queue("test", "mail", "1", "", now=_T)
    second = store.queue("test", "mail", "2", "", now=_T, due=_T + 60)
    assert [row.id for row in store.due(_T)] == [first]
    store.mark_failed(first, "refused", _T + 10, now=_T + 1)
    assert store.due(_T + 2) == []
    assert store.next_due() == _T + 10
    assert [row.id for row in store.due(_T + 60)] == [first, second]
    assert (store.message(first).tries, store.message(first).error) == (1, "refused")
    store.mark_given_up(first, "two days")
    digest = store.digest([first, second], "mail", "2 messages", "...", now=_T + 60)
    assert [row.id for row in store.waiting()] == [digest]
    assert store.message(first).state == "given_up"
    assert store.message(second).state == "digested"
    assert store.counts()["messages_given_up"] == 1
    assert store.forget_messages(_T + 1) == 2
    assert [row.id for row in store.waiting("mail")] == [digest]


def test_after_the_clock_was_set_back_no_message_waits_for_the_old_time(store: EventStore):
    number = store.queue("test", "mail", "1", "", now=_T)
    store.mark_failed(number, "refused", _T + 10, now=_T)
    back = _T - 3600
    assert [row.id for row in store.due(back)] == [number]
    store.mark_failed(number, "refused", back + 20, now=back)  # and it is not tried all the time
    assert store.due(back + 1) == []
    assert [row.id for row in store.due(back + 20)] == [number]


def test_events_without_their_message_are_found(store: EventStore):
    told, untold, silent = (
        store.add_event("hall", "fall", _T, _T, silent=each) for each in (False, False, True)
    )
    for number in (told, untold, silent):
        store.end_event(number, 1.0, 0.9, 0.9)
    store.add_event("hall", "fall", _T, _T)  # still open
    store.queue("end", "mail", "", "", "hall", told)
    assert [event.id for event in store.unreported("end")] == [untold]


def test_corrections(store: EventStore):
    first = store.add_correction("hall", "sit", _T, _T + 5, event_id=3)
    second = store.add_correction("hall", "fall", _T, _T + 5, "clips/fall/a.mp4")
    store.set_clip(first, "clips/sit/b.mp4")
    store.mark_used([second])
    assert [row.clip for row in store.corrections()] == ["clips/sit/b.mp4", "clips/fall/a.mp4"]
    assert [row.id for row in store.corrections(used=False)] == [first]
    assert store.corrections(used=True)[0].used is True
    store.delete_correction(first)
    assert store.counts()["corrections"] == 1


def test_threads_and_stores_write_at_once(store: EventStore):
    other = EventStore(store.folder)

    def write(place: EventStore) -> None:
        for index in range(10):
            number = place.add_event("hall", "fall", _T + index)
            place.end_event(number, 1.0, 0.9, 0.8)

    threads = [threading.Thread(target=write, args=(each,)) for each in (store, other) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.counts()["events"] == 40
    assert store.counts()["open_events"] == 0
    other.close()


def test_what_was_written_survives_a_kill(tmp_path: Path):
    script = (
        "import os, sys\n"
        "from live.events.store import EventStore\n"
        f"store = EventStore({str(tmp_path)!r})\n"
        "number = store.add_event('hall', 'fall', 1.0)\n"
        "store.queue('start', 'mail', 's', 'b', 'hall', number)\n"
        "os.kill(os.getpid(), 9) if hasattr(os, 'fork') else os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    store = EventStore(tmp_path)
    assert store.counts()["open_events"] == 1
    assert store.counts()["messages_waiting"] == 1


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 28)])
def test_a_day_holds_its_events_also_when_the_clocks_change(store: EventStore, day: date):
    zone = ZoneInfo("Europe/Berlin")
    start, end = day_bounds(day, zone)
    hours = {3: 23, 10: 25, 11: 24}[day.month]
    assert end - start == hours * 3600
    numbers = [
        store.add_event("hall", "fall", start + 3600 * hour) for hour in range(-1, hours + 1)
    ]
    for number in numbers:
        store.end_event(number, 1.0, 0.9, 0.8)
    assert [event.id for event in store.events(start, end)] == numbers[1:-1]


@pytest.mark.parametrize("step", [-3600, 300])
def test_a_clock_that_is_set_loses_no_event(store: EventStore, step: float):
    start, end = day_bounds(date(2026, 11, 28), ZoneInfo("Europe/Berlin"))
    noon = start + 43_200
    crossing = store.add_event("hall", "fall", noon, noon + 1)
    later = store.add_event("hall", "fall", noon + step + 20, noon + step + 21)
    store.end_event(crossing, 15.0, 0.9, 0.8)  # the length is of the monotonic clock
    store.end_event(later, 2.0, 0.9, 0.8)
    found = {event.id: event for event in store.events(start, end)}
    assert set(found) == {crossing, later}
    assert all(event.ended > event.started for event in found.values())


def test_one_program_watches_with_a_folder(tmp_path: Path):
    script = (
        "import sys, time\n"
        "from live.events.store import EventStore\n"
        f"store = EventStore({str(tmp_path)!r})\n"
        "store.claim()\n"
        "print('watching', flush=True)\n"
        "time.sleep(60)\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "watching\n"
    store = EventStore(tmp_path)  # a viewer is welcome
    with pytest.raises(LookbackError, match="another program watches") as raised:
        store.claim()
    assert str(tmp_path) in str(raised.value)
    other.kill()
    other.communicate()
    store.claim()
    store.claim()
    with pytest.raises(LookbackError):
        EventStore(tmp_path).claim()
    store.close()


# Files that are no database of ours


def _refusal(path: Path) -> str:
    with pytest.raises(LookbackError) as raised:
        EventStore(path)
    assert "\n" not in str(raised.value)
    assert str(path) in str(raised.value)
    return str(raised.value)


def test_a_file_of_text_is_refused_and_stays(tmp_path: Path):
    path = tmp_path / "events.db"
    path.write_text("shopping list\n" * 100)
    assert "not a database, or damaged" in _refusal(path)
    assert path.read_text().startswith("shopping list")


def test_a_damaged_database_is_refused(tmp_path: Path):
    store = EventStore(tmp_path)
    for index in range(200):
        store.add_event("hall" * 20, "fall", _T + index)
    store.close()
    path = tmp_path / "events.db"
    content = bytearray(path.read_bytes())
    content[4096 * 2 : 4096 * 9] = b"\xff" * 4096 * 7
    path.write_bytes(bytes(content))
    assert "damaged" in _refusal(path)


def test_a_database_of_another_program_is_refused_and_not_changed(tmp_path: Path):
    path = tmp_path / "events.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE bookmarks (url)")
    other.close()
    content = path.read_bytes()
    assert "another program" in _refusal(path)
    assert path.read_bytes() == content


def test_a_newer_version_is_refused_and_an_older_one_is_brought_up(tmp_path: Path):
    path = tmp_path / "events.db"
    EventStore(path).add_event("hall", "fall", _T)
    newer = Database(path, (*MIGRATIONS, "ALTER TABLE events ADD COLUMN place TEXT;"))
    row = newer.read("SELECT camera, place FROM events")[0]
    assert tuple(row) == ("hall", None)
    newer.close()
    assert "newer Lookback" in _refusal(path)


def test_a_migration_that_fails_changes_nothing(tmp_path: Path):
    path = tmp_path / "events.db"
    EventStore(path).close()
    broken = "ALTER TABLE events ADD COLUMN place TEXT; ALTER TABLE nothing ADD COLUMN a TEXT;"
    with pytest.raises(LookbackError):
        Database(path, (*MIGRATIONS, broken))
    store = EventStore(path)
    assert "place" not in store._database.read("SELECT * FROM sqlite_master")[0]["sql"]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path):
    (tmp_path / "file").write_text("")
    assert "cannot be used as the database" in _refusal(tmp_path / "file" / "events.db")


# A full disk


def test_a_full_disk_loses_no_row(tmp_path: Path, monkeypatch):
    store = EventStore(tmp_path)
    before = store.add_event("hall", "fall", _T)
    monkeypatch.setattr(database, "_RETURN_SECONDS", 0.0)
    pages = store._database.read("PRAGMA page_count")[0][0]
    store._database.read(f"PRAGMA max_page_count = {pages}")
    numbers = [store.add_event("hall" * 300, "fall", _T + index) for index in range(20)]
    assert store._database.in_memory
    assert len(store.events()) == 21
    viewer = EventStore(tmp_path)
    written = [event.id for event in viewer.events()]
    assert written == [before, *numbers[: len(written) - 1]]
    assert len(written) < 21
    store._database._disk.execute("PRAGMA max_page_count = 1000000")  # there is room again
    last = store.add_event("hall", "fall", _T + 50)
    assert not store._database.in_memory
    assert [event.id for event in viewer.events()] == [before, *numbers, last]


def test_rows_in_memory_are_written_when_the_store_is_closed(tmp_path: Path):
    store = EventStore(tmp_path)
    store._database._continue_in_memory(sqlite3.OperationalError("database or disk is full"))
    store.add_event("hall", "fall", _T)
    assert EventStore(tmp_path).counts()["events"] == 0
    store.close()
    assert EventStore(tmp_path).counts()["events"] == 1
