"""Events to mailboxes, through the database and real mail servers: each exactly once."""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from live.events.store import EventStore
from live.messages import delivery
from live.messages.messenger import Messenger
from live.messages.sender import Times
from live.messages.targets import Target, load_targets
from tests.live.messages.servers import Mailbox, address_of, bad_server, mail_server, wait_for
from tests.live.servers import free_port
from tests.running import ROOT

NOW = 1_800_000_000.0
PASSWORD = "hunter2-secret"
QUICK = Times(look=0.05)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def start(tmp_path: Path, clock: Clock) -> Iterator[Callable]:
    """Return a function that starts a messenger on the database of the test: start(targets)."""
    made: list[tuple[Messenger, EventStore]] = []

    def begin(targets: list[Target], per_hour: int = 20, times: Times = QUICK):
        store = EventStore(tmp_path / "events")
        messenger = Messenger(store, targets, "both", per_hour, clock, times=times)
        messenger.start()
        made.append((messenger, store))
        return messenger, store

    yield begin
    for messenger, store in made:
        messenger.stop()
        store.close()


def tell(messenger: Messenger, store: EventStore, *labels: str) -> None:
    """Queue the start of an event per label."""
    for label in labels:
        number = store.add_event("hall", label, NOW, NOW + 1, 0.9)
        assert messenger.confirmed(store.event(number))


def mail(port: int, name: str = "mail") -> Target:
    return Target(name, address_of(port))


def labels_in(mailbox: Mailbox) -> list[str]:
    """Return the labels of the events in a mailbox, each as often as it is told."""
    lines = []
    for each in mailbox.mails:
        body = each.get_body().get_content()
        told = [line for line in body.splitlines() if " on hall" in line]
        lines += [line.split(" on hall")[0].split()[-1] for line in told]
    return lines


def test_start_and_end_in_the_mailbox(start, port, tmp_path: Path):
    mailbox = Mailbox()
    with mail_server(mailbox, port):
        messenger, store = start([mail(port)])
        (tmp_path / "events" / "1.jpg").write_bytes(b"a still")
        number = store.add_event("hall", "fall", NOW, NOW + 1, 0.9)
        store.set_still(number, "1.jpg")
        messenger.confirmed(store.event(number))
        wait_for(lambda: len(mailbox.mails) == 1)
        (tmp_path / "events" / "1.mp4").write_bytes(b"a clip")
        recording = store.add_recording(number, 1, "1.mp4", NOW)
        store.finish_recording(recording, NOW + 9, 6)
        store.end_event(number, 8.0, 0.95, 0.85)
        messenger.ended(store.event(number))
        wait_for(lambda: len(mailbox.mails) == 2)
    files = [[each.get_content() for each in mail.iter_attachments()] for mail in mailbox.mails]
    assert files == [[b"a still"], [b"a clip"]]
    assert "Length: 8.0 s" in mailbox.mails[1].get_body().get_content()


def test_a_server_that_is_down_for_an_hour_and_a_kill(start, clock, port):
    labels = [f"label{number}" for number in range(7)]
    messenger, store = start([mail(port)])
    tell(messenger, store, *labels)
    wait_for(lambda: all(row.tries for row in store.waiting()))
    messenger.stop()  # it writes nothing: a kill leaves the same
    clock.now += 3600
    mailbox = Mailbox()
    with mail_server(mailbox, port):
        _, store = start([mail(port)])
        wait_for(lambda: not store.waiting())
    assert mailbox.copies == 1
    assert labels_in(mailbox) == labels


def test_a_server_that_refuses(start, clock, port):
    mailbox = Mailbox()
    mailbox.answer = "451 try again later"
    with mail_server(mailbox, port):
        messenger, store = start([mail(port)])
        tell(messenger, store, "fall", "fight")
        wait_for(lambda: all(row.error == "451 try again later" for row in store.waiting()))
        mailbox.answer = "250 OK"
        clock.now += 10
        wait_for(lambda: not store.waiting())
    assert mailbox.copies == 2
    assert labels_in(mailbox) == ["fall", "fight"]


def test_servers_that_hang_and_dribble_delay_no_other(start, port):
    mailbox = Mailbox()
    with mail_server(mailbox, port), bad_server() as silent, bad_server(0.02) as dribbling:
        targets = [mail(silent, "silent"), mail(dribbling, "dribbling"), mail(port)]
        messenger, store = start(targets)
        tell(messenger, store, "fall", "fight")
        wait_for(lambda: {row.target for row in store.waiting()} == {"silent", "dribbling"})
        assert labels_in(mailbox) == ["fall", "fight"]


def test_a_server_that_dribbles_is_given_another_try(start, clock, port):
    mailbox = Mailbox()
    with bad_server(0.02) as dribbling:
        bad, store = start([mail(dribbling)], times=Times(hang=0.1, abort=0.9, look=0.05))
        tell(bad, store, "fall")
        sender = bad._senders[0]
        wait_for(lambda: sender._current.job is not None)
        (row,) = store.waiting()
        sender.check(time.monotonic() + 1)  # another thread, and the message is let go
        assert [(each.id, each.tries) for each in store.waiting()] == [(row.id, 1)]
        # The connection is closed, so that the thread ends.
        wait_for(lambda: sender.check(time.monotonic() + 1) or not sender._hanging)
        bad.stop()
    clock.now += 3600
    with mail_server(mailbox, port):
        _, store = start([mail(port)])
        wait_for(lambda: not store.waiting())
    assert mailbox.copies == 1


