"""Recordings survive a kill in the middle of an event."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from live.events.store import EventStore
from live.recording import part
from live.recording.part import open_path
from live.recording.repair import leftovers_of, repair
from tests.live.recording.conftest import decoded, h264_stream, is_indexed_first
from tests.running import ROOT

_SCRIPT = """
import sys, time
from pathlib import Path
from tests.live.recording.conftest import Scene, h264_stream, settings_of

made = Scene(Path(sys.argv[1]), settings_of(), {"copies": sys.argv[2] == "packets"})

def at(index):
    if index == 20:
        made.event(made.now)
    if index > 20 and index % 10 == 0:
        made.settle()
        time.sleep(0.05)
        print(index, flush=True)

made.play(h264_stream(200), at, packets=sys.argv[2] == "packets")
time.sleep(60)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
@pytest.mark.parametrize("kind", ["packets", "pictures"])
def test_an_event_survives_kill_9(tmp_path: Path, kind: str):
    killed = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, str(tmp_path), kind],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in killed.stdout:
        if int(line) >= 100:
            break
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()

    store = EventStore(tmp_path)
    (event,) = store.events()
    (row,) = event.recordings
    assert not row.complete
    assert not (tmp_path / row.path).exists()
    assert open_path(tmp_path / row.path).exists()
    assert repair(store) == {event.id: [row.path]}

    shown = decoded(tmp_path / row.path)
    assert shown.codec == "h264"
    assert shown.codes[0] == 0
    # No more than the last group, or the last second, is missing.
    assert shown.codes == list(range(len(shown.codes)))
    assert len(shown.codes) >= 100 - 10
    assert is_indexed_first(tmp_path / row.path)
    (row,) = store.event(event.id).recordings
    assert row.complete
    assert row.ended - row.started == pytest.approx(shown.seconds[-1], abs=0.11)
    assert [path.name for path in (tmp_path / "recordings").rglob("*.mp4")] == [Path(row.path).name]
    assert repair(store) == {}


def _leave_open(scene, begins: int = 10) -> tuple[EventStore, Path]:
    """Record an event whose files nobody finishes; return the open file."""
    made = scene()
    made.finisher.add = lambda part: None
    made.play(h264_stream(60), lambda i: made.event(made.now) if i == begins else None)
    made.close()
    (row,) = made.store.recordings(only_open=True)
    return made.store, open_path(made.folder / row.path)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_a_file_that_was_cut_off_anywhere_is_shown_up_to_there(scene, share: float):
    store, path = _leave_open(scene)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    ((_, (name,)),) = repair(store).items()
    shown = decoded(store.folder / name)
    assert shown.codes == list(range(len(shown.codes)))
    assert len(shown.codes) >= 60 * share - 16


@pytest.mark.parametrize("share", [0.5, 0.95, 1.0])
def test_without_room_for_a_copy_the_fragments_are_the_recording(scene, monkeypatch, share: float):
    def full(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(part, "_remux", full)
    store, path = _leave_open(scene)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    ((_, (name,)),) = repair(store).items()
    shown = decoded(store.folder / name)
    assert shown.codes == list(range(len(shown.codes)))
    assert len(shown.codes) >= 60 * share - 16
    assert [each.name for each in path.parent.iterdir()] == [Path(name).name]


@pytest.mark.parametrize("size", [0, 5, 700])
def test_a_file_without_a_picture_is_forgotten(scene, size: int):
    store, path = _leave_open(scene)
    path.write_bytes(path.read_bytes()[:size])
    assert repair(store) == {}
    assert store.recordings() == []
    assert store.events() != []
    assert list(path.parent.glob("*")) == []


def test_a_file_that_is_gone_is_forgotten(scene):
    store, path = _leave_open(scene)
    path.unlink()
    assert repair(store) == {}
    assert store.recordings() == []


def test_a_kill_between_the_last_steps_loses_nothing(scene):
    # The copy is complete, and the open file or the row still says that it is not.
    store, path = _leave_open(scene)
    (row,) = store.recordings(only_open=True)
    final = store.folder / row.path
    os.replace(path, final)
    (path.parent / f"part.{final.name}").write_bytes(b"half a copy")
    ((_, (name,)),) = repair(store).items()
    assert len(decoded(store.folder / name).codes) == 60
    assert [each.name for each in path.parent.iterdir()] == [final.name]
    (row,) = store.recordings()
    assert row.ended - row.started == pytest.approx(5.9, abs=0.01)


def test_open_files_of_another_database_are_finished_too(scene):
    store, path = _leave_open(scene)
    store.delete_event(1)
    assert repair(store) == {}
    (left,) = path.parent.iterdir()
    assert left.name == path.name.removeprefix("open.")
    assert len(decoded(left).codes) == 60


def test_encoding_that_takes_too_long_is_left_for_the_next_time(scene):
    made = scene()
    made.finisher.add = lambda part: None
    made.play(h264_stream(30), lambda i: made.event(made.now) if i == 10 else None, packets=False)
    made.close()
    assert repair(made.store, lambda: False) == {}
    (row,) = made.store.recordings(only_open=True)
    assert [path.name for path in made.files()] == [f"open.{Path(row.path).name}"]
    started = time.monotonic()
    ((_, (name,)),) = repair(made.store).items()
    assert time.monotonic() > started
    assert decoded(made.folder / name).codec == "h264"


def test_what_is_recorded_while_leftovers_are_repaired_is_left_alone(scene):
    """Encoding pictures of a kill takes minutes, in which the next event is recorded."""
    store, left = _leave_open(scene)
    leftovers = leftovers_of(store)
    now = store.folder / "recordings" / "2026-11-28" / "open.hall-120000-9.mp4"
    copy = now.with_name("part.1.mp4")
    now.parent.mkdir(parents=True, exist_ok=True)
    now.write_bytes(b"being written")
    copy.write_bytes(b"being finished")
    assert len(repair(store, leftovers=leftovers)) == 1
    assert not left.exists()
    assert now.read_bytes() == b"being written"
    assert copy.exists()
