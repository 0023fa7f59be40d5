"""Delivery to mail servers and webhooks that accept, refuse, hang and dribble."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from live.messages import delivery
from live.messages.delivery import Attempt, DeliveryError, Outgoing, deliver
from live.messages.targets import Target, load_targets
from live.messages.trial import notify_test
from tests.live.messages.servers import Mailbox, address_of, bad_server, mail_server, wait_for
from tests.live.servers import free_port


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def mailbox(port: int) -> Iterator[Mailbox]:
    """A mailbox whose server runs on `port`."""
    mailbox = Mailbox()
    with mail_server(mailbox, port):
        yield mailbox


@pytest.fixture
def still(tmp_path: Path) -> Path:
    path = tmp_path / "7.jpg"
    path.write_bytes(b"\xff\xd8 a picture \xff\xd9")
    return path


def send(address: str, message: Outgoing, attempt: Attempt | None = None) -> None:
    deliver(Target("mail", address), message, attempt or Attempt())


MESSAGE = Outgoing("lookback.1.2", "Sturz in Halle 3: überall <b>", "line 1\nline 2 ü *x* <b>\n")


def test_a_mail_with_its_still(mailbox: Mailbox, port: int, still: Path):
    send(address_of(port), Outgoing("lookback.1.2", MESSAGE.subject, MESSAGE.body, still))
    (mail,) = mailbox.mails
    assert mail["Subject"] == MESSAGE.subject
    assert mail["From"] == "Lookback <lookback@a.org>"
    assert mail["To"] == "ann@b.org"
    assert mail.get_all("Message-ID") == ["<lookback.1.2@a.org>"]
    assert mail.get_body().get_content().replace("\r\n", "\n") == MESSAGE.body
    (attached,) = mail.iter_attachments()
    assert attached.get_content_type() == "image/jpeg"
    assert attached.get_filename() == "7.jpg"
    assert attached.get_content() == still.read_bytes()


def test_the_other_recipients_and_headers_of_an_address(mailbox: Mailbox, port: int):
    send(address_of(port) + "&cc=cc@b.org&bcc=bcc@b.org&reply=r@b.org&+X-Rule=alarm", MESSAGE)
    (mail,) = mailbox.mails
    assert (mail["Cc"], mail["Reply-To"], mail["X-Rule"]) == ("cc@b.org", "r@b.org", "alarm")
    assert "bcc@b.org" not in mail.as_string()


def test_a_missing_still_is_left_out(mailbox: Mailbox, port: int, tmp_path: Path):
    send(address_of(port), Outgoing("a", "s", "b\n", tmp_path / "gone.jpg"))
    (mail,) = mailbox.mails
    assert "The file gone.jpg is no longer there." in mail.get_content()


def test_a_large_file_is_left_out(mailbox: Mailbox, port: int, still: Path, monkeypatch):
    monkeypatch.setattr(delivery, "LARGEST_ATTACHMENT", 5)
    send(address_of(port), Outgoing("a", "s", "b\n", still))
    assert "7.jpg is too large" in mailbox.mails[0].get_content()


def test_a_server_that_finds_a_file_too_large_gets_the_text(port: int, still: Path):
    class Small(Mailbox):
        async def handle_DATA(self, server, session, envelope):
            if b"image/jpeg" in envelope.content:
                return "552 5.3.4 message size exceeds fixed limit"
            return await super().handle_DATA(server, session, envelope)

    mailbox = Small()
    with mail_server(mailbox, port):
        send(address_of(port), Outgoing("a", "s", "b\n", still))
    assert "7.jpg was too large" in mailbox.mails[0].get_content()


def test_the_reason_of_a_server_that_refuses(mailbox: Mailbox, port: int):
    mailbox.answer = "451 4.7.1 greylisted, try again later"
    with pytest.raises(DeliveryError, match=r"^451 4\.7\.1 greylisted, try again later$"):
        send(address_of(port), MESSAGE)


def test_the_reason_of_a_server_that_is_down(port: int):
    with pytest.raises(DeliveryError, match=rf"^127\.0\.0\.1:{port}: \w+"):
        send(address_of(port), MESSAGE)


def test_a_password_that_the_server_repeats_is_not_shown(port: int):
    class Rude(Mailbox):
        async def handle_DATA(self, server, session, envelope):
            return "550 wrong password hunter2"

    address = address_of(port) + "&+X-Token=hunter2"
    with (
        mail_server(Rude(), port),
        pytest.raises(DeliveryError, match=r"550 wrong password \*\*\*"),
    ):
        deliver(Target("mail", address, ("hunter2",)), MESSAGE, Attempt())


def test_a_server_that_hangs_before_its_banner(monkeypatch):
    monkeypatch.setattr(delivery, "CONNECT_SECONDS", 0.2)
    with bad_server() as port, pytest.raises(DeliveryError, match="timed out"):
        send(address_of(port), MESSAGE)


def test_a_server_that_hangs_after_the_mail(mailbox: Mailbox, port: int, monkeypatch):
    """It may have accepted the mail: the second try has the same Message-ID."""
    monkeypatch.setattr(delivery, "ACCEPT_SECONDS", 0.2)
    mailbox.hang = threading.Event()
    with pytest.raises(DeliveryError, match="timed out"):
        send(address_of(port), MESSAGE)
    mailbox.hang.set()
    send(address_of(port), MESSAGE)
    assert mailbox.copies == 2
    assert len(mailbox.mails) == 1


def test_a_server_that_dribbles_is_ended_by_the_watch():
    attempt, failed = Attempt(), []

    def work() -> None:
        try:
            send(address_of(port), MESSAGE, attempt)
        except DeliveryError as error:
            failed.append(str(error))

    with bad_server(dribble=0.02) as port:
        thread = threading.Thread(target=work)
        thread.start()
        time.sleep(0.2)
        assert thread.is_alive()
        wait_for(lambda: attempt.abort() or not thread.is_alive())
    assert len(failed) == 1


def test_a_server_that_hangs_after_quit_delays_nothing(mailbox: Mailbox, port: int, monkeypatch):
    async def handle_QUIT(self, server, session, envelope):
        await asyncio.sleep(3)
        return "221 Bye"

    monkeypatch.setattr(Mailbox, "handle_QUIT", handle_QUIT, raising=False)
    began = time.monotonic()
    send(address_of(port), MESSAGE)
    assert time.monotonic() - began < 2.5


class Hook(BaseHTTPRequestHandler):
    """A webhook that keeps what it gets, and answers with a status."""

    status = 200
    got: list = []  # noqa: RUF012 (reset by the fixture)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append(json.loads(content))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *arguments) -> None:
        pass


@pytest.fixture
def hook(monkeypatch) -> Iterator[str]:
    """The address of a webhook with a secret in its path."""
    monkeypatch.setattr(Hook, "got", [])
    server = HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"json://ann:hunter2@127.0.0.1:{server.server_port}/t0ken-secret?+X-Key=key-secret"
    server.shutdown()
    server.server_close()


def targets_of(folder: Path, **addresses: str) -> list[Target]:
    path = folder / "targets.yaml"
    path.write_text("".join(f"{name}: {each}\n" for name, each in addresses.items()))
    path.chmod(0o600)
    return load_targets(path)


def test_a_webhook(hook: str, still: Path, tmp_path: Path):
    (target,) = targets_of(tmp_path, hook=hook)
    deliver(target, Outgoing("a", "subject", "body\n*x* <b>\n", still), Attempt())
    (got,) = Hook.got
    assert got["title"] == "subject"
    assert got["message"].splitlines() == ["body", "*x* <b>"]
    assert got["attachments"][0]["filename"] == "7.jpg"
    assert "github" not in json.dumps(got)


def test_messages_name_no_picture_of_another_site():
    assert not Target("a", "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdn").service().image_url("info")


def test_no_secret_is_logged(hook: str, tmp_path: Path, monkeypatch, caplog):
    monkeypatch.setattr(Hook, "status", 403)
    (target,) = targets_of(tmp_path, hook=hook)
    with caplog.at_level(logging.DEBUG), pytest.raises(DeliveryError, match="403") as caught:
        deliver(target, MESSAGE, Attempt())
    said = caplog.text + str(caught.value) + repr(caught.value.__context__)
    assert not [each for each in ("hunter2", "t0ken-secret", "key-secret") if each in said]


def test_an_error_of_a_service_is_a_failed_try(monkeypatch, tmp_path: Path):
    def fails(*arguments):
        raise ValueError("https://host/t0ken-secret")

    monkeypatch.setattr(delivery, "_deliver", fails)
    (target,) = targets_of(tmp_path, hook="json://host/t0ken-secret")
    with pytest.raises(DeliveryError, match=r"ValueError: https://\*\*\*/\*\*\*"):
        deliver(target, MESSAGE, Attempt())


def test_a_send_leaves_no_thread(hook: str, tmp_path: Path):
    (target,) = targets_of(tmp_path, hook=hook)
    before = threading.active_count()
    deliver(target, MESSAGE, Attempt())
    wait_for(lambda: threading.active_count() == before)


def test_the_test_message_names_success_and_reason(
    mailbox: Mailbox, port: int, hook: str, tmp_path: Path, monkeypatch, capsys
):
    good, bad = address_of(port), address_of(free_port())
    assert notify_test(targets_of(tmp_path, mail=good, hook=hook)) == 0
    assert capsys.readouterr().out.splitlines() == ["mail: sent", "hook: sent"]
    assert notify_test(targets_of(tmp_path, mail=good, down=bad)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "mail: sent"
    assert lines[1].startswith("down: failed: 127.0.0.1:")
    assert mailbox.subjects == ["Lookback: test message"] * 2


def test_the_test_message_does_not_wait_for_ever(capsys):
    gate = threading.Event()
    assert notify_test([Target("a", "json://h")], deliver=lambda *each: gate.wait(), seconds=0.05)
    gate.set()
    assert capsys.readouterr().out == "a: failed: no answer for 0 s\n"
