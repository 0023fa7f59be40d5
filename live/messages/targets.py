"""Targets of messages: a file with a row per target. Addresses are secret and never shown."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from live.messages.secrets_file import read_secrets_file, with_environment
from video.errors import UsageError

EXAMPLE = "mail: mailtos://user:${MAIL_PASSWORD}@example.org?to=me@example.org"
CONNECT_SECONDS = 10.0
READ_SECONDS = 15.0
# Parts of a mail's address that may stand in a reason, because they are no secrets.
_HARMLESS = {"to", "from", "cc", "bcc", "name", "smtp", "mode", "format", "cto", "rto", "overflow"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,39}")


@dataclass(frozen=True)
class Target:
    """A target of messages.

    Attributes:
        name: Name in logs, the database and thread names.
        address: Address of Apprise, with secrets.
        secrets: Texts that are removed from reasons of failures.
    """

    name: str
    address: str = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def service(self, more_seconds: float = 0.0) -> Any:
        """Return a new service of Apprise; None if it does not know the address.

        Args:
            more_seconds: Time above the default time-outs, for a large attachment.
        """
        import apprise

        _quiet_loggers()
        asset = apprise.AppriseAsset(
            async_mode=False,  # the own thread of the target; a pool would delay the program's end
            app_id="Lookback",
            app_desc="Lookback",
            app_url="",
            image_url_mask="",  # icons would be fetched from another site
            image_url_logo="",
        )
        return apprise.Apprise.instantiate(_with_time_outs(self.address, more_seconds), asset)

    def redact(self, text: str) -> str:
        """Return a text in one line, without the secrets of the address.

        >>> Target("a", "json://h/token", ("token",)).redact("POST /token failed")
        'POST /*** failed'
        """
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return " ".join(text.split())


def load_targets(path: Path, environment: Mapping[str, str] | None = None) -> list[Target]:
    """Return the targets of a file.

    Args:
        path: YAML file with `name: address`; `${NAME}` stands for a variable of the environment.
        environment: The variables; None for those of the process.

    Raises:
        UsageError: The file, a name or an address is not valid. The message repeats no address.
    """
    content = read_secrets_file(path, EXAMPLE)
    return [_target(path, name, value, environment) for name, value in content.items()]


def _target(
    path: Path, name: object, value: object, environment: Mapping[str, str] | None
) -> Target:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        # An address in place of a name would be shown.
        raise UsageError(
            f"{path}: a name holds up to 40 letters, digits, spaces, '_', '.' and '-'; "
            f"the file holds lines such as '{EXAMPLE}'"
        )
    where = f"{path}: {name}"
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{where}: one address of Apprise is wanted, such as '{EXAMPLE}'")
    variables: list[str] = []

    def encoded(text: str) -> str:
        variables.append(text)
        return quote(text, safe="")

    address = with_environment(value.strip(), where, environment, encoded)
    target = Target(name, address, _secrets(address, variables))
    service = target.service()
    if service is None:
        scheme = address.partition("://")[0]
        # What precedes "://" is no secret; without it, the whole text could be one.
        shown = f"{scheme}://" if "://" in address and scheme.isalnum() else "this text"
        raise UsageError(
            f"{where}: {shown} is not a complete address of Apprise; see docs/messages.md"
        )
    if len(service) > 1:
        raise UsageError(
            f"{where}: this address has {len(service)} recipients; give each a row of its own, "
            "because a failure of one would send the message to the others again"
        )
    return target


def _secrets(address: str, variables: list[str]) -> tuple[str, ...]:
    """Return the parts of an address that may be secret, as they are and percent-encoded."""
    found = set(variables)
    parts = urlsplit(address)
    mail = parts.scheme.lower() in ("mailto", "mailtos")
    login = parts.netloc.rpartition("@")[0]
    found.update(login.split(":", 1)[1:] if mail else login.split(":"))
    if not mail:
        found.update(parts.path.split("/"))
        if not login:
            found.add(parts.netloc)  # tokens stand there for many services
            found.update(parts.netloc.split(":"))
        found.add(parts.fragment)
    query = parse_qsl(parts.query, keep_blank_values=True)
    found.update(value for key, value in query if key.lower() not in _HARMLESS)
    found.add(address)
    both = found | {unquote(each) for each in found} | {quote(each, safe="") for each in found}
    return tuple(sorted(each for each in both if len(each) >= 4 and each != "/"))


def _with_time_outs(address: str, more_seconds: float) -> str:
    # Apprise waits 4 s for most services, which is short for a picture, and cuts long texts.
    defaults = {
        "cto": f"{CONNECT_SECONDS + more_seconds:g}",
        "rto": f"{READ_SECONDS + more_seconds:g}",
        "overflow": "split",
    }
    given = {key.lower() for key, _ in parse_qsl(address.partition("?")[2], True)}
    added = "&".join(f"{key}={value}" for key, value in defaults.items() if key not in given)
    if not added:
        return address
    return f"{address}{'&' if '?' in address else '?'}{added}"


def _quiet_loggers() -> None:
    """Keep what Apprise and urllib3 log out of the program's logs: it names parts of addresses.

    Apprise's own records are still collected as reasons of failures, and redacted.
    """
    log = logging.getLogger("apprise")
    log.propagate = False
    log.setLevel(max(log.level, logging.WARNING))  # reasons are warnings; below, it logs addresses
    if not log.handlers:
        log.addHandler(logging.NullHandler())  # without it, Python prints them on standard error
    for name in ("urllib3", "requests"):
        other = logging.getLogger(name)
        other.setLevel(max(other.level, logging.ERROR))
