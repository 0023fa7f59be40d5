"""When a queued message is sent: retries, the digest after an outage, the limit per hour. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

FIRST_DELAY = 10.0  # seconds
LONGEST_DELAY = 3600.0
GIVE_UP_AFTER = 48 * 3600.0
HOUR = 3600.0
# Up to this many waiting messages are sent one by one after an outage.
SINGLE_AFTER_OUTAGE = 5
# A message is normally sent at once. One that waited for longer has seen an outage, or the program
# did not run.
PROMPT_SECONDS = 60.0


class Waiting(Protocol):
    """A waiting row of the outbox. Times are UTC epoch seconds."""

    @property
    def id(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def created(self) -> float: ...
    @property
    def due(self) -> float: ...
    @property
    def tries(self) -> int: ...


@dataclass(frozen=True)
class Send:
    """Send this message now."""

    id: int


@dataclass(frozen=True)
class Digest:
    """Queue one message that lists these, and send it instead of them.

    Attributes:
        ids: Numbers of the messages.
        reason: `outage`, or `limit` for messages above the limit per hour.
    """

    ids: tuple[int, ...]
    reason: str


@dataclass(frozen=True)
class Wait:
    """Send nothing for `seconds`; None: until there is a new message."""

    seconds: float | None


def delay(tries: int) -> float:
    """Return the seconds from the failed try number `tries` (from 1) to the next.

    >>> [delay(tries) for tries in (0, 1, 2, 3, 9, 10, 99)]
    [0.0, 10.0, 20.0, 40.0, 2560.0, 3600.0, 3600.0]
    """
    if tries < 1:
        return 0.0
    return min(FIRST_DELAY * 2.0 ** min(tries - 1, 20), LONGEST_DELAY)


def expired(row: Waiting, now: float) -> bool:
    """Return whether a message that has just failed again is given up."""
    return row.tries > 0 and now - row.created >= GIVE_UP_AFTER


def plan(
    waiting: Sequence[Waiting],
    sent: Sequence[float],
    now: float,
    per_hour: int,
    not_before: float = 0.0,
    released: float = 0.0,
) -> Send | Digest | Wait:
    """Return what to do next for one target.

    A new message is tried at once, also while the target fails. Failed ones are tried again one
    at a time, so that an outage with many waiting messages does not mean as many connections. The
    first success ends the outage; then the others are due, or summed up if they are many. What is
    above the limit per hour waits, and is summed up in one message as soon as one may be sent.

    Args:
        waiting: Waiting messages of the target, oldest first.
        sent: Times of the newest messages sent to the target, at least `per_hour` of them if there
            were as many.
        now: The present time, UTC epoch seconds.
        per_hour: Maximum number of messages per hour.
        not_before: Time before which failed messages are not tried again; 0 while the target works.
        released: End of the last outage; messages that failed before it are due.
    """
    if not waiting:
        return Wait(None)
    recent = sorted(time for time in sent if now - HOUR < time <= now)
    if len(recent) >= per_hour:
        return Wait(recent[-per_hour] + HOUR - now)
    if held := _held_by_the_limit(waiting, sent, now, per_hour):
        return Digest(held, "limit")
    if not_before == 0.0 and (ids := _late(waiting, now)):
        return Digest(ids, "outage")
    seconds = [_seconds_until_due(row, now, not_before, released) for row in waiting]
    least = min(seconds)
    if least > 0:
        return Wait(least)
    return Send(waiting[seconds.index(least)].id)


def _held_by_the_limit(
    waiting: Sequence[Waiting], sent: Sequence[float], now: float, per_hour: int
) -> tuple[int, ...]:
    before = sorted(time for time in sent if time <= now)
    if len(before) < per_hour:
        return ()
    # The limit held until this time; a message from before it that was never tried was above it.
    free = before[-per_hour] + HOUR
    held = [each.id for each in waiting if each.created < free and _single(each) and not each.tries]
    return tuple(held) if len(held) > 1 else ()


def _late(waiting: Sequence[Waiting], now: float) -> tuple[int, ...]:
    single = [each for each in waiting if _single(each)]
    late = any(each.tries or now - each.created > PROMPT_SECONDS for each in single)
    return tuple(each.id for each in single) if late and len(single) > SINGLE_AFTER_OUTAGE else ()


def _single(row: Waiting) -> bool:
    return row.kind not in ("digest", "test")


def _seconds_until_due(row: Waiting, now: float, not_before: float, released: float) -> float:
    # A time further away than a delay can be was written before the clock was set back.
    limit = delay(row.tries)
    left = row.due - now
    if left > limit or row.due - limit < released:
        left = 0.0
    gate = not_before - now if row.tries else 0.0
    gate = gate if gate <= LONGEST_DELAY else 0.0
    return max(left, gate, 0.0)
