"""Events of the database as corrections need them."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from live.teaching.cutting import Recorders
from live.teaching.event_log import StoredEvents
from live.teaching.interfaces import UnknownError

UTC = 1_800_000_000.0


@dataclass
class FakeStore:
    folder: Path
    rows: dict
    said: list

    def event(self, event_id):
        return self.rows.get(event_id)

    def judge_event(self, *values):
        self.said.append(("judge", *values))

    def add_correction(self, *values):
        self.said.append(("correction", *values))


def part(number=1, complete=True, deleted=False, started=UTC - 105.0):
    return SimpleNamespace(
        part=number, path=f"7-{number}.mp4", complete=complete, deleted=deleted, started=started
    )


def log_of(tmp_path, *recordings, duration=4.0, camera="gym"):
    row = SimpleNamespace(
        id=7,
        camera=camera,
        label="fall",
        started=UTC - 100.0,
        duration=duration,
        recordings=recordings,
    )
    store = FakeStore(tmp_path, {7: row}, [])
    return store, StoredEvents(store, lambda: ("door", "gym"), lambda: 500.0, lambda: UTC)


def test_an_event_begins_some_seconds_into_its_first_recording(tmp_path):
    _, log = log_of(tmp_path, part(), part(2))
    event = log.past_event(7)
    assert (event.camera_id, event.label) == (1, "fall")
    assert event.recording == tmp_path / "7-1.mp4"
    assert (event.begins, event.seconds) == (5.0, 4.0)
    assert (event.started, event.ended) == (400.0, 404.0)


@pytest.mark.parametrize("recordings", [(), (part(complete=False),), (part(deleted=True), part(2))])
def test_without_the_first_part_there_is_no_recording(tmp_path, recordings):
    _, log = log_of(tmp_path, *recordings)
    assert log.past_event(7).recording is None


def test_an_open_event_has_no_end(tmp_path):
    _, log = log_of(tmp_path, duration=None)
    assert (log.past_event(7).ended, log.past_event(7).seconds) == (None, None)


def test_an_event_of_a_camera_that_is_gone_is_refused(tmp_path):
    _, log = log_of(tmp_path, camera="cellar")
    assert log.past_event(8) is None
    with pytest.raises(UnknownError, match="cellar is no longer watched"):
        log.past_event(7)


def test_a_correction_is_a_verdict_and_a_row(tmp_path):
    store, log = log_of(tmp_path)
    log.add_correction(7, 1, "wrong", "sit", "clips/sit/a.mp4", 4.0)
    log.add_correction(7, 1, "right", "fall", "clips/fall/a.mp4", 4.0)
    log.add_correction(None, 0, "missed", "fall", "clips/fall/b.mp4", 8.0)
    begins = UTC - 100.0
    assert store.said == [
        ("judge", 7, "wrong", "sit"),
        ("correction", "gym", "sit", begins, begins + 4.0, "clips/sit/a.mp4", 7),
        ("judge", 7, "right", None),
        ("correction", "gym", "fall", begins, begins + 4.0, "clips/fall/a.mp4", 7),
        ("correction", "door", "fall", UTC - 8.0, UTC, "clips/fall/b.mp4", None),
    ]


def test_the_recorders_of_all_cameras_are_one_cutter(tmp_path):
    calls = []
    recorders = [SimpleNamespace(cut=lambda *call, n=n: calls.append((n, *call))) for n in (0, 1)]
    cutter = Recorders(lambda: recorders)
    cutter.cut(1, 2.0, 5.0, tmp_path / "a.mp4")
    assert calls == [(1, 2.0, 5.0, tmp_path / "a.mp4")]
    with pytest.raises(UnknownError):
        cutter.cut(2, 2.0, 5.0, tmp_path / "a.mp4")
