"""The database of a folder of events: events, recordings, messages, corrections and settings."""

import json
import sqlite3
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import filelock

from live.events.database import Database
from live.events.outbox import Outbox
from live.events.rows import Correction, EventRow, MessageKind, RecordingRow
from video.errors import LookbackError

_FILE = "events.db"


class EventStore(Outbox):
    """The database `events.db` of a folder, for several threads and processes.

    A method raises `LookbackError` if the database cannot be read or written.

    Attributes:
        folder: The folder; paths in the database are relative to it.
    """

    def __init__(self, path: str | Path) -> None:
        """Open or create a database.

        Args:
            path: File, or the folder of `events.db`.

        Raises:
            LookbackError: The file is damaged, of another program, or cannot be written.
        """
        path = Path(path)
        path = path if path.suffix == ".db" else path / _FILE
        self.folder = path.parent
        self._claim = filelock.FileLock(
            path.with_name(path.name + ".lock"),
            thread_local=False,  # another thread may close it
        )
        super().__init__(Database(path))

    def close(self) -> None:
        """Close the file, and let another program watch."""
        self._database.close()
        self._claim.release()

    def claim(self) -> None:
        """Make this program the one that watches, until it ends. Others may still read and write.

        Call it before `end_open_events` and `live.recording.repair`, which take what is open for
        leftovers of a kill.

        Raises:
            LookbackError: Another program watches with this folder.
        """
        try:
            self._claim.acquire(timeout=0)
        except filelock.Timeout:
            raise LookbackError(
                f"{self.folder}: another program watches cameras with this folder; end it, or "
                "choose another one with --events"
            ) from None
        except OSError as error:
            raise LookbackError(f"{self._claim.lock_file}: {error.strerror or error}") from None

    # Events

    def add_event(
        self,
        camera: str,
        label: str,
        started: float,
        confirmed: float | None = None,
        peak: float = 0.0,
        silent: bool = False,
    ) -> int:
        """Add an open event and return its number.

        Args:
            camera: Name of the camera.
            label: The class.
            started: Start, seconds since 1970 (UTC).
            confirmed: Confirmation, likewise; None before.
            peak: Highest smoothed probability so far.
            silent: Whether nobody is told of it.
        """
        seen = started if confirmed is None else max(started, confirmed)
        return self._added(
            "INSERT INTO events (camera, label, started, confirmed, peak, silent, seen) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (camera, label, started, confirmed, peak, silent, seen),
        )

    def confirm_event(self, event_id: int, confirmed: float, peak: float) -> None:
        """Set the time of the confirmation, seconds since 1970 (UTC), and the highest probability
        so far."""
        self._database.write(
            "UPDATE events SET confirmed = ?, peak = ?, seen = max(seen, ?) WHERE id = ?",
            (confirmed, peak, confirmed, event_id),
        )

    def touch_event(self, event_id: int, duration: float, peak: float) -> None:
        """Record that an event is still open; after a kill, this is its end.

        Args:
            event_id: Number of the event.
            duration: Seconds since its start, from the monotonic clock.
            peak: Highest smoothed probability so far.
        """
        self._database.write(
            "UPDATE events SET seen = started + ?, peak = ? WHERE id = ? AND ended IS NULL",
            (duration, peak, event_id),
        )

    def end_event(self, event_id: int, duration: float, peak: float, mean: float) -> None:
        """End an event. Its end is start plus duration, so a clock that is set meanwhile does not
        bring it before its start.

        Args:
            event_id: Number of the event.
            duration: Length in seconds, from the monotonic clock.
            peak: Highest smoothed probability.
            mean: Mean smoothed probability.
        """
        self._database.write(
            "UPDATE events SET ended = started + ?, seen = started + ?, duration = ?, peak = ?, "
            "mean = ? WHERE id = ?",
            (duration, duration, duration, peak, mean, event_id),
        )

    def end_open_events(self) -> list[int]:
        """End the events that a kill left open at their last known time; return their numbers.

        Only the program that watches calls this, when it starts; see `claim`.
        """

        def work(connection: sqlite3.Connection) -> list[int]:
            rows = connection.execute("SELECT id FROM events WHERE ended IS NULL ORDER BY id")
            numbers = [row["id"] for row in rows]
            connection.execute(
                "UPDATE events SET ended = seen, duration = seen - started WHERE ended IS NULL"
            )
            return numbers

        return self._database.transaction(work)

    def set_still(self, event_id: int, path: str | None) -> None:
        """Set the path of an event's still, relative to the folder; None without one."""
        self._database.write("UPDATE events SET still = ? WHERE id = ?", (path, event_id))

    def judge_event(
        self, event_id: int, verdict: str | None, corrected_label: str | None = None
    ) -> None:
        """Set a person's verdict, `right`, `wrong` or None, and the label given instead."""
        self._database.write(
            "UPDATE events SET verdict = ?, corrected_label = ? WHERE id = ?",
            (verdict, corrected_label, event_id),
        )

    def event(self, event_id: int) -> EventRow | None:
        """Return an event with its recordings; None if there is none of this number."""
        found = self._events("WHERE id = ?", (event_id,))
        return found[0] if found else None

    def events(
        self,
        since: float | None = None,
        until: float | None = None,
        camera: str | None = None,
        limit: int | None = None,
    ) -> list[EventRow]:
        """Return the events that were open at any time of [since, until), oldest first.

        Args:
            since: Start, seconds since 1970 (UTC); None for all before `until`.
            until: End, likewise; None for all after `since`.
            camera: Name of a camera; None for all.
            limit: Maximum number, of which the newest are returned; None for all.
        """
        # An open event lasts, whatever a clock that was set back says.
        clauses = {
            "(ended IS NULL OR max(ended, started) >= ?)": since,
            "started < ?": until,
            "camera = ?": camera,
        }
        asked = {clause: value for clause, value in clauses.items() if value is not None}
        where = f"WHERE {' AND '.join(asked)} " if asked else ""
        order = "ORDER BY started DESC, id DESC LIMIT ?"
        values = [*asked.values(), -1 if limit is None else limit]
        return self._events(where + order, values)[::-1]

    def unreported(self, kind: MessageKind) -> list[EventRow]:
        """Return the ended events of which no message of a kind was ever queued, oldest first,
        without those of which nobody is told.

        After a kill, these are the events whose message is still to be made.
        """
        return self._events(
            "WHERE ended IS NOT NULL AND confirmed IS NOT NULL AND NOT silent AND NOT EXISTS "
            "(SELECT * FROM outbox WHERE outbox.event_id = events.id AND kind = ?) ORDER BY id",
            (kind,),
        )

    def delete_event(self, event_id: int) -> bool:
        """Delete an event with its still and recordings; return whether there was one."""
        row = self.event(event_id)
        if row is None:
            return False

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM recordings WHERE event_id = ?", (event_id,))
            connection.execute("DELETE FROM events WHERE id = ?", (event_id,))

        self._database.transaction(work)
        for path in [*(each.path for each in row.recordings), row.still]:
            if path is not None:
                self.delete_file(path)
        return True

    def delete_file(self, path: str) -> bool:
        """Delete a file by its path in the database; return whether it is gone.

        A path that leaves the folder is refused. Windows refuses a file that somebody plays.
        """
        place = self.folder / path
        if not place.resolve().is_relative_to(self.folder.resolve()):
            return False
        try:
            place.unlink(missing_ok=True)
        except OSError:
            return False
        return True

    # Recordings

    def add_recording(self, event_id: int, part: int, path: str, started: float) -> int:
        """Add an open recording and return its number.

        Args:
            event_id: Number of the event.
            part: Number of the file within the event, from 1.
            path: Path of the mp4 file, relative to the folder.
            started: Time of the first frame, seconds since 1970 (UTC).
        """
        return self._added(
            "INSERT INTO recordings (event_id, part, path, started) VALUES (?, ?, ?, ?)",
            (event_id, part, path, started),
        )

    def finish_recording(self, recording_id: int, ended: float, size: int) -> bool:
        """Mark a recording as complete; return False if its event was deleted meanwhile.

        Args:
            recording_id: Number of the recording.
            ended: Time of the last frame, seconds since 1970 (UTC).
            size: Size of the file in bytes.
        """
        done = self._database.write(
            "UPDATE recordings SET ended = ?, bytes = ?, complete = 1 "
            "WHERE id = ? AND event_id IN (SELECT id FROM events)",
            (ended, size, recording_id),
        )
        if not done.rowcount:
            self.drop_recording(recording_id)
        return done.rowcount > 0

    def drop_recording(self, recording_id: int) -> None:
        """Forget a recording of which there is no file."""
        self._database.write("DELETE FROM recordings WHERE id = ?", (recording_id,))

    def recordings(self, only_open: bool = False) -> list[RecordingRow]:
        """Return the recordings whose files are there, oldest first.

        Args:
            only_open: Whether to return only those that are not complete.
        """
        rows = self._database.read(
            "SELECT * FROM recordings WHERE deleted = 0 AND complete <= ? ORDER BY started, id",
            (0 if only_open else 1,),
        )
        return [_recording(row) for row in rows]

    def stills(self) -> list[tuple[str, float]]:
        """Return path and time of the stills that are there, oldest first."""
        rows = self._database.read(
            "SELECT still, started FROM events WHERE still IS NOT NULL ORDER BY started, id"
        )
        return [(row["still"], row["started"]) for row in rows]

    def mark_deleted(self, paths: Collection[str]) -> None:
        """Record that files were deleted to make room; the rows of their events stay."""
        given = [(path,) for path in paths]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany("UPDATE recordings SET deleted = 1 WHERE path = ?", given)
            connection.executemany("UPDATE events SET still = NULL WHERE still = ?", given)

        self._database.transaction(work)

    # Corrections

    def add_correction(
        self,
        camera: str,
        label: str,
        started: float,
        ended: float,
        clip: str | None = None,
        event_id: int | None = None,
    ) -> int:
        """Add a correction and return its number; see `live.events.rows.Correction`."""
        return self._added(
            "INSERT INTO corrections (event_id, camera, label, started, ended, clip, created) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (event_id, camera, label, started, ended, clip, time.time()),
        )

    def set_clip(self, correction_id: int, clip: str | None) -> None:
        """Set the path of a correction's clip; None without one."""
        self._database.write("UPDATE corrections SET clip = ? WHERE id = ?", (clip, correction_id))

    def corrections(self, used: bool | None = None) -> list[Correction]:
        """Return the corrections, oldest first.

        Args:
            used: Whether a model was trained on them; None for all.
        """
        rows = self._database.read(
            "SELECT * FROM corrections WHERE ? IS NULL OR used = ? ORDER BY id", (used, used)
        )
        return [Correction(**{**dict(row), "used": bool(row["used"])}) for row in rows]

    def mark_used(self, correction_ids: Collection[int]) -> None:
        """Record that a model was trained on corrections."""
        numbers = [(number,) for number in correction_ids]
        statement = "UPDATE corrections SET used = 1 WHERE id = ?"
        self._database.transaction(lambda connection: connection.executemany(statement, numbers))

    def delete_correction(self, correction_id: int) -> None:
        """Delete a correction; its clip stays."""
        self._database.write("DELETE FROM corrections WHERE id = ?", (correction_id,))

    # Settings

    def setting(self, key: str, default: Any = None) -> Any:
        """Return a setting, a value of JSON.

        Args:
            key: Name.
            default: Value if it was never set.
        """
        rows = self._database.read("SELECT value FROM settings WHERE key = ?", (key,))
        return json.loads(rows[0]["value"]) if rows else default

    def set_setting(self, key: str, value: Any) -> None:
        """Set a setting to a value of JSON."""
        self._database.write(
            "INSERT INTO settings (key, value) VALUES (?, ?) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, json.dumps(value, ensure_ascii=False)),
        )

    def settings(self) -> dict[str, Any]:
        """Return all settings."""
        rows = self._database.read("SELECT key, value FROM settings ORDER BY key")
        return {row["key"]: json.loads(row["value"]) for row in rows}

    def counts(self) -> dict[str, int]:
        """Return totals for the page and the metrics."""
        statement = """
            SELECT
                (SELECT count(*) FROM events) AS events,
                (SELECT count(*) FROM events WHERE ended IS NULL) AS open_events,
                (SELECT count(*) FROM recordings WHERE complete AND NOT deleted) AS recordings,
                (SELECT coalesce(sum(bytes), 0) FROM recordings WHERE NOT deleted)
                    AS recording_bytes,
                (SELECT count(*) FROM outbox WHERE state = 'waiting') AS messages_waiting,
                (SELECT count(*) FROM outbox WHERE state = 'sent') AS messages_sent,
                (SELECT count(*) FROM outbox WHERE state = 'given_up') AS messages_given_up,
                (SELECT count(*) FROM corrections) AS corrections
        """
        return dict(self._database.read(statement)[0])

    def _events(self, clauses: str, values: Sequence[Any]) -> list[EventRow]:
        rows = self._database.read(f"SELECT * FROM events {clauses}", values)
        files: dict[int, list[RecordingRow]] = {row["id"]: [] for row in rows}
        if rows:
            places = f"{min(files)} AND {max(files)}"
            found = self._database.read(
                f"SELECT * FROM recordings WHERE event_id BETWEEN {places} ORDER BY part, id"
            )
            for row in found:
                if row["event_id"] in files:
                    files[row["event_id"]].append(_recording(row))
        return [
            EventRow(
                **{**dict(row), "silent": bool(row["silent"])}, recordings=tuple(files[row["id"]])
            )
            for row in rows
        ]


def _recording(row: sqlite3.Row) -> RecordingRow:
    flags = {"complete": bool(row["complete"]), "deleted": bool(row["deleted"])}
    return RecordingRow(**{**dict(row), **flags})
