"""Messages to systemd, received by a socket that stands for it."""

import os
import socket
from collections.abc import Callable

import pytest

from live.watching.service_manager import (
    tell_alive,
    tell_ready,
    tell_status,
    tell_stopping,
    watchdog_seconds,
)
from live.watching.watchdog import Watchdog

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here")


@pytest.fixture(params=["path", "abstract"])
def received(request, tmp_path, monkeypatch):
    """Return a function that gives the next message, or None."""
    if request.param == "abstract" and not os.path.exists("/proc/net/unix"):
        pytest.skip("only Linux has abstract sockets")
    name = str(tmp_path / "n") if request.param == "path" else f"@lookback-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(name.replace("@", "\0", 1))
        channel.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", name)

        def take() -> str | None:
            try:
                return channel.recv(4096).decode()
            except BlockingIOError:
                return None

        yield take


def test_what_is_told_arrives(received: Callable):
    assert tell_ready("2 cameras")
    assert received() == "READY=1\nSTATUS=2 cameras"
    assert tell_ready()
    assert received() == "READY=1"
    assert tell_status("hall: live\nWATCHDOG=1")
    assert received() == "STATUS=hall: live WATCHDOG=1"  # one line, whatever the text
    assert tell_alive()
    assert received() == "WATCHDOG=1"
    assert tell_stopping()
    assert received() == "STOPPING=1"
    assert received() is None


def test_systemd_is_told_of_beats_only(received: Callable, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "8000000")
    ended: list[float] = []
    now = [0.0]
    watchdog = Watchdog(30.0, end=ended.append, clock=lambda: now[0])
    told = []
    for _ in range(12):
        now[0] += 2.0
        if now[0] <= 10:
            watchdog.beat()
        watchdog.check()
        told.append(received())
    assert told == ["WATCHDOG=1"] * 5 + [None] * 7
    assert ended == []


@pytest.mark.parametrize("address", ["", "/nowhere/notify", "vsock:2:1234"])
def test_without_a_service_manager_nothing_happens(address, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert not tell_ready()
    assert not tell_alive()


@pytest.mark.parametrize(
    ("wanted", "process", "seconds"),
    [
        ("30000000", None, 30.0),
        ("30000000", "own", 30.0),
        ("30000000", "1", None),
        ("0", None, None),
        ("soon", None, None),
        (None, None, None),
    ],
)
def test_the_time_that_systemd_waits(wanted, process, seconds, monkeypatch):
    # The number itself may not be a parameter: it differs between the processes of pytest-xdist.
    process = str(os.getpid()) if process == "own" else process
    for name, value in (("WATCHDOG_USEC", wanted), ("WATCHDOG_PID", process)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert watchdog_seconds() == seconds
