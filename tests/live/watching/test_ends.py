"""Ctrl-C and SIGTERM end a run within 3 s, whatever it is doing.

Prints a table: python -m pytest -m live_servers -s tests/live/watching/test_ends.py
"""

import signal
import threading
import time

import pytest

from tests.live.messages.servers import Mailbox, address_of, bad_server, mail_server
from tests.live.servers import RtspServer, free_port
from tests.live.watching.program import events_of, recordings_of, row_told

pytestmark = [pytest.mark.live_servers, pytest.mark.shared, pytest.mark.timeout(900)]

LIMIT = 3.0
EITHER = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])


def check(name: str, program, number: int, codes: tuple[int, ...] = (0,)) -> None:
    took = program.end(number)
    row_told(name, signal.Signals(number).name, f"ended in {took:.2f} s, exit code {program.code}")
    assert took < LIMIT
    assert program.code in codes
    assert "Traceback" not in program.text


@EITHER
def test_while_the_model_is_loaded(server, watch, number):
    program = watch("--url", server.address)
    program.wait_for("at 25 frames/s")
    assert "engine:" not in program.text
    check("model being loaded", program, number, (130,))


@EITHER
def test_while_a_camera_is_opened_that_hangs(clip, watch, number):
    with RtspServer(clip) as server:
        server.freeze()
        program = watch("--url", server.address, acts=False)
        program.wait_for("engine:")
        check("opening a camera that hangs", program, number)


def test_while_a_camera_is_stalled_and_recorded(server, watch, tmp_path):
    program = watch("--url", server.address)
    program.wait(lambda: events_of(tmp_path / "events"), what="an event")
    time.sleep(1)
    server.freeze()
    time.sleep(2)
    check("stalled, recording open", program, signal.SIGINT)
    (event,) = events_of(tmp_path / "events")
    assert event["ended"] is not None
    assert all(row.complete for row in recordings_of(tmp_path / "events"))


def test_while_it_waits_to_connect_again(server, watch):
    program = watch("--url", server.address, acts=False)
    program.wait_for_rows()
    server.kill()
    program.wait_for("connecting again")
    check("backing off", program, signal.SIGTERM)


def test_everything_at_once(clip, watch, tmp_path):
    """Two cameras, one of which hangs; a recording is open, a mail server hangs after DATA, another
    one before its banner, and a page is watched."""
    from websockets.sync.client import connect

    mailbox, port, page = Mailbox(), free_port(), free_port()
    mailbox.hang = threading.Event()
    with (
        RtspServer(clip) as server,
        RtspServer(clip) as frozen,
        bad_server() as silent,
        mail_server(mailbox, port),
    ):
        frozen.freeze()
        targets = tmp_path / "targets.yaml"
        targets.write_text(f"mail: {address_of(port)}\nother: {address_of(silent)}\n")
        targets.chmod(0o600)
        program = watch(
            *("--url", server.address, "--url", frozen.address),
            *("--notify", targets, "--serve", f"127.0.0.1:{page}"),
        )
        program.wait(lambda: mailbox.copies, what="a mail")
        with connect(f"ws://127.0.0.1:{page}/ws", origin=f"http://127.0.0.1:{page}") as socket:
            assert socket.recv(10)
            time.sleep(1)
            check("page watched, mail hangs, recording, opening", program, signal.SIGTERM)
    assert all(row.complete for row in recordings_of(tmp_path / "events"))


def test_while_another_program_locks_the_database(server, watch, tmp_path):
    import sqlite3

    program = watch("--url", server.address)
    program.wait_for("engine:")
    other = sqlite3.connect(tmp_path / "events" / "events.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    time.sleep(3)  # the event waits for the database
    check("database locked", program, signal.SIGINT)
    other.execute("ROLLBACK")
    other.close()
