"""Subjects and bodies of messages, with local times and their zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Protocol


@dataclass(frozen=True)
class Text:
    """A subject in one line, and a body."""

    subject: str
    body: str


class Listed(Protocol):
    """A message in a digest."""

    @property
    def event_id(self) -> int | None: ...
    @property
    def kind(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def created(self) -> float: ...


def start(
    number: int, camera: str, label: str, started: float, probability: float, zone: tzinfo | None
) -> Text:
    """Return the message about a confirmed event.

    Args:
        number: Number of the event.
        camera: Name of the camera.
        label: The class.
        started: Start, UTC epoch seconds.
        probability: Smoothed probability at the confirmation, 0 to 1.
        zone: Time zone of the text; None for the local one.
    """
    return _event(
        f"{label} on {camera}, {clock_time(started, zone)}",
        number,
        f"{label} on {camera}.",
        f"Start: {local_time(started, zone)}",
        f"Probability: {probability:.0%}",
    )


def end(
    number: int,
    camera: str,
    label: str,
    started: float,
    length: float | None,
    mean: float | None,
    peak: float,
    parts: int,
    zone: tzinfo | None,
) -> Text:
    """Return the message about an event that has ended.

    Args:
        number: Number of the event.
        camera: Name of the camera.
        label: The class.
        started: Start, UTC epoch seconds.
        length: Length in seconds; None if the program ended before the event did.
        mean: Mean of the smoothed probabilities, 0 to 1; None likewise.
        peak: Highest smoothed probability, 0 to 1.
        parts: Number of files of the recording.
        zone: Time zone of the text; None for the local one.
    """
    after = "" if length is None else f" after {duration(length)}"
    lines = [
        f"{label} on {camera} has ended.",
        f"Start: {local_time(started, zone)}",
        f"Length: {'unknown' if length is None else duration(length)}",
        f"Mean probability: {'unknown' if mean is None else f'{mean:.0%}'}",
        f"Highest probability: {peak:.0%}",
    ]
    if parts > 1:
        lines.append(f"Recording: {parts} files, of which this is the first")
    return _event(f"{label} on {camera}, {clock_time(started, zone)}: ended{after}", number, *lines)


def lost(camera: str, since: float, reason: str, zone: tzinfo | None) -> Text:
    """Return the message about a camera that is lost since a time in UTC epoch seconds."""
    lines = [f"Camera {camera} sends no pictures.", f"Since: {local_time(since, zone)}"]
    if reason:
        lines.append(f"Reason: {reason}")
    return _text(f"Camera {camera} is lost since {clock_time(since, zone)}", lines)


def back(camera: str, now: float, length: float, zone: tzinfo | None) -> Text:
    """Return the message about a camera that is back after `length` seconds."""
    return _text(
        f"Camera {camera} is back after {duration(length)}",
        [f"Camera {camera} sends pictures again.", f"Since: {local_time(now, zone)}"],
    )


def test(now: float, zone: tzinfo | None) -> Text:
    """Return the test message."""
    return _text(
        "Lookback: test message",
        ["Messages of Lookback arrive here.", f"Sent: {local_time(now, zone)}"],
    )


def digest(rows: Sequence[Listed], reason: str, zone: tzinfo | None) -> Text:
    """Return the message that lists others. An event with a start and an end is listed once.

    Args:
        rows: The messages, oldest first.
        reason: `outage` or `limit`; see `live.messages.policy.Digest`.
        zone: Time zone of the text; None for the local one.
    """
    ended = {row.event_id for row in rows if row.kind == "end"}
    shown = [row for row in rows if row.kind != "start" or row.event_id not in ended]
    why = {
        "outage": "They could not be sent when they were written.",
        "limit": "They were above the limit of messages per hour.",
    }[reason]
    lines = [f"{local_time(row.created, zone)}  {_numbered(row)}" for row in shown]
    noun = "messages" if len(shown) > 1 else "message"
    subject = f"{len(shown)} {noun} from {clock_time(rows[0].created, zone)} to "
    subject += clock_time(rows[-1].created, zone)
    return _text(subject, [why, "", *lines])


def local_time(seconds: float, zone: tzinfo | None = None) -> str:
    """Return a date, time and zone.

    >>> from datetime import timedelta, timezone
    >>> local_time(0.0, timezone(timedelta(hours=1), "CET"))
    '1970-01-01 01:00:00 +01:00 (CET)'
    """
    when = datetime.fromtimestamp(seconds).astimezone(zone)
    offset = when.strftime("%z")
    return f"{when:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:5]} ({when.tzname()})"


def clock_time(seconds: float, zone: tzinfo | None = None) -> str:
    """Return hours, minutes and seconds of local time.

    >>> from datetime import timezone
    >>> clock_time(3723.0, timezone.utc)
    '01:02:03'
    """
    return f"{datetime.fromtimestamp(seconds).astimezone(zone):%H:%M:%S}"


def duration(seconds: float) -> str:
    """Return a length of time in words.

    >>> duration(3.24), duration(75), duration(7380), duration(59.96)
    ('3.2 s', '1 min 15 s', '2 h 3 min', '1 min 0 s')
    """
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def _numbered(row: Listed) -> str:
    return row.subject if row.event_id is None else f"{row.subject} (event {row.event_id})"


def _event(subject: str, number: int, *lines: str) -> Text:
    # The number makes a repetition recognizable.
    return _text(subject, [*lines, f"Event: {number}"])


def _text(subject: str, lines: Sequence[str]) -> Text:
    return Text(" ".join(subject.split()), "\n".join(lines) + "\n")
