"""Armed hours: what texts mean, also around midnight and when the clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from live.alarms.schedule import is_armed, parse_schedule
from video.errors import UsageError

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    """Return a time of a week in June, such as `Tue 17:30`."""
    day, _, clock = text.partition(" ")
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun").index(day)
    hour, _, minute = clock.partition(":")
    return MONDAY + timedelta(days=days, hours=int(hour), minutes=int(minute))


@pytest.mark.parametrize(
    ("texts", "armed", "not_armed"),
    [
        ([], ["Mon 00:00", "Sun 23:59"], []),
        (["always"], ["Mon 00:00", "Sun 23:59"], []),
        (["Always", "Mon 10:00-11:00"], ["Tue 10:00"], []),
        (
            ["Mon-Fri 18:00-06:00"],
            ["Mon 18:00", "Mon 23:59", "Tue 00:00", "Tue 05:59", "Fri 23:00", "Sat 05:59"],
            ["Mon 05:59", "Mon 17:59", "Tue 06:00", "Sat 06:00", "Sat 18:00", "Sun 03:00"],
        ),
        (["Sat,Sun"], ["Sat 00:00", "Sun 23:59"], ["Fri 23:59", "Mon 00:00"]),
        (["22:00-07:00"], ["Mon 22:00", "Mon 06:59", "Sun 23:00"], ["Mon 07:00", "Wed 12:00"]),
        (["Sun 22:00-02:00"], ["Sun 22:00", "Mon 01:59"], ["Sun 01:00", "Mon 22:00"]),
        (["Fri-Mon"], ["Fri 12:00", "Sun 12:00", "Mon 12:00"], ["Tue 12:00", "Thu 12:00"]),
        (
            ["Mon-Wed,Sat 8:00-12:30"],
            ["Mon 08:00", "Wed 12:29", "Sat 09:00"],
            ["Thu 09:00", "Mon 12:30", "Sun 09:00"],
        ),
        (["Mon 20:00-24:00"], ["Mon 23:59"], ["Tue 00:00", "Mon 19:59"]),
        (["Mon 20:00-00:00"], ["Mon 23:59"], ["Tue 00:00", "Mon 00:00"]),
        (["monday - friday  09:00 - 17:00", "SUN"], ["Tue 09:30", "Sun 03:00"], ["Tue 17:00"]),
        (["Mon\u2013Tue"], ["Tue 12:00"], ["Wed 12:00"]),
    ],
)
def test_a_schedule(texts: list[str], armed: list[str], not_armed: list[str]):
    schedule = parse_schedule(texts)
    assert [each for each in armed if not is_armed(schedule, at(each))] == []
    assert [each for each in not_armed if is_armed(schedule, at(each))] == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "nothing in it"),
        ("never", "'never' is no day of the week"),
        ("Mon-Fry 18:00-06:00", "'fry' is no day of the week"),
        ("Mo-Fr", "'mo' is no day of the week"),
        ("Mon,,Tue", "'' is no day of the week"),
        ("18:00", "'18:00' has no end"),
        ("18-06", "'18' is no time of day"),
        ("18:00-25:00", "'25:00' is no time of day"),
        ("18:60-19:00", "'18:60' is no time of day"),
        ("18:00-24:01", "'24:01' is no time of day"),
        ("24:00-06:00", "begins at 24:00"),
        ("06:00-06:00", "begins and ends at the same time"),
        ("Mon 06:00-07:00 Tue", "'tue' is too much"),
        ("06:00-07:00 Mon", "'mon' is too much"),
        ("\u0660\u0666:00-07:00", "no time of day"),
    ],
)
def test_nonsense_is_refused(text: str, why: str):
    with pytest.raises(UsageError) as refusal:
        parse_schedule(["Sat", text])
    message = str(refusal.value)
    assert why in message
    assert repr(text) in message
    assert "Mon-Fri 18:00-06:00" in message
    assert "\n" not in message


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no zone"):
        is_armed(parse_schedule([]), datetime(2026, 6, 1))


def armed_minutes(texts: list[str], day: tuple[int, int, int]) -> int:
    """Count the minutes of a day in Berlin that are armed, as they pass one after another."""
    try:
        berlin = ZoneInfo("Europe/Berlin")
    except ZoneInfoNotFoundError:
        pytest.skip("this system has no time zones")
    schedule = parse_schedule(texts)
    begin = datetime(*day, tzinfo=berlin).astimezone(UTC)
    times = (begin + timedelta(minutes=minute) for minute in range(26 * 60))
    local = [each.astimezone(berlin) for each in times]
    return sum(is_armed(schedule, each) for each in local if each.day == day[2])


SHORT, LONG, USUAL = (2026, 3, 29), (2026, 10, 25), (2026, 10, 24)


@pytest.mark.parametrize(
    ("text", "short", "usual", "long"),
    [
        ("always", 23, 24, 25),
        ("00:00-04:00", 3, 4, 5),
        ("02:00-03:00", 0, 1, 2),  # the hour that is left out, or comes twice
        ("22:00-07:00", 8, 9, 10),
        ("04:00-22:00", 18, 18, 18),
    ],
)
def test_days_of_23_and_25_hours(text: str, short: int, usual: int, long: int):
    hours = [armed_minutes([text], day) / 60 for day in (SHORT, USUAL, LONG)]
    assert hours == [short, usual, long]


def test_a_night_across_the_change_belongs_to_its_evening():
    assert armed_minutes(["Sat 22:00-06:00"], LONG) == 7 * 60  # Sunday until 6 with the extra hour
    assert armed_minutes(["Sun 22:00-06:00"], LONG) == 2 * 60
