"""Times of the database: seconds since 1970 (UTC), and the bounds of local calendar days."""

import time
from datetime import date, datetime, timedelta, tzinfo


def utc_of(seconds: float, now: float | None = None, utc_now: float | None = None) -> float:
    """Return an instant of `time.monotonic` in seconds since 1970 (UTC).

    >>> utc_of(90.0, now=100.0, utc_now=1_800_000_000.0)
    1799999990.0

    Args:
        seconds: Time of `time.monotonic`.
        now: Present time of `time.monotonic`; None for that of the system.
        utc_now: Present time in seconds since 1970; None for that of the system.
    """
    now = time.monotonic() if now is None else now
    utc_now = time.time() if utc_now is None else utc_now
    return utc_now - now + seconds


def day_bounds(day: date, zone: tzinfo | None = None) -> tuple[float, float]:
    """Return the bounds [start, end) of a local calendar day, in seconds since 1970 (UTC).

    The day has 23 or 25 hours when the clocks change.

    >>> from zoneinfo import ZoneInfo
    >>> start, end = day_bounds(date(2026, 10, 25), ZoneInfo("Europe/Berlin"))
    >>> (end - start) / 3600
    25.0

    Args:
        day: Date.
        zone: Time zone; None for that of the system.
    """
    following = day + timedelta(days=1)
    # A naive datetime is in the system's zone; `timestamp` looks up the offset of that very day.
    start, end = (
        datetime(each.year, each.month, each.day, tzinfo=zone).timestamp()
        for each in (day, following)
    )
    return start, end


def local_day(utc: float, zone: tzinfo | None = None) -> date:
    """Return the local calendar day of an instant.

    >>> from zoneinfo import ZoneInfo
    >>> local_day(1_800_000_000.0, ZoneInfo("Asia/Tokyo")).isoformat()
    '2027-01-15'

    Args:
        utc: Seconds since 1970 (UTC).
        zone: Time zone; None for that of the system.
    """
    return datetime.fromtimestamp(utc, zone).date()
