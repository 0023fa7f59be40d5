"""Numbers of the cameras for the page, as JSON."""

import math
import time
import zlib
from typing import Any

from live.decision import Decision
from live.hub import CameraStatus, Hub
from live.page.interfaces import Teacher
from live.page.pictures import epoch, is_live

_MOST_CURVES = 8
_BARS = 5


def curves(status: CameraStatus) -> list[str]:
    """Return the classes whose probabilities are plotted: all of up to eight, else those that
    raise alarms."""
    if len(status.labels) <= _MOST_CURVES:
        return list(status.labels)
    return [label for label in status.labels if label in status.smoothed][:_MOST_CURVES]


def points(hub: Hub, status: CameraStatus, since: float = 0.0) -> dict[str, Any]:
    """Return the decisions of a camera after a time of `time.monotonic`, by columns.

    Returns:
        `labels`; `times` in seconds since 1970; for each label a list of raw (`raw`) and smoothed
        (`smoothed`, null without a rule) probabilities.
    """
    labels = curves(status)
    rows = hub.history(status.id, since)
    places = [status.labels.index(label) for label in labels]
    # A model that was replaced may have had other classes.
    rows = [row for row in rows if len(row[1]) == len(status.labels)]
    return {
        "labels": labels,
        "times": [round(epoch(row[0]), 3) for row in rows],
        "raw": [[_number(row[1][place]) for row in rows] for place in places],
        "smoothed": [[_number(row[2][place]) for row in rows] for place in places],
    }


def camera_status(hub: Hub, status: CameraStatus) -> dict[str, Any]:
    """Return the state of a camera: what changes from moment to moment."""
    now = time.monotonic()
    picture = hub.picture(status.id)
    live = is_live(status.state, picture)
    decision = picture.decision if picture is not None and live else None
    quiet = status.state == "live" and not live and picture is not None
    since = picture.arrived if quiet and picture is not None else status.state_since
    return {
        "id": status.id,
        "name": status.name,
        "state": "stalled" if quiet else status.state,
        "live": live,
        "reason": "no new picture" if quiet else status.reason,
        "since": round(epoch(since), 1),
        "age": None if picture is None else round(now - picture.arrived, 3),
        "armed": status.armed,
        "size": list(status.size),
        "open": list(status.open_events),
        "session": status.session,
        "frames": status.frames,
        "steps": status.steps,
        "skipped": status.skipped,
        "label": None if decision is None else decision.label,
        "probability": None if decision is None else _number(decision.probability),
        "sure": decision is not None and decision.above_threshold,
        "bars": [] if decision is None else _bars(decision, status.smoothed),
    }


def _bars(decision: Decision, smoothed: dict[str, float]) -> list[list[Any]]:
    """Return label, raw and smoothed probability of the classes with a rule and the best others,
    in the order of the labels so that bars do not jump."""
    names = set(decision.labels)
    if len(names) > _BARS:
        names = {label for label, _ in decision.best(_BARS)} | (names & set(smoothed))
    rows = zip(decision.labels, decision.probabilities, strict=True)
    return [
        [label, _number(float(raw)), _number(smoothed.get(label, math.nan))]
        for label, raw in rows
        if label in names
    ]


def status_message(
    hub: Hub, teacher: Teacher | None, boot: str, since: dict[int, float]
) -> dict[str, Any]:
    """Return the message that a viewer gets several times a second.

    Args:
        hub: The cameras.
        teacher: Source of the progress of learning.
        boot: Text that differs after each start of the program.
        since: Time of the last decision that the viewer has, by camera; it is brought up to date.
    """
    cameras = []
    for status in hub.statuses():
        row = camera_status(hub, status)
        last = since.setdefault(status.id, time.monotonic())
        newest = status.history[-1][0] if status.history else last
        row["points"] = points(hub, status, last) if newest > last else None
        since[status.id] = newest
        cameras.append(row)
    return {
        "type": "status",
        "boot": boot,
        "now": round(time.time(), 3),
        "uptime": round(time.monotonic() - hub.started, 1),
        "model": any(status.labels for status in hub.statuses()),
        # It differs after a new model: the page then asks for the classes and their rules again.
        "classes": zlib.crc32(repr([status.labels for status in hub.statuses()]).encode()),
        "counters": dict(hub.counters),
        "learn": None if teacher is None else teacher.progress(),
        "cameras": cameras,
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)
