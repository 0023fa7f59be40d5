"""The texts that people read."""

from dataclasses import dataclass
from datetime import timedelta, timezone
from zoneinfo import ZoneInfo

from live.messages import texts

ZONE = timezone(timedelta(hours=2), "CEST")
START = 1_790_000_000.0  # 2026-09-21 14:13:20 UTC


@dataclass(frozen=True)
class Row:
    event_id: int | None
    kind: str
    subject: str
    created: float = START


def test_start():
    text = texts.start(17, "hall", "fall", START, 0.934, ZONE)
    assert text.subject == "fall on hall, 16:13:20"
    assert text.body == (
        "fall on hall.\nStart: 2026-09-21 16:13:20 +02:00 (CEST)\nProbability: 93%\nEvent: 17\n"
    )


def test_end():
    text = texts.end(17, "hall", "fall", START, 12.34, 0.81, 0.97, 1, ZONE)
    assert text.subject == "fall on hall, 16:13:20: ended after 12.3 s"
    for line in ("Length: 12.3 s", "Mean probability: 81%", "Highest probability: 97%"):
        assert line in text.body.splitlines()
    assert "files" not in text.body
    assert "Recording: 3 files" in texts.end(1, "a", "b", START, 400, 0.8, 0.9, 3, ZONE).body


def test_the_end_of_an_event_that_a_kill_cut_off():
    text = texts.end(17, "hall", "fall", START, None, None, 0.97, 0, ZONE)
    assert text.subject == "fall on hall, 16:13:20: ended"
    assert "Mean probability: unknown" in text.body


def test_lost_and_back():
    lost = texts.lost("yard", START, "no answer", ZONE)
    assert lost.subject == "Camera yard is lost since 16:13:20"
    assert lost.body.splitlines()[2] == "Reason: no answer"
    assert texts.back("yard", START, 83, ZONE).subject == "Camera yard is back after 1 min 23 s"


def test_a_subject_is_one_line():
    assert texts.start(1, "a\r\nBcc: x@y.z", "b", START, 1, ZONE).subject.count("\n") == 0


def test_a_digest_lists_each_event_once():
    rows = [
        Row(1, "start", "fall on hall"),
        Row(None, "lost", "Camera yard is lost"),
        Row(1, "end", "fall on hall: ended", START + 60),
        Row(2, "start", "fight on hall", START + 90),
    ]
    text = texts.digest(rows, "outage", ZONE)
    assert text.subject == "3 messages from 16:13:20 to 16:14:50"
    assert text.body.splitlines()[2:] == [
        "2026-09-21 16:13:20 +02:00 (CEST)  Camera yard is lost",
        "2026-09-21 16:14:20 +02:00 (CEST)  fall on hall: ended (event 1)",
        "2026-09-21 16:14:50 +02:00 (CEST)  fight on hall (event 2)",
    ]


def test_the_hour_that_comes_twice_is_told_apart():
    berlin = ZoneInfo("Europe/Berlin")
    first = 1_792_888_200.0  # 2026-10-25 00:30 UTC
    assert texts.local_time(first, berlin) == "2026-10-25 02:30:00 +02:00 (CEST)"
    assert texts.local_time(first + 3600, berlin) == "2026-10-25 02:30:00 +01:00 (CET)"
