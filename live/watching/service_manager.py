"""Messages to the service manager (systemd) over NOTIFY_SOCKET; without one, nothing happens.

The protocol is that of sd_notify(3): lines of KEY=VALUE in one datagram to a Unix socket.
"""

import contextlib
import os
import socket


def tell_ready(status: str = "") -> bool:
    """Tell that the program runs, with an optional line for `systemctl status`."""
    return _tell(["READY=1", *_status(status)])


def tell_status(status: str) -> bool:
    """Set the line that `systemctl status` shows; it must not contain a password."""
    return _tell(_status(status))


def tell_alive() -> bool:
    """Tell that the program has not stopped moving; for `WatchdogSec=`."""
    return _tell(["WATCHDOG=1"])


def tell_stopping() -> bool:
    """Tell that the program ends."""
    return _tell(["STOPPING=1"])


def watchdog_seconds() -> float | None:
    """Return the time after which the service manager misses `tell_alive`; None if it does not."""
    with contextlib.suppress(ValueError):
        seconds = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6
        if seconds > 0 and os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid()):
            return seconds
    return None


def _status(text: str) -> list[str]:
    line = " ".join(text.split())
    return [f"STATUS={line}"] if line else []


def _tell(lines: list[str]) -> bool:
    """Send lines; return whether there is a service manager that took them."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not lines or not address.startswith(("/", "@")) or not hasattr(socket, "AF_UNIX"):
        return False
    if address.startswith("@"):  # an abstract socket: its name begins with a zero byte
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            # A full queue must not stop the caller: the next message comes soon.
            channel.setblocking(False)
            channel.sendto("\n".join(lines).encode(), address)
    except OSError:
        return False
    return True