def test_a_server_that_hangs_after_the_mail_and_accepts_late(start, port):
    mailbox = Mailbox()
    mailbox.hang = threading.Event()
    with mail_server(mailbox, port):
        messenger, store = start([mail(port)], times=Times(hang=0.05, abort=600, look=0.05))
        tell(messenger, store, "fall")
        wait_for(lambda: mailbox.copies == 1)
        time.sleep(0.1)
        messenger._senders[0].check(time.monotonic())  # another thread takes over
        tell(messenger, store, "fight")
        wait_for(lambda: mailbox.copies == 2)
        mailbox.hang.set()
        wait_for(lambda: not store.waiting())
    assert mailbox.copies == 2
    assert labels_in(mailbox) == ["fall", "fight"]


def test_a_server_that_hangs_after_the_mail_for_ever(start, clock, port, monkeypatch):
    """Whether it has accepted the mail cannot be known: the repetition has the same Message-ID."""
    monkeypatch.setattr(delivery, "ACCEPT_SECONDS", 0.1)
    mailbox = Mailbox()
    mailbox.hang = threading.Event()
    with mail_server(mailbox, port):
        messenger, store = start([mail(port)])
        tell(messenger, store, "fall")
        wait_for(lambda: [row.tries for row in store.waiting()] == [1])
        mailbox.hang.set()
        clock.now += 10
        wait_for(lambda: not store.waiting())
    assert mailbox.copies == 2
    assert labels_in(mailbox) == ["fall"]


def test_above_the_limit_each_event_is_told_once(start, clock, port):
    labels = [f"label{number}" for number in range(6)]
    mailbox = Mailbox()
    with mail_server(mailbox, port):
        messenger, store = start([mail(port)], per_hour=2)
        tell(messenger, store, *labels)
        wait_for(lambda: len(mailbox.mails) == 2)
        clock.now += 3601
        wait_for(lambda: not store.waiting())
    assert len(mailbox.mails) == 3
    assert labels_in(mailbox) == labels


def test_no_secret_anywhere(start, clock, port, tmp_path: Path, caplog, capsys, monkeypatch):
    path = tmp_path / "targets.yaml"
    hidden = "&+X-Key=${KEY}&smtp=127.0.0.1"
    path.write_text(f"mail: {address_of(port).replace('://', '://ann:${PW}@')}{hidden}\n")
    path.chmod(0o600)
    targets = load_targets(path, {"PW": PASSWORD, "KEY": PASSWORD})
    with caplog.at_level(logging.DEBUG):
        messenger, store = start(targets)
        tell(messenger, store, "fall")
        wait_for(lambda: all(row.tries for row in store.waiting()))
        mailbox = Mailbox()
        mailbox.answer = f"535 bad password {PASSWORD}"
        with mail_server(mailbox, port):
            clock.now += 10
            wait_for(lambda: [row.tries for row in store.waiting()] == [2])
        names = [thread.name for thread in threading.enumerate()]
        messenger.stop()
        reason = store.waiting()[0].error
    files = b"".join(each.read_bytes() for each in (tmp_path / "events").iterdir())
    assert b"mail" in files
    assert reason
    said = caplog.text + capsys.readouterr().out + " ".join(names) + repr(messenger.failing())
    assert "fail and are kept" in said
    assert PASSWORD not in said
    assert PASSWORD.encode() not in files


_PROGRAM = """
import sys, time
from live.events.store import EventStore
from live.messages.messenger import Messenger
from live.messages.targets import Target

store = EventStore(sys.argv[1])
messenger = Messenger(store, [Target("mail", sys.argv[2])])
number = store.add_event("hall", "fall", time.time(), time.time(), 0.9)
messenger.confirmed(store.event(number))
messenger.start()
time.sleep(60)
"""


@pytest.mark.live_servers
def test_a_kill_between_sending_and_marking(tmp_path: Path, port: int):
    """The server has the mail and the database does not know it: the mailbox knows the second."""
    mailbox = Mailbox()
    mailbox.hang = threading.Event()
    folder = tmp_path / "events"
    with mail_server(mailbox, port):
        program = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(folder), address_of(port)], cwd=ROOT
        )
        wait_for(lambda: mailbox.copies == 1, seconds=30)
        program.kill()
        program.wait()
        mailbox.hang.set()
        store = EventStore(folder)
        assert len(store.waiting()) == 1
        messenger = Messenger(store, [mail(port)])
        messenger.start()
        wait_for(lambda: not store.waiting())
        messenger.stop()
        store.close()
    assert mailbox.copies == 2
    assert labels_in(mailbox) == ["fall"]
