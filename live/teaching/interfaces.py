"""What teaching needs of recording and of the database of events.

Times are seconds of `time.monotonic`, as everywhere in live use.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from video.errors import LookbackError


class UnknownError(LookbackError, LookupError):
    """There is no camera, clip, class or event of this number or name."""


class Cutter(Protocol):
    """The recent past of all cameras, as `live.recording` keeps it."""

    def cut(self, camera_id: int, since: float, until: float, path: Path) -> object:
        """Write the video from `since` to `until` to an mp4 file.

        It may begin earlier, at a keyframe, or later, as far back as the memory reaches, and must
        end at `until`. The return value is not used.

        Raises:
            LookbackError: The camera is not recorded, or this time is no longer in memory.
        """


@dataclass(frozen=True)
class PastEvent:
    """An event that can be corrected.

    Attributes:
        id: Number of the event in the database.
        camera_id: Number of the camera.
        label: Class of the event.
        started: Time of its first step; None if it is of an earlier run of the program.
        ended: Time of its last step; None if it is open, or of an earlier run.
        recording: Its video; None without one.
        begins: Second of the video at which the event begins.
        seconds: Duration of the event in the video; None for up to the video's end.
    """

    id: int
    camera_id: int
    label: str
    started: float | None = None
    ended: float | None = None
    recording: Path | None = None
    begins: float = 0.0
    seconds: float | None = None


class EventLog(Protocol):
    """The database of events, as far as corrections need it."""

    def past_event(self, event_id: int) -> PastEvent | None:
        """Return an event; None if there is none with this number."""

    def add_correction(
        self,
        event_id: int | None,
        camera_id: int,
        verdict: str,
        label: str,
        video: str,
        seconds: float,
    ) -> None:
        """Record a correction.

        Args:
            event_id: Number of the event; None for a missed event.
            camera_id: Number of the camera.
            verdict: `right`, `wrong` or `missed`.
            label: Class that the user gave.
            video: Path of the clip in the manifest.
            seconds: Length of the event; a missed one ends now.
        """
