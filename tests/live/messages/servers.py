"""Mail servers for tests: one that accepts, and some that hang or dribble."""

import asyncio
import email
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage, Message
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


def address_of(port: int) -> str:
    """Return the address of a mailbox on a server of tests, with a password."""
    return f"mailto://127.0.0.1:{port}/?from=lookback@a.org&to=ann@b.org&mode=insecure"


class Mailbox:
    """A mailbox. As real ones do, it knows a mail again by its Message-ID.

    Attributes:
        mails: Mails in the order of their arrival, each Message-ID once.
        copies: Number of mails that arrived, repetitions as well.
        hang: Event for which the server waits after it has taken a mail; None to answer at once.
        answer: The server's answer to a mail.
    """

    def __init__(self) -> None:
        self.mails: list[EmailMessage | Message] = []
        self.copies = 0
        self.hang: threading.Event | None = None
        self.answer = "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if not self.answer.startswith("250"):
            return self.answer
        mail = email.message_from_bytes(envelope.content, policy=default)
        self.copies += 1
        if mail["Message-ID"] not in [each["Message-ID"] for each in self.mails]:
            self.mails.append(mail)
        while self.hang is not None and not self.hang.is_set():
            await asyncio.sleep(0.01)
        return self.answer

    @property
    def subjects(self) -> list[str]:
        return [mail["Subject"] for mail in self.mails]


@contextmanager
def mail_server(mailbox: Mailbox, port: int) -> Iterator[None]:
    """Run a mail server."""
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield
    finally:
        if mailbox.hang is not None:
            mailbox.hang.set()
        controller.stop()


@contextmanager
def bad_server(dribble: float | None = None) -> Iterator[int]:
    """Run a server that accepts connections and says nothing, and return its port.

    Args:
        dribble: Seconds between single characters of a line without an end; None for silence.
    """
    ended = threading.Event()
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.05)
    connections: list[socket.socket] = []

    def work() -> None:
        while not ended.is_set():
            try:
                connection = server.accept()[0]
            except TimeoutError:
                continue
            connections.append(connection)
            if dribble is not None:
                threading.Thread(target=drip, args=(connection,), daemon=True).start()

    def drip(connection: socket.socket) -> None:
        try:
            while not ended.wait(dribble):
                connection.sendall(b"2")
        except OSError:
            return

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        ended.set()
        thread.join()
        for each in (server, *connections):
            each.close()


def wait_for(condition, seconds: float = 10.0) -> None:
    """Wait until a condition holds, and fail after some seconds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "the condition did not come true"
        time.sleep(0.005)
