"""The events of the database, as the page shows them."""

from pathlib import Path

from live.events.rows import EventRow
from live.events.store import EventStore
from live.page.interfaces import PageEvent


class ShownEvents:
    """The confirmed events of a database; see `live.page.interfaces.Events`.

    Args:
        store: The database.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store

    def between(self, start: float, end: float) -> list[PageEvent]:
        """Return the events that were open at any time of [start, end), oldest first."""
        rows = self._store.events(since=start, until=end)
        return [self._shown(row) for row in rows if row.confirmed is not None]

    def event(self, event: int) -> PageEvent | None:
        """Return an event; None if there is none of this number."""
        row = self._store.event(event)
        return None if row is None or row.confirmed is None else self._shown(row)

    def _shown(self, row: EventRow) -> PageEvent:
        parts = tuple(place for path in row.paths if (place := self._place(path)) is not None)
        return PageEvent(
            id=row.id,
            camera=row.camera,
            label=row.label,
            started=row.started,
            ended=row.ended,
            seconds=max(0.0, row.seen - row.started) if row.duration is None else row.duration,
            peak=row.peak,
            mean=row.mean,
            still=None if row.still is None else self._place(row.still),
            parts=parts,
            verdict=row.verdict or "",
            corrected=row.corrected_label or "",
            silent=row.silent,
        )

    def _place(self, path: str) -> Path | None:
        """Return the file of a path in the database; None if it is outside of the folder."""
        place = (self._store.folder / path).resolve()
        return place if place.is_relative_to(self._store.folder.resolve()) else None
