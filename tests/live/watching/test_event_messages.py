"""When the desk of events begins a cool-down: with a message, or one that is certain to follow."""

from pathlib import Path

import pytest

from live.alarms.event import Event
from live.events.store import EventStore
from live.hub import Hub
from live.messages.messenger import Messenger, When
from live.messages.targets import Target
from live.watching.event_desk import EventDesk, Reports
from tests.live.watching.fakes import gray


@pytest.mark.parametrize("when", ["start", "end", "both"])
@pytest.mark.parametrize("silent", [False, True])
def test_a_told_event_begins_the_cool_down(tmp_path: Path, when: When, silent: bool):
    store, began = EventStore(tmp_path), []
    messenger = Messenger(store, [Target("mail", "json://127.0.0.1:9")], when)  # not started
    desk = EventDesk(Reports(store, {}, messenger), Hub())
    event = Event("fight", started=10.0, confirmed=11.0, peak=0.9)
    desk.confirmed("hall", event, gray(0, 9), silent, lambda: began.append(event.label))
    desk.wait(5.0)
    assert began == ([] if silent else ["fight"])
    assert len(store.waiting()) == (0 if silent or when == "end" else 1)
    desk.close()
    store.close()
