"""A calendar day: its bounds and hours in the local time zone, also when the clocks change."""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from live.events.clock import day_bounds, local_day


@dataclass(frozen=True)
class Day:
    """A local calendar day of 23, 24 or 25 hours.

    Attributes:
        name: The date, such as `2026-10-25`.
        start: Midnight at its beginning, in seconds since 1970.
        end: Midnight at its end, in seconds since 1970.
        hours: Start of each hour in seconds since 1970, and its name on the clock.
    """

    name: str
    start: float
    end: float
    hours: tuple[tuple[float, str], ...]


def day_of(name: str | None, now: float, zone: tzinfo | None = None) -> Day:
    """Return a day.

    Args:
        name: Date in ISO format; None for the day of `now`.
        now: Seconds since 1970.
        zone: Time zone; None for that of the system.

    Raises:
        ValueError: `name` is no date.

    >>> from zoneinfo import ZoneInfo
    >>> day = day_of("2026-10-25", 0, ZoneInfo("Europe/Berlin"))
    >>> (day.end - day.start) / 3600, [name for _, name in day.hours][:5]
    (25.0, ['00', '01', '02', '02', '03'])
    """
    today = date.fromisoformat(name) if name else local_day(now, zone)
    start, end = day_bounds(today, zone)
    hours = [start + 3600.0 * hour for hour in range(round((end - start) / 3600))]
    named = tuple((each, datetime.fromtimestamp(each, zone).strftime("%H")) for each in hours)
    return Day(today.isoformat(), start, end, named)


def clock(seconds: float, zone: tzinfo | None = None) -> str:
    """Return the local time of an instant, such as `14:03:05`.

    Args:
        seconds: Seconds since 1970.
        zone: Time zone; None for that of the system.
    """
    return datetime.fromtimestamp(seconds, zone).strftime("%H:%M:%S")
