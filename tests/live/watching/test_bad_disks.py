"""A disk that is full or has become read-only: watching goes on, and it is told once.

Prints a table: python -m pytest -m live_servers -s tests/live/watching/test_bad_disks.py
"""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.small_disk import mounted
from tests.live.watching.program import START_SECONDS, events_of, row_told, select

pytestmark = [pytest.mark.live_servers, pytest.mark.shared, pytest.mark.timeout(900)]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A mounted file system of 20 MB at `events`; only root can have one."""
    with mounted(tmp_path / "events") as place:
        yield place


def fill(disk: Path) -> Path:
    """Fill a disk to its last byte; return the file."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                continue
    return ballast


def test_a_full_disk(server, watch, disk):
    """Full while it watches, and full when it starts."""
    flags = ["--url", server.address, "--set", "live.bridge_seconds=1"]
    program = watch(*flags)
    program.wait(lambda: events_of(disk), what="an event")
    ballast = fill(disk)
    for number in (1, 2):  # two more events, of which nothing fits on the disk
        server.kill()
        time.sleep(3)
        server.start()
        program.wait_for(f"event {number + 1},")
    rows = program.wait_for_rows(5)
    said = [line for line in program.lines if "watching goes on" in line]
    kept = [line for line in program.lines if "kept in memory" in line]
    took = program.end()
    row_told(
        "disk full while watching",
        f"{len(said) + len(kept)} lines about it",
        f"ended in {took:.1f} s",
    )
    assert rows
    assert len(said) == 1
    assert len(kept) <= 1
    assert program.text.count("no still could be written") <= 1
    assert took < 3
    again = watch(*flags)
    again.wait_for("engine:")
    again.wait_for_rows(5)
    again.wait_for(" event ")
    ballast.unlink()
    again.wait(lambda: len(select(disk, "SELECT id FROM events WHERE ended IS NULL")) == 1)
    row_told("disk full at the start", "watching goes on; stored when there was room again")
    assert again.end() < 3


def test_folders_that_become_read_only(server, watch, disk):
    program = watch("--url", server.address, "--set", "live.bridge_seconds=1")
    program.wait(lambda: list((disk / "recordings").rglob("*.mp4")), what="a recording")
    mount = ["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs"]
    places = [disk / "recordings", disk / "stills"]
    for place in places:
        subprocess.run([*mount, str(place)], check=True)
    try:
        for number in (2, 3):
            server.kill()
            time.sleep(3)
            server.start()
            program.wait_for(f"event {number},")
        program.wait_for_rows(20)
        assert len(events_of(disk)) == 3
        took = program.end()
    finally:
        for place in places:
            subprocess.run(["umount", "--lazy", str(place)], check=True)
    stopped = [line for line in program.lines if "recording has stopped" in line]
    stills = [line for line in program.lines if "no still could be written" in line]
    row_told("read-only folders", "3 events, told once", f"ended in {took:.1f} s")
    assert (len(stopped), len(stills)) == (1, 1)
    assert took < 3


def test_a_folder_that_is_read_only_at_the_start_is_one_line(watch, disk):
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    program = watch("--webcam", "0")
    assert program.join(START_SECONDS) == 1
    row_told("read-only at the start", program.lines[-1].strip())
    assert "cannot be used as the database" in program.text
    assert "Traceback" not in program.text
