"""Delivery of one message to one target through Apprise."""

import mimetypes
import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, formatdate
from pathlib import Path
from typing import Any

from live.messages.targets import CONNECT_SECONDS, Target

# A longer file is not attached: many mail servers refuse it.
LARGEST_ATTACHMENT = 20_000_000  # bytes
SLOWEST_UPLOAD = 50_000.0  # bytes per second
# A mail server may take long to accept a message (RFC 5321, 4.5.3.2.6). Who does not wait sends it
# twice.
ACCEPT_SECONDS = 600.0
_TOO_LARGE = (413, 523, 552)


@dataclass(frozen=True)
class Outgoing:
    """A message as it is sent.

    Attributes:
        id: An identifier that stays the same in all tries, without spaces.
        subject: One line.
        body: Plain text.
        attachment: A file; None for none.
    """

    id: str
    subject: str
    body: str
    attachment: Path | None = None


class DeliveryError(Exception):
    """A message was not accepted; the text is the reason, without secrets."""


class Attempt:
    """A delivery in progress, which another thread can end.

    Attributes:
        extra_seconds: Time beyond the usual that the size of the message allows.
    """

    def __init__(self) -> None:
        self.extra_seconds = 0.0
        self._client: smtplib.SMTP | None = None

    def hold(self, client: smtplib.SMTP) -> None:
        """Remember the connection that `abort` closes."""
        self._client = client

    def abort(self) -> None:
        """Close the connection, so that the delivery fails at once; without effect if it is not one
        of mail, which ends by its time-outs."""
        connection = getattr(self._client, "sock", None)
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


Deliver = Callable[[Target, Outgoing, Attempt], None]


def deliver(target: Target, message: Outgoing, attempt: Attempt) -> None:
    """Send a message. It goes without its attachment if that is gone or too large.

    Raises:
        DeliveryError: It was not accepted.
    """
    message, size = _checked_attachment(message)
    attempt.extra_seconds = size / SLOWEST_UPLOAD
    try:
        try:
            _deliver(target, message, attempt)
        except _TooLargeError:
            if message.attachment is None:
                raise
            _deliver(target, _without_attachment(message, "was too large"), attempt)
    except DeliveryError as error:
        raise DeliveryError(target.redact(str(error)) or "no reason was given") from None
    except Exception as error:
        # Whatever a service raises is a failure of this try, and its text may hold the address.
        reason = target.redact(f"{type(error).__name__}: {error}")
        raise DeliveryError(reason) from None


class _TooLargeError(DeliveryError):
    pass


def _deliver(target: Target, message: Outgoing, attempt: Attempt) -> None:
    from apprise.plugins.email.base import NotifyEmail

    service = target.service(attempt.extra_seconds)
    if service is None:
        raise DeliveryError("the address is not valid")
    if type(service) is NotifyEmail and service.pgp_mode == "no":
        _mail(service, message, attempt)
    else:
        _notify(service, message)


def _notify(service: Any, message: Outgoing) -> None:
    import apprise

    sender = apprise.Apprise(asset=service.asset)
    sender.add(service)
    attachment = str(message.attachment) if message.attachment else None
    result = sender.notify(
        title=message.subject, body=message.body, body_format="text", attach=attachment
    )
    if result:  # not `is True`: Apprise 2 returns an object
        return
    reasons = [entry.message for one in result for each in one.attempts for entry in each.logs]
    reason = "; ".join(dict.fromkeys(reasons)) or f"{result.status.name.lower()}"
    raise (_TooLargeError if "error=413" in reason else DeliveryError)(reason)


class _Client(smtplib.SMTP):
    def __init__(self, attempt: Attempt, *arguments: Any, **options: Any):
        attempt.hold(self)  # before the banner, where a server may hang
        super().__init__(*arguments, **options)


class _SslClient(smtplib.SMTP_SSL):
    def __init__(self, attempt: Attempt, *arguments: Any, **options: Any):
        attempt.hold(self)
        super().__init__(*arguments, **options)


