"""A kill in the middle of an event: nothing is lost, and each message comes once.

Prints a table: python -m pytest -m live_servers -s tests/live/watching/test_kills.py
"""

import time

import av
import pytest

from tests.live.messages.servers import Mailbox, address_of, mail_server
from tests.live.servers import free_port
from tests.live.watching.program import events_of, recordings_of, row_told, select

pytestmark = [pytest.mark.live_servers, pytest.mark.shared, pytest.mark.timeout(900)]

PREROLL = 2.0


def decoded(path) -> int:
    """Return the number of pictures of a whole file."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_a_kill_in_the_middle_of_an_event(server, watch, tmp_path):
    mailbox, port, folder = Mailbox(), free_port(), tmp_path / "events"
    targets = tmp_path / "targets.yaml"
    targets.write_text(f"mail: {address_of(port)}\n")
    targets.chmod(0o600)
    flags = [
        *("--url", server.address, "--notify", targets),
        *("--set", f"live.recording.preroll_seconds={PREROLL:g}"),
    ]
    with mail_server(mailbox, port):
        # The ring holds the seconds before the model was ready.
        first = watch(*flags)
        first.wait(lambda: len(mailbox.mails) == 1, what="the mail about the start")
        time.sleep(3)
        first.kill()
        (event,) = events_of(folder)
        assert event["ended"] is None
        second = watch(*flags)
        second.wait(lambda: len(mailbox.mails) == 3, what="three mails")
        time.sleep(1)
        took = second.end()
        third = watch(*flags)
        third.wait(lambda: len(mailbox.mails) >= 5, what="five mails")
        third.kill()
    ids = [mail["Message-ID"] for mail in mailbox.mails]
    assert mailbox.copies == len(set(ids)) == 5  # start, end, start; then end, start
    one, two, three = events_of(folder)
    assert [event["ended"] is None for event in (one, two, three)] == [False, False, True]
    assert 0 <= one["duration"] < 30
    recordings = {}
    for row in recordings_of(folder):
        recordings.setdefault(row.event_id, []).append(row)
    before = one["started"] - recordings[one["id"]][0].started
    pictures = decoded(folder / recordings[one["id"]][0].path)
    row_told(
        "kill -9 in an event",
        f"{pictures} pictures, from {before:.1f} s before the event",
        "5 mails for 3 events, each once",
        f"ended in {took:.1f} s",
    )
    assert all(row.complete for row in (*recordings[one["id"]], *recordings[two["id"]]))
    assert pictures > 25 * PREROLL
    assert before >= PREROLL
    assert decoded(folder / recordings[two["id"]][0].path) > 25 * PREROLL
    sent = select(folder, "SELECT event_id, kind FROM outbox WHERE state = 'sent'")
    assert len({tuple(row) for row in sent}) == len(sent)
