"""A real disk of 20 MB that is full: recording stops, rows are kept, old clips make room."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from live.events.store import EventStore
from live.recording.disk import Disk
from live.recording.retention import Retention
from tests.live.recording.conftest import Scene, decoded, h264_stream, settings_of
from tests.live.small_disk import mounted

_MB = 1_000_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A mounted file system of 20 MB; only root can have one."""
    with mounted(tmp_path / "disk") as place:
        yield place


def _fill(folder: Path, store: EventStore, leave: int) -> list[int]:
    """Fill the disk with recordings of a megabyte, one an hour, until `leave` bytes are free."""
    numbers = []
    disk = Disk(folder, 0.0)
    while (free := disk.free()) > leave:
        started = 1_789_000_000.0 + 3600 * len(numbers)
        numbers.append(store.add_event("hall", "fall", started))
        path = f"recordings/old/hall-{numbers[-1]}.mp4"
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(bytes(min(_MB, free - leave)))
        row = store.add_recording(numbers[-1], 1, path, started)
        store.finish_recording(row, started + 10, place.stat().st_size)
        store.end_event(numbers[-1], 10.0, 0.9, 0.8)
    return numbers


@pytest.mark.parametrize("leave", [4096, 40_960])
def test_a_full_disk_stops_recording_and_loses_no_row(small_disk: Path, leave: int):
    made = Scene(small_disk / "events", settings_of(preroll_seconds=1.0), {})
    ballast = small_disk / "ballast"
    numbers = []

    def at(index: int) -> None:
        made.settle()
        if index == 20:
            left = Disk(small_disk, 0.0).free() - leave
            ballast.write_bytes(bytes(left))
            numbers.append(made.event(made.now))
        if index == 25:
            for _ in range(30):
                numbers.append(made.store.add_event("hall" * 100, "fall", made.now))
        if index == 100:
            assert len(made.problems) == 1
            assert "No space left" in made.problems[0]
            ballast.unlink()

    # The pictures do not compress: they are large.
    made.play(h264_stream(260, size=(320, 240), noise=True), at)
    assert made.problems[1:] == [""]
    made.close()
    made.store.close()
    store = EventStore(small_disk / "events")
    assert [event.id for event in store.events()] == numbers
    parts = [decoded(store.folder / path) for path in store.event(numbers[0]).paths]
    assert parts
    assert len(parts[-1].codes) >= 50
    for path in (small_disk / "events" / "recordings").rglob("*.mp4"):
        assert not path.name.startswith(("open.", "part."))
    store.close()


def test_old_clips_make_room_on_a_full_disk(small_disk: Path):
    made = Scene(small_disk / "events", settings_of(free_gigabytes=0.004), {})
    made.disk._free_bytes = Disk(small_disk, 0.0)._free_bytes
    old = _fill(made.folder, made.store, leave=2 * _MB)
    numbers = []
    retention = Retention(made.store, made.settings, made.disk, utc=lambda: 1_789_100_000.0)

    def at(index: int) -> None:
        made.settle()
        if index == 20:
            numbers.append(made.event(made.now))
        if index == 40:
            assert "GB of disk space are free" in made.problems[0]
            assert 2 <= retention.run().deleted <= 4

    made.play(h264_stream(120), at)
    made.close()
    assert made.problems[1:] == [""]
    (path,) = made.store.event(numbers[0]).paths
    assert decoded(made.folder / path).codes[-1] == 119
    left = [bool(made.store.event(number).paths) for number in old]
    assert left == sorted(left)  # the oldest went first
    assert left[0] is False
    assert left[-1] is True
    made.store.close()