def _mail(service: Any, message: Outgoing, attempt: Attempt) -> None:
    """Send a mail over SMTP.

    Apprise gives each try a Message-ID of its own, and adds a second one if it is given one. With
    the same in every try, mail servers recognize a repetition, and the reader does as well. Apprise
    supplies the settings, and those of the large providers.
    """
    mail = _composed(service, message)
    context = ssl.create_default_context()
    if not service.verify_certificate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    seconds = min(service.socket_connect_timeout, CONNECT_SECONDS)
    address = (service.smtp_host, service.port)
    mode = service.secure_mode
    if (mode, service.port) == ("starttls", 465):
        mode = "ssl"  # this port begins with TLS (RFC 8314), and Apprise has STARTTLS as default
    client: smtplib.SMTP | None = None
    try:
        if mode == "ssl":
            client = _SslClient(attempt, *address, timeout=seconds, context=context)
        else:
            client = _Client(attempt, *address, timeout=seconds)
        if mode == "starttls":
            client.starttls(context=context)
        if service.user and service.password:
            client.login(service.user, service.password)
        if client.sock is not None:
            client.sock.settimeout(ACCEPT_SECONDS + attempt.extra_seconds)
        recipients = [each for _, each in service.targets] + [*service.cc, *service.bcc]
        client.send_message(mail, service.from_addr[1], recipients)
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        raise _refused(code, text) from None
    except smtplib.SMTPResponseException as error:
        raise _refused(error.smtp_code, error.smtp_error) from None
    except OSError as error:  # smtplib's other errors, too
        reason = error.strerror or str(error) or type(error).__name__
        raise DeliveryError(f"{service.smtp_host}:{service.port}: {reason}") from None
    finally:
        if client is not None:
            # The message is accepted: a server that hangs after QUIT is not waited for.
            with suppress(OSError, smtplib.SMTPException):
                client.putcmd("quit")
            client.close()


def _refused(code: int, text: bytes | str) -> DeliveryError:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return (_TooLargeError if code in _TOO_LARGE else DeliveryError)(f"{code} {said}")


def _composed(service: Any, message: Outgoing) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = formataddr((service.from_addr[0] or "Lookback", service.from_addr[1]))
    mail["To"] = ", ".join(formataddr((name or "", each)) for name, each in service.targets)
    if service.cc:
        mail["Cc"] = ", ".join(sorted(service.cc))
    if service.reply_to:
        mail["Reply-To"] = ", ".join(sorted(service.reply_to))
    mail["Subject"] = message.subject
    domain = service.from_addr[1].rpartition("@")[2]
    mail["Message-ID"] = f"<{message.id}@{domain}>"
    mail["Date"] = formatdate(localtime=True)
    for key, value in service.headers.items():
        if key not in mail:
            mail[key] = value
    mail.set_content(message.body)
    if message.attachment is not None:
        kind = mimetypes.guess_type(message.attachment.name)[0] or "application/octet-stream"
        major, _, minor = kind.partition("/")
        try:
            content = message.attachment.read_bytes()
        except OSError:  # deleted since it was checked
            return _composed(service, _without_attachment(message, "is no longer there"))
        mail.add_attachment(
            content, maintype=major, subtype=minor, filename=message.attachment.name
        )
    return mail


def _checked_attachment(message: Outgoing) -> tuple[Outgoing, int]:
    if message.attachment is None:
        return message, 0
    try:
        size = message.attachment.stat().st_size
        with message.attachment.open("rb"):
            pass
    except OSError:
        return _without_attachment(message, "is no longer there"), 0
    if size > LARGEST_ATTACHMENT:
        return _without_attachment(message, "is too large for a message"), 0
    return message, size


def _without_attachment(message: Outgoing, why: str) -> Outgoing:
    name = message.attachment.name if message.attachment else ""
    body = f"{message.body}\nThe file {name} {why}.\n"
    return replace(message, body=body, attachment=None)
