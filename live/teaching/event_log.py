"""The events of the database, as corrections need them."""

import time
from collections.abc import Callable, Sequence

from live.events.store import EventStore
from live.teaching.interfaces import PastEvent, UnknownError


class StoredEvents:
    """An `EventLog` over the database of events."""

    def __init__(
        self,
        store: EventStore,
        cameras: Callable[[], Sequence[str]],
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Use a database.

        Args:
            store: The database.
            cameras: Function that returns the names of the cameras, by number.
            clock: Clock of the cameras, in seconds.
            wall_clock: Clock of the database, in seconds since 1970.
        """
        self._store, self._cameras = store, cameras
        self._clock, self._wall_clock = clock, wall_clock

    def past_event(self, event_id: int) -> PastEvent | None:
        """Return an event; None if there is none of this number.

        Raises:
            UnknownError: Its camera is no longer watched.
        """
        row = self._store.event(event_id)
        if row is None:
            return None
        names = list(self._cameras())
        if row.camera not in names:
            raise UnknownError(f"event {event_id}: camera {row.camera} is no longer watched")
        # Wrong if the clock was stepped since; it only serves if there is no recording.
        started = self._clock() - (self._wall_clock() - row.started)
        whole = [each for each in row.recordings if each.complete and not each.deleted]
        first = whole[0] if whole and whole[0].part == 1 else None
        return PastEvent(
            row.id,
            names.index(row.camera),
            row.label,
            started,
            None if row.duration is None else started + row.duration,
            self._store.folder / first.path if first else None,
            max(0.0, row.started - first.started) if first else 0.0,
            row.duration,
        )

    def add_correction(
        self,
        event_id: int | None,
        camera_id: int,
        verdict: str,
        label: str,
        video: str,
        seconds: float,
    ) -> None:
        """Record a correction; arguments as `live.teaching.interfaces.EventLog.add_correction`."""
        ended = self._wall_clock()
        if event_id is not None:
            row = self._store.event(event_id)
            given = label if verdict == "wrong" else None
            self._store.judge_event(event_id, verdict, given)
            ended = row.started + seconds
        camera = self._cameras()[camera_id]
        self._store.add_correction(camera, label, ended - seconds, ended, video, event_id)
