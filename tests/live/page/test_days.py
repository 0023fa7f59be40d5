"""Days of 23, 24 and 25 hours."""

from zoneinfo import ZoneInfo

import pytest

from live.page.days import clock, day_of

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("name", "hours", "missing", "twice"),
    [
        ("2026-03-29", 23, "02", None),
        ("2026-10-25", 25, None, "02"),
        ("2026-11-28", 24, None, None),
    ],
)
def test_the_hours_of_a_day(name, hours, missing, twice):
    day = day_of(name, 0.0, BERLIN)
    assert day.end - day.start == hours * 3600
    named = [hour for _, hour in day.hours]
    assert len(named) == hours
    assert named[0] == "00"
    assert named[-1] == "23"
    assert missing is None or missing not in named
    assert twice is None or named.count(twice) == 2
    assert [clock(at, BERLIN)[:2] for at, _ in day.hours] == named


def test_days_follow_each_other():
    days = [day_of(f"2026-10-{number}", 0.0, BERLIN) for number in (24, 25, 26)]
    assert [day.end for day in days[:-1]] == [day.start for day in days[1:]]


def test_today_is_the_day_of_now():
    noon = day_of("2026-10-25", 0.0, BERLIN).start + 13 * 3600
    assert day_of(None, noon, BERLIN).name == "2026-10-25"
    assert day_of(None, noon + 12 * 3600, BERLIN).name == "2026-10-26"
