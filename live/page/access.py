"""Who may use the page: names of the host, the token, its session values, and limited tries."""

import hashlib
import hmac
import ipaddress
import os
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from pathlib import Path

from video.errors import LookbackError, UsageError

SESSION_SECONDS = 30 * 86400
_TRIES = 5
_TRY_SECONDS = 300.0
_MOST_ADDRESSES = 1000


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of an address of `--serve`.

    >>> parse_address("127.0.0.1:8000"), parse_address("[::1]:80"), parse_address("8000")
    (('127.0.0.1', 8000), ('::1', 80), ('127.0.0.1', 8000))

    Raises:
        UsageError: It has no port, or the port is no number from 0 to 65535.
    """
    host, _, port = text.strip().rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise UsageError(f"--serve {text}: give an address and a port, such as 127.0.0.1:8000")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine can reach an address.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def read_token(path: Path) -> str:
    """Return the token in a file; a file that does not exist is created with a random one.

    Raises:
        LookbackError: The file cannot be read or written, others can read it, or the token has
            fewer than 16 characters.
    """
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(24) + "\n")
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise LookbackError(f"{path}: others can read the token; run chmod 600 {path}")
        token = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise LookbackError(f"{path}: {error.strerror or error}; give another file") from None
    if len(token) < 16:
        raise LookbackError(f"{path}: a token has at least 16 characters; delete the file")
    return token


class Tries:
    """Limits wrong tokens to five in five minutes per address.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """Return the seconds until an address may try again; 0 if it may now."""
        failed = self._failed.get(_network(address))
        if failed is None or len(failed) < _TRIES:
            return 0.0
        return max(0.0, failed[0] + _TRY_SECONDS - self._clock())

    def failed(self, address: str) -> None:
        """Record a wrong token."""
        network = _network(address)
        self._failed.setdefault(network, deque(maxlen=_TRIES)).append(self._clock())
        self._failed.move_to_end(network)
        while len(self._failed) > _MOST_ADDRESSES:
            self._failed.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """Forget the wrong tokens of an address."""
        self._failed.pop(_network(address), None)


def _network(address: str) -> str:
    """Return what counts as one address: an IPv6 host has a whole /64 of them."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address


class Access:
    """Decides which requests are answered.

    Args:
        host: The address that is bound.
        port: The port that is bound; `bound` sets it if the system chooses it.
        names: Further names by which browsers reach the page, with or without a port.
        token: The token; None if none is needed.

    Raises:
        UsageError: The address is not a loopback address, and there is no token.
    """

    def __init__(
        self, host: str, port: int, names: Collection[str] = (), token: str | None = None
    ) -> None:
        if token is None and not is_loopback(host):
            raise UsageError(f"{host} can be reached from other machines: a token is needed")
        self._host, self._names, self._token = host, tuple(names), token
        self.tries = Tries()
        self._hosts: frozenset[str] = frozenset()
        self.bound(port)

    @property
    def needs_token(self) -> bool:
        """Whether a token is needed."""
        return self._token is not None

    def bound(self, port: int) -> None:
        """Set the port that is bound."""
        own = {self._host, "localhost", "127.0.0.1", "[::1]"} - {"0.0.0.0", "::"}
        hosts = {f"{_bracketed(each)}:{port}".lower() for each in own}
        if port in (80, 443):
            hosts |= {_bracketed(each).lower() for each in own}
        for name in self._names:
            hosts |= {name.lower(), f"{name}:{port}".lower()}
        self._hosts, self._port = frozenset(hosts), port

    def knows_host(self, host: str, local: str | None) -> bool:
        """Whether a Host header, or the host of an Origin, names this page.

        Args:
            host: The header's value.
            local: Address of this machine that the connection came to. Where all addresses are
                bound, it is a name of the page, too: a foreign page cannot claim it, as only a
                name can be pointed to another machine.
        """
        if host.lower() in self._hosts:
            return True
        everywhere = self._host in ("0.0.0.0", "::")
        return bool(
            everywhere and local and _is_ip(local) and host == f"{_bracketed(local)}:{self._port}"
        )

    def knows_origin(self, origin: str, local: str | None) -> bool:
        """Whether an Origin header is that of this page."""
        scheme, _, host = origin.partition("://")
        return scheme in ("http", "https") and self.knows_host(host, local)

    def is_token(self, given: str) -> bool:
        """Whether a text is the token, in a time that does not depend on how much is right."""
        return self._token is not None and _same(given, self._token)

    def new_session(self, now: float | None = None) -> str:
        """Return the value of a new session's cookie. It does not tell the token, and ends with it.

        Args:
            now: Seconds since 1970; None for the clock's.
        """
        begun = int(time.time() if now is None else now)
        text = f"{begun + SESSION_SECONDS}.{secrets.token_urlsafe(16)}"
        return f"{text}.{self._signature(text)}"

    def is_session(self, value: str, now: float | None = None) -> bool:
        """Whether a cookie's value is that of a session that has not ended."""
        text, _, signature = value.rpartition(".")
        ends = text.partition(".")[0]
        if not (ends.isascii() and ends.isdigit()) or not _same(signature, self._signature(text)):
            return False
        return int(ends) > (time.time() if now is None else now)

    def _signature(self, text: str) -> str:
        key = (self._token or "").encode()
        return hmac.new(key, b"lookback page\0" + text.encode(), hashlib.sha256).hexdigest()


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(
        hashlib.sha256(given.encode("utf-8", "replace")).digest(),
        hashlib.sha256(right.encode()).digest(),
    )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
