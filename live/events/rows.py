"""Rows of the database. Times are seconds since 1970 (UTC); paths are relative to its folder."""

from dataclasses import dataclass
from typing import Literal

MessageKind = Literal["start", "end", "lost", "back", "digest", "test"]
MessageState = Literal["waiting", "sent", "digested", "given_up"]


@dataclass(frozen=True)
class RecordingRow:
    """A file of an event's recording.

    Attributes:
        id: Number of the recording.
        event_id: Number of the event.
        part: Number of the file within the event, from 1.
        path: Path of the mp4 file.
        started: Time of the first frame.
        ended: Time of the last frame; None while the file is open.
        bytes: Size of the file.
        complete: Whether the file is finished and can be played.
        deleted: Whether the file was deleted to make room.
    """

    id: int
    event_id: int
    part: int
    path: str
    started: float
    ended: float | None
    bytes: int
    complete: bool
    deleted: bool


@dataclass(frozen=True)
class EventRow:
    """An event.

    Attributes:
        id: Number of the event; numbers are never used again.
        camera: Name of the camera.
        label: The class.
        started: Time of the first step at or above the upper threshold.
        confirmed: Time of the confirmation; None before.
        ended: End; None while the event is open.
        duration: Length in seconds, from the monotonic clock; None while the event is open.
        peak: Highest smoothed probability, 0 to 1.
        mean: Mean smoothed probability, 0 to 1; None while the event is open.
        still: Path of the JPEG of the confirmation; None without one.
        silent: Whether nobody is told: the camera was disarmed, or the class was cooling down.
        verdict: Verdict of a person: `right` or `wrong`; None without one.
        corrected_label: The label that a person gave instead; None without one.
        seen: Last time at which the event was known to be open, or its end.
        recordings: Files of the recording, in order.
    """

    id: int
    camera: str
    label: str
    started: float
    confirmed: float | None
    ended: float | None
    duration: float | None
    peak: float
    mean: float | None
    still: str | None
    silent: bool
    verdict: str | None
    corrected_label: str | None
    seen: float
    recordings: tuple[RecordingRow, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Paths of the recordings that can be played, in order."""
        return tuple(each.path for each in self.recordings if each.complete and not each.deleted)


@dataclass(frozen=True)
class Message:
    """A message to one target.

    Attributes:
        id: Number of the message.
        event_id: Number of the event; None for a message that is about no event.
        camera: Name of the camera; empty for none.
        kind: `start`, `end`, `lost`, `back`, `digest` or `test`.
        target: Name of the target, never its address.
        subject: Subject.
        body: Text.
        attachment: Path of a still or recording; None without one.
        created: Time at which it was queued.
        due: Time of the next attempt.
        tries: Number of failed attempts.
        state: `waiting`, `sent`, `digested` (part of another message) or `given_up`.
        sent: Time at which it was sent; None before.
        error: Reason of the last failure; None without one.
    """

    id: int
    event_id: int | None
    camera: str
    kind: MessageKind
    target: str
    subject: str
    body: str
    attachment: str | None
    created: float
    due: float
    tries: int
    state: MessageState
    sent: float | None
    error: str | None


@dataclass(frozen=True)
class Correction:
    """A correction by a person: what a camera really showed in a time.

    Attributes:
        id: Number of the correction.
        event_id: Number of the event that is corrected; None for an event that was missed.
        camera: Name of the camera.
        label: The label that a person gave.
        started: Start.
        ended: End.
        clip: Path of the clip; None before it is cut.
        created: Time of the correction.
        used: Whether a model was trained on it.
    """

    id: int
    event_id: int | None
    camera: str
    label: str
    started: float
    ended: float
    clip: str | None
    created: float
    used: bool
