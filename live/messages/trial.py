"""The test message of `run.py --notify-test`: to every target, without the database."""

import threading
import time
from collections.abc import Sequence
from datetime import tzinfo

from live.messages import texts
from live.messages.delivery import Attempt, Deliver, DeliveryError, Outgoing, deliver
from live.messages.targets import Target
from video.console import logger

_LOG = logger(__name__)


def notify_test(
    targets: Sequence[Target],
    zone: tzinfo | None = None,
    deliver: Deliver = deliver,
    seconds: float = 60.0,
) -> int:
    """Send a test message to every target at once, log a line for each, and return an exit code.

    Args:
        targets: The targets.
        zone: Time zone of the text; None for the local one.
        deliver: Sends one message.
        seconds: Longest time for all targets.

    Returns:
        0 if every target accepted the message, else 1.
    """
    now = time.time()
    text = texts.test(now, zone)
    message = Outgoing(f"lookback.test.{round(now * 1000)}", text.subject, text.body)
    results: dict[str, str] = {}

    def work(target: Target) -> None:
        try:
            deliver(target, message, Attempt())
            results[target.name] = ""
        except DeliveryError as error:
            results[target.name] = str(error)

    threads = [
        threading.Thread(target=work, args=(each,), name=f"messages-{each.name}", daemon=True)
        for each in targets
    ]
    until = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(until - time.monotonic(), 0.0))
    hangs = f"no answer for {seconds:.0f} s"
    reasons = {each.name: results.get(each.name, hangs) for each in targets}
    for name, reason in reasons.items():
        _LOG.info("%s: %s", name, f"failed: {reason}" if reason else "sent")
    return int(any(reasons.values()))
