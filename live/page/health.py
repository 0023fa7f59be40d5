"""Whether the program works: the answer of /healthz."""

import time
from collections.abc import Callable

from live.hub import Hub


def camera_health(hub: Hub, seconds: float = 120.0) -> Callable[[], str]:
    """Return a function that tells why the program is not healthy: no camera was live for long.

    Args:
        hub: The cameras.
        seconds: Time without any live camera that is still healthy.
    """
    last_live = time.monotonic()

    def reason() -> str:
        nonlocal last_live
        now = time.monotonic()
        statuses = hub.statuses()
        if not statuses or any(each.state == "live" for each in statuses):
            last_live = now
            return ""
        # A camera that is not live now was live until its state began, unless it never was.
        ended = [each.state_since for each in statuses if each.session]
        last_live = max([last_live, *(each for each in ended if each <= now)])
        return "no camera is live" if now - last_live > seconds else ""

    return reason
