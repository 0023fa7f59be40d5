"""What the page asks of the rest of the program: events, settings of alarms, teaching.

Methods are called from several threads. A method refuses with a `LookbackError` whose line the page
shows, and raises `LookupError` for an id or a name that does not exist; one error may be both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

Verdict = Literal["right", "wrong"]


@dataclass(frozen=True)
class PageEvent:
    """An event as the page shows it.

    Attributes:
        id: Number of the event.
        camera: Name of the camera.
        label: The class.
        started: Start, in seconds since 1970 (UTC).
        ended: End, likewise; None while the event is open.
        seconds: Length in seconds, from the monotonic clock.
        peak: Highest smoothed probability, 0 to 1.
        mean: Mean smoothed probability, 0 to 1; None while the event is open.
        still: Picture of the confirmation, a JPEG; None if there is none.
        parts: Finished recordings (mp4), in order.
        verdict: Correction by a person: `right`, `wrong`, or empty.
        corrected: The label that a person gave instead; empty for none.
        silent: Whether nobody is told, as the camera was disarmed or the class was cooling down.
    """

    id: int
    camera: str
    label: str
    started: float
    ended: float | None
    seconds: float
    peak: float
    mean: float | None
    still: Path | None = None
    parts: tuple[Path, ...] = ()
    verdict: str = ""
    corrected: str = ""
    silent: bool = False


class Events(Protocol):
    """The events that are shown."""

    def between(self, start: float, end: float) -> Sequence[PageEvent]:
        """Return the events that were open at any time of [start, end), oldest first.

        Args:
            start: Seconds since 1970 (UTC).
            end: Likewise.
        """

    def event(self, event: int) -> PageEvent | None:
        """Return an event; None if there is none of this number."""


class Controls(Protocol):
    """Settings that act at once and are stored."""

    def rules(self, camera: int) -> dict[str, tuple[float, float]]:
        """Return `on` and `off` of each alarm class of a camera."""

    def alarm_classes(self) -> Sequence[str]:
        """Return the classes that raise alarms."""

    def set_rule(self, camera: int | None, label: str, on: float, off: float) -> None:
        """Set the thresholds of a class, for one camera or for all (None)."""

    def set_alarm_classes(self, labels: Sequence[str]) -> None:
        """Set the classes that raise alarms."""

    def set_armed(self, camera: int, armed: bool) -> None:
        """Set whether the events of a camera are reported."""

    def delete_event(self, event: int) -> None:
        """Delete an event with its still and recordings."""


class Teacher(Protocol):
    """Clips and corrections from cameras, and training on them."""

    def classes(self) -> list[dict[str, Any]]:
        """Return the classes: `name`, `count` (of all clips), and `clips`, the newest first, with
        `id`, `seconds`, `session`, `camera` and `created` (seconds since 1970)."""

    def add_class(self, name: str) -> None:
        """Add a class without clips."""

    def remove_class(self, name: str) -> None:
        """Remove a class and its clips."""

    def sessions(self) -> list[str]:
        """Return the names of the sessions of all clips, the newest last."""

    def begin_clip(self, camera_id: int, label: str, session: str) -> str:
        """Begin a clip now; return a token for `end_clip`. A clip that is never ended is not
        kept."""

    def end_clip(self, token: str) -> int:
        """End a clip now and keep it; return its id."""

    def delete_clip(self, clip: int) -> None:
        """Delete a clip."""

    def clip_path(self, clip: int) -> Path:
        """Return the file of a clip, an mp4 that a browser plays."""

    def learn(self) -> None:
        """Begin to extract, train and evaluate in the background."""

    def cancel(self) -> None:
        """Cancel what `learn` began."""

    def progress(self) -> dict[str, Any]:
        """Return `state` (idle, running, done, failed or refused), `phase`, `fraction` (0 to 1),
        `message`, `score`, `warning` and `seconds`."""

    def correct(self, event_id: int, verdict: Verdict, label: str | None) -> None:
        """Record that an event was right or wrong, and what it was instead."""

    def missed(self, camera_id: int, label: str, seconds: float) -> None:
        """Record that the last `seconds` (5 to 60) of a camera were an event of a class."""
