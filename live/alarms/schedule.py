"""Armed hours: times of the week in which events are reported, in local time."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from video.errors import UsageError

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY_MINUTES = 24 * 60
_FORMS = "write them as Mon-Fri 18:00-06:00, Sat,Sun, 22:00-07:00 or always"


@dataclass(frozen=True)
class Period:
    """A period that begins on some days of the week.

    Attributes:
        days: Days on which it begins, 0 for Monday.
        begin: First minute of the day.
        end: Minute at which it is over; not after `begin` if this is on the next day.
    """

    days: frozenset[int]
    begin: int = 0
    end: int = _DAY_MINUTES

    def holds(self, day: int, minute: int) -> bool:
        """Return whether a minute of a day of the week is in the period."""
        if self.begin < self.end:
            return day in self.days and self.begin <= minute < self.end
        yesterday = (day - 1) % 7
        return (day in self.days and minute >= self.begin) or (
            yesterday in self.days and minute < self.end
        )


@dataclass(frozen=True)
class Schedule:
    """Armed hours.

    Attributes:
        periods: Periods; any of them arms. None for always.
    """

    periods: tuple[Period, ...] | None = None


def parse_schedule(texts: Iterable[str]) -> Schedule:
    """Return the schedule of texts, any of which arms; without texts, always.

    A text has days, hours or both: `Mon-Fri 18:00-06:00`, `Sat,Sun`, `22:00-07:00`, or `always`.
    The days are those on which the hours begin, so `Fri 18:00-06:00` ends on Saturday.

    Raises:
        UsageError: A text is none of these.
    """
    texts = list(texts)
    periods = [period for text in texts if (period := _period(text))]
    always = len(periods) < len(texts) or not texts
    return Schedule(None if always else tuple(periods))


def is_armed(schedule: Schedule, when: datetime) -> bool:
    """Return whether a time is in the armed hours, by the clock on the wall in its own zone.

    An hour that comes twice in the night when summer time ends is armed both times.

    Args:
        schedule: Armed hours.
        when: Local time with its zone, such as `datetime.now().astimezone()`.

    Raises:
        ValueError: The time has no zone.
    """
    if when.tzinfo is None:
        raise ValueError("the time has no zone")
    if schedule.periods is None:
        return True
    minute = when.hour * 60 + when.minute
    return any(period.holds(when.weekday(), minute) for period in schedule.periods)


def _period(text: str) -> Period | None:
    """Return the period of a text; None for always."""
    plain = str(text).strip().lower().replace("–", "-")  # noqa: RUF001 (a dash as editors set it)
    words = re.sub(r"\s*([,-])\s*", r"\1", plain).split()
    if words == ["always"]:
        return None
    days = list(range(7))
    if words and words[0][0].isalpha():
        days = _days(words.pop(0), text)
    elif not words:
        raise _wrong(text, "there is nothing in it")
    if not words:
        return Period(frozenset(days))
    if len(words) > 1:
        raise _wrong(text, f"{words[1]!r} is too much")
    begin, dash, end = words[0].partition("-")
    if not dash:
        raise _wrong(text, f"{words[0]!r} has no end")
    period = Period(frozenset(days), _minute(begin, text), _minute(end, text))
    if period.begin == period.end:
        raise _wrong(text, "begins and ends at the same time; leave out the hours for whole days")
    if period.begin == _DAY_MINUTES:
        raise _wrong(text, "begins at 24:00; write 00:00 and the next day")
    return period


def _days(word: str, text: str) -> list[int]:
    days: list[int] = []
    for part in word.split(","):
        first, dash, last = part.partition("-")
        begin = _day(first, text)
        length = (_day(last, text) - begin) % 7 if dash else 0
        days += [(begin + more) % 7 for more in range(length + 1)]
    return days


def _day(name: str, text: str) -> int:
    for number, day in enumerate(_DAYS):
        if len(name) >= 3 and day.startswith(name):
            return number
    raise _wrong(text, f"{name!r} is no day of the week")


def _minute(clock: str, text: str) -> int:
    match = re.fullmatch(r"(\d{1,2}):([0-5]\d)", clock, re.ASCII)
    minute = int(match[1]) * 60 + int(match[2]) if match else _DAY_MINUTES + 1
    if minute > _DAY_MINUTES:
        raise _wrong(text, f"{clock!r} is no time of day from 00:00 to 24:00")
    return minute


def _wrong(text: str, why: str) -> UsageError:
    return UsageError(f"armed hours {text!r}: {why}; {_FORMS}")
