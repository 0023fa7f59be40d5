"""Corrections of events, and events that were missed: they become training clips.

A recording begins before its event. With a class `background`, the clip keeps that time, and its
row has `start` and `end`, so that the rest of the clip is background. Without one, the clip is cut
to the event. The group of these clips is their camera, and their split is train.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from clips.manifest import BACKGROUND, Entry
from live.teaching.clip_rows import CAMERA, EVENT, SESSION, clip_id
from live.teaching.collection import Collection
from live.teaching.interfaces import Cutter, EventLog, PastEvent, UnknownError
from live.teaching.trimming import copy_part, measured, trimmed
from video.console import logger
from video.errors import LookbackError, UsageError

_LOG = logger(__name__)

RIGHT, WRONG, MISSED = "right", "wrong", "missed"
MIN_SECONDS, MAX_SECONDS = 5.0, 60.0
_PREROLL_SECONDS = 5.0
_MIN_EVENT_SECONDS = 2.0  # a window has 1.6 s


class Corrections:
    """What a user says about events, as clips below the data folder."""

    def __init__(
        self,
        collection: Collection,
        cutter: Cutter,
        events: EventLog,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Join the clips with the events.

        Args:
            collection: The clips.
            cutter: The recent past of the cameras.
            events: The database of events.
            clock: Clock of the cutter, in seconds.
        """
        self._collection, self._cutter, self._events = collection, cutter, events
        self._clock = clock

    def correct(self, event_id: int, verdict: str, label: str | None = None) -> int:
        """Mark an event, and return the number of the clip that it becomes.

        A clip of an earlier correction of the event is replaced.

        Args:
            event_id: Number of the event.
            verdict: `right`, or `wrong`.
            label: What a wrong event was; None or empty for nothing, which is `background`.

        Raises:
            UsageError: There is no such verdict, or a wrong event is given its own class.
            LookbackError: There is no such event, or its video is gone.
        """
        if verdict not in (RIGHT, WRONG):
            raise UsageError(f"verdict {verdict!r}: must be {RIGHT} or {WRONG}")
        event = self._events.past_event(event_id)
        if event is None:
            raise UnknownError(f"event {event_id}: there is no such event")
        if verdict == RIGHT:
            named = event.label
        else:
            named = self._collection.existing(label or BACKGROUND)
            if named == event.label:
                raise UsageError(f"event {event_id}: is {named} already; mark it as {RIGHT}")
        before = self._collection.videos_of_event(event_id)
        video = self._clip_of(event, named)
        with self._collection.lock():
            self._collection.delete_videos(before - {video})
        seconds = event.seconds
        if seconds is None:
            ends = self._clock() if event.ended is None else event.ended
            seconds = 0.0 if event.started is None else max(0.0, ends - event.started)
        self._events.add_correction(event_id, event.camera_id, verdict, named, video, seconds)
        return clip_id(video)

    def missed(self, camera_id: int, label: str, seconds: float) -> int:
        """Mark the last seconds of a camera as a class, and return the number of the clip.

        Args:
            camera_id: Number of the camera.
            label: Class of what was missed.
            seconds: Length of it up to now, 5 to 60.

        Raises:
            UsageError: The length is outside of these limits.
            LookbackError: There is no such camera, or it was not recorded for so long.
        """
        if not MIN_SECONDS <= seconds <= MAX_SECONDS:
            raise UsageError(f"{seconds:g} s: must be {MIN_SECONDS:g} to {MAX_SECONDS:g} seconds")
        now = self._clock()
        named = self._collection.existing(label)
        video = self._from_ring(camera_id, named, now - seconds, now, None)
        self._events.add_correction(None, camera_id, MISSED, named, video, seconds)
        return clip_id(video)

    def _clip_of(self, event: PastEvent, label: str) -> str:
        if event.recording is not None and event.recording.is_file():
            return self._from_recording(event, event.recording, label)
        if event.started is None:
            raise LookbackError(
                f"event {event.id}: its video is gone, so there is nothing to learn from"
            )
        until = self._clock() if event.ended is None else event.ended
        until = max(until, event.started + _MIN_EVENT_SECONDS)
        return self._from_ring(event.camera_id, label, event.started, until, event.id)

    def _from_ring(
        self, camera_id: int, label: str, since: float, until: float, event_id: int | None
    ) -> str:
        camera, temporary = self._collection.camera(camera_id), self._collection.temporary()
        try:
            if self._wants_preroll(label):
                try:
                    self._cutter.cut(camera_id, since - _PREROLL_SECONDS, until, temporary)
                except LookbackError:  # the past may not reach back that far
                    temporary.unlink(missing_ok=True)
                    self._cutter.cut(camera_id, since, until, temporary)
                cut = measured(temporary, until - since)
                return self._keep(temporary, label, camera, event_id, cut.begins, None)
            self._cutter.cut(camera_id, since, until, temporary)
            cut = measured(temporary, until - since)
            whole = self._collection.temporary()
            trimmed(cut, whole)
            return self._keep(whole, label, camera, event_id, 0.0, None)
        finally:
            temporary.unlink(missing_ok=True)

    def _from_recording(self, event: PastEvent, recording: Path, label: str) -> str:
        camera, temporary = self._collection.camera(event.camera_id), self._collection.temporary()
        ends = None if event.seconds is None else event.begins + event.seconds
        if ends is not None:
            ends = max(ends, event.begins + _MIN_EVENT_SECONDS)
        if self._wants_preroll(label):
            # The recording of an event belongs to the events, whose clean-up deletes it.
            shutil.copyfile(recording, temporary)
            return self._keep(temporary, label, camera, event.id, event.begins, ends)
        until = float("inf") if ends is None else ends
        copy_part(recording, temporary, event.begins, until)
        return self._keep(temporary, label, camera, event.id, 0.0, None)

    def _wants_preroll(self, label: str) -> bool:
        """Return whether the time around an event is a class of its own."""
        return label != BACKGROUND and BACKGROUND in self._collection.labels()

    def _keep(
        self,
        temporary: Path,
        label: str,
        camera: str,
        event_id: int | None,
        begins: float,
        ends: float | None,
    ) -> str:
        """Move a file into its class, with a row; return its path in the manifest."""
        event = "" if event_id is None else str(event_id)
        session = f"event{event}" if event else MISSED
        extra = ((CAMERA, camera), (SESSION, session), (EVENT, event))
        start = round(begins, 3) if begins > 0.1 else None
        end = None if ends is None else round(ends, 3)
        try:
            with self._collection.lock():
                video = self._collection.free_name(label, camera, session)
                temporary.replace(self._collection.place(video))
                self._collection.add_rows([Entry(video, label, "train", camera, start, end, extra)])
        finally:
            temporary.unlink(missing_ok=True)
        return video
