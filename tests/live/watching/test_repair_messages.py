"""What a start does with the events of the run before, while the first new ones come."""

import time
from pathlib import Path

import pytest

from live.events.store import EventStore
from live.hub import Hub
from live.watching import reporting
from recipes.loader import load

NOW = 1_800_000_000.0


def told_event(store: EventStore, label: str) -> int:
    """Return the number of an event that has ended, and whose start was told."""
    number = store.add_event("hall", label, NOW, NOW + 1, 0.9)
    store.queue_all("start", ["mail"], "subject", "body", "hall", number, None, NOW)
    store.end_event(number, 2.0, 0.9, 0.8)
    return number


def test_a_long_repair_tells_no_event_of_this_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    targets = tmp_path / "targets.yaml"
    targets.write_text("mail: json://127.0.0.1:9\n")
    targets.chmod(0o600)
    folder = tmp_path / "events"
    store = EventStore(folder)
    old, new = told_event(store, "fight"), 0

    def long_repair(*_: object) -> dict[int, list[str]]:
        nonlocal new
        new = told_event(store, "fall")  # its recording is still being encoded
        return {}

    monkeypatch.setattr(reporting, "repair", long_repair)
    flags = {"live.folder": str(folder), "live.messages.targets": str(targets)}
    recipe = load(flags=flags).recipe
    made = reporting.Reporting(recipe, [], Hub(), False, lambda camera, armed: None)
    made._repairing.join(10)
    made.desk.wait(10)
    deadline = time.monotonic() + 10
    while old in {each.id for each in store.unreported("end")} and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [each.id for each in store.unreported("end")] == [new]
    for stop in (made.messenger.stop, made._retention.close, made._finisher.close, made.desk.close):
        stop()
    made.store.close()
    store.close()
