"""Old files are deleted by age, size and free space; what is needed is spared."""

import os
from pathlib import Path

import pytest

from live.events.store import EventStore
from live.recording.disk import Disk
from live.recording.retention import Retention
from tests.live.recording.conftest import settings_of

_NOW = 1_790_000_000.0
_DAY = 86_400.0
_MB = 1_000_000


class Folder:
    """A folder with recordings and stills of given ages, and the free bytes of its disk."""

    def __init__(self, folder: Path) -> None:
        self.store, self.free = EventStore(folder), 10**12
        self.folder = folder

    def write(self, name: str, days: float, size: int = 1000) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
        os.utime(path, (_NOW - days * _DAY,) * 2)
        return path

    def event(self, days: float, size: int = 1000, still: int = 100) -> int:
        number = self.store.add_event("hall", "fall", _NOW - days * _DAY)
        path = f"recordings/day{days:g}/hall-{number}.mp4"
        self.write(path, days, size)
        recording = self.store.add_recording(number, 1, path, _NOW - days * _DAY)
        self.store.finish_recording(recording, _NOW - days * _DAY + 10, size)
        if still:
            self.store.set_still(number, f"stills/hall-{number}.jpg")
            self.write(f"stills/hall-{number}.jpg", days, still)
        return number

    def run(self, **changed):
        settings = settings_of(**changed)
        disk = Disk(self.folder, settings.free_gigabytes, free_bytes=lambda _: self.free)
        return Retention(self.store, settings, disk, utc=lambda: _NOW).run()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.rglob("hall*"))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "events")


def test_old_files_are_deleted_and_the_rows_stay(folder: Folder):
    old, new = folder.event(8), folder.event(6)
    done = folder.run(keep_days=7)
    assert (done.deleted, done.freed, done.kept, done.size, done.unknown) == (2, 1100, 2, 1100, 0)
    assert folder.names() == [f"hall-{new}.jpg", f"hall-{new}.mp4"]
    assert folder.store.event(old).paths == ()
    assert folder.store.event(old).still is None
    assert folder.store.event(old).recordings[0].deleted
    assert folder.store.event(new).paths != ()
    assert not (folder.folder / "recordings/day8").exists()
    assert folder.run(keep_days=7).deleted == 0


def test_above_the_total_size_the_oldest_go_first(folder: Folder):
    numbers = [folder.event(days, size=2 * _MB, still=0) for days in (1, 3, 2, 4)]
    assert folder.run(keep_gigabytes=0.005).deleted == 2
    assert folder.names() == [f"hall-{numbers[0]}.mp4", f"hall-{numbers[2]}.mp4"]


def test_below_the_least_free_space_the_oldest_go_until_there_is_room(folder: Folder):
    numbers = [folder.event(days, size=2 * _MB, still=0) for days in (1, 2, 3, 4)]
    folder.free = 7 * _MB
    # 10 MB have to be free, and a tenth more, so that recording goes on for a while.
    assert folder.run(free_gigabytes=0.01).deleted == 2
    assert folder.names() == [f"hall-{number}.mp4" for number in numbers[:2]]


def test_where_others_fill_the_disk_nothing_is_deleted_for_nothing(folder: Folder):
    folder.event(1, size=2 * _MB)
    folder.free = 7 * _MB
    assert folder.run(free_gigabytes=0.1).deleted == 0


def test_files_that_the_database_does_not_know_are_counted_and_grow_old_too(folder: Folder):
    folder.write("recordings/2026/hall-lost.mp4", 9)
    folder.write("stills/hall-new.jpg", 1, size=50)
    folder.write("stills/hall-notes.txt", 9)  # nothing of ours
    folder.write("recordings/part.hall-9.mp4", 9)  # being written
    done = folder.run()
    assert (done.deleted, done.kept, done.size, done.unknown) == (1, 1, 50, 1)
    assert folder.names() == ["hall-new.jpg", "hall-notes.txt"]
    assert (folder.folder / "recordings/part.hall-9.mp4").exists()


def test_what_a_waiting_message_names_is_spared(folder: Folder):
    number = folder.event(30)
    event = folder.store.event(number)
    still = folder.store.queue("start", "mail", "", "", "hall", number, event.still)
    clip = folder.store.queue("end", "mail", "", "", "hall", number, event.paths[0])
    assert folder.run().deleted == 0
    folder.store.mark_sent(still)
    assert folder.run().deleted == 1
    assert folder.store.event(number).still is None
    folder.store.mark_given_up(clip, "too late")
    assert folder.run().deleted == 1


def test_recordings_that_are_open_are_spared(folder: Folder):
    number = folder.store.add_event("hall", "fall", _NOW - 30 * _DAY)
    folder.store.add_recording(number, 1, "recordings/hall-1.mp4", _NOW - 30 * _DAY)
    folder.write("recordings/open.hall-1.mp4", 30)
    folder.write("recordings/open.hall-2.mp4", 30)  # of a database that is gone
    assert folder.run(keep_gigabytes=1e-9).deleted == 1
    assert (folder.folder / "recordings/open.hall-1.mp4").exists()


def test_links_are_not_followed(folder: Folder, tmp_path: Path):
    target = tmp_path / "precious.mp4"
    target.write_bytes(b"x")
    (folder.folder / "recordings").mkdir(parents=True)
    (folder.folder / "recordings/hall-link.mp4").symlink_to(target)
    assert folder.run(keep_days=1e-9).kept == 0
    assert target.exists()


def test_the_thread_runs_at_once_and_ends(folder: Folder):
    number = folder.event(30)
    disk = Disk(folder.folder, 0.0)
    retention = Retention(folder.store, settings_of(), disk, utc=lambda: _NOW)
    retention.start(3600)
    retention.close(10)
    assert folder.names() == []
    assert folder.store.event(number) is not None
