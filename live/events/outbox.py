"""Messages that wait to be sent: a row for each target, each event's message once."""

import sqlite3
import time
from collections.abc import Collection, Sequence
from typing import Any

from live.events.database import Database
from live.events.rows import Message, MessageKind

_COLUMNS = (
    "id, event_id, camera, kind, target, subject, body, attachment, created, due, tries, state, "
    "sent, error"
)


class Outbox:
    """The table of messages. Times are seconds since 1970 (UTC); None for now."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def queue(
        self,
        kind: MessageKind,
        target: str,
        subject: str,
        body: str,
        camera: str = "",
        event_id: int | None = None,
        attachment: str | None = None,
        due: float | None = None,
        now: float | None = None,
    ) -> int | None:
        """Queue a message and return its number; None if the event's message is there already.

        Args:
            kind: Kind of the message.
            target: Name of the target, never its address.
            subject: Subject.
            body: Text.
            camera: Name of the camera; empty for none.
            event_id: Number of the event; None for none.
            attachment: Path of a still or recording, relative to the folder; None without one.
            due: Time of the first attempt.
            now: Present time.
        """
        now = time.time() if now is None else now
        due = now if due is None else due
        done = self._database.write(
            "INSERT INTO outbox (event_id, camera, kind, target, subject, body, attachment, "
            "created, due, scheduled) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (event_id, camera, kind, target, subject, body, attachment, now, due, now),
        )
        return done.lastrowid if done.rowcount else None

    def queue_all(
        self,
        kind: MessageKind,
        targets: Sequence[str],
        subject: str,
        body: str,
        camera: str = "",
        event_id: int | None = None,
        attachment: str | None = None,
        now: float | None = None,
    ) -> int:
        """Queue a message to several targets in one step; return how many there were not yet.

        Args:
            kind: Kind of the message.
            targets: Names of the targets.
            subject: Subject.
            body: Text.
            camera: Name of the camera; empty for none.
            event_id: Number of the event; None for none.
            attachment: Path of a still or recording, relative to the folder; None without one.
            now: Present time.
        """
        now = time.time() if now is None else now
        common = (subject, body, attachment, now, now, now)
        rows = [(event_id, camera, kind, target, *common) for target in targets]
        statement = (
            "INSERT INTO outbox (event_id, camera, kind, target, subject, body, attachment, "
            "created, due, scheduled) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        )

        def work(connection: Any) -> int:
            return sum(connection.execute(statement, row).rowcount for row in rows)

        return self._database.transaction(work)

    def due(self, now: float | None = None, limit: int | None = None) -> list[Message]:
        """Return the waiting messages whose time has come, oldest first.

        A message that was scheduled in the future of the present clock is due too: the clock was
        set back, and it must not wait for the old time to come again.

        Args:
            now: Present time.
            limit: Maximum number; None for all.
        """
        now = time.time() if now is None else now
        return self._messages(
            "WHERE state = 'waiting' AND (due <= ? OR scheduled > ?) ORDER BY id LIMIT ?",
            (now, now, -1 if limit is None else limit),
        )

    def waiting(self, target: str | None = None) -> list[Message]:
        """Return all waiting messages, oldest first.

        Args:
            target: Name of a target; None for all.
        """
        return self._messages(
            "WHERE state = 'waiting' AND (? IS NULL OR target = ?) ORDER BY id", (target, target)
        )

    def message(self, message_id: int) -> Message | None:
        """Return a message; None if there is none of this number."""
        found = self._messages("WHERE id = ?", (message_id,))
        return found[0] if found else None

    def next_due(self) -> float | None:
        """Return the time of the next attempt; None if no message waits."""
        rows = self._database.read("SELECT min(due) AS due FROM outbox WHERE state = 'waiting'")
        return None if rows[0]["due"] is None else float(rows[0]["due"])

    def mark_sent(self, message_id: int, now: float | None = None) -> None:
        """Record that a message was sent."""
        self._database.write(
            "UPDATE outbox SET state = 'sent', sent = ?, error = NULL WHERE id = ?",
            (time.time() if now is None else now, message_id),
        )

    def mark_failed(
        self, message_id: int, error: str, due: float, now: float | None = None
    ) -> None:
        """Record a failed attempt.

        Args:
            message_id: Number of the message.
            error: Reason in one line, without secrets.
            due: Time of the next attempt.
            now: Present time.
        """
        self._database.write(
            "UPDATE outbox SET tries = tries + 1, error = ?, due = ?, scheduled = ? WHERE id = ?",
            (error, due, time.time() if now is None else now, message_id),
        )

    def postpone(self, message_id: int, due: float, now: float | None = None) -> None:
        """Set the time of a message's next attempt, without counting a failure."""
        self._database.write(
            "UPDATE outbox SET due = ?, scheduled = ? WHERE id = ?",
            (due, time.time() if now is None else now, message_id),
        )

    def mark_given_up(self, message_id: int, error: str) -> None:
        """Record that a message is not tried again, with the reason in one line."""
        self._database.write(
            "UPDATE outbox SET state = 'given_up', error = ? WHERE id = ?", (error, message_id)
        )

    def digest(
        self,
        message_ids: Collection[int],
        target: str,
        subject: str,
        body: str,
        now: float | None = None,
    ) -> int:
        """Replace waiting messages by one digest; return its number.

        Both happen in one step, so a kill loses no message and sends none twice.

        Args:
            message_ids: Numbers of the messages.
            target: Name of the target.
            subject: Subject of the digest.
            body: Its text.
            now: Present time.
        """
        now = time.time() if now is None else now

        def work(connection: sqlite3.Connection) -> int:
            connection.executemany(
                "UPDATE outbox SET state = 'digested' WHERE id = ? AND state = 'waiting'",
                [(number,) for number in message_ids],
            )
            made = connection.execute(
                "INSERT INTO outbox (camera, kind, target, subject, body, created, due, scheduled) "
                "VALUES ('', 'digest', ?, ?, ?, ?, ?, ?)",
                (target, subject, body, now, now, now),
            )
            return int(made.lastrowid or 0)

        return self._database.transaction(work)

    def sent_since(self, target: str, since: float) -> int:
        """Return the number of messages that were sent to a target since a time."""
        rows = self._database.read(
            "SELECT count(*) AS number FROM outbox WHERE target = ? AND state = 'sent' "
            "AND sent >= ?",
            (target, since),
        )
        return int(rows[0]["number"])

    def sent_times(self, target: str, count: int) -> list[float]:
        """Return the times of the newest messages that were sent to a target, newest first.

        Args:
            target: Name of the target.
            count: Maximum number.
        """
        rows = self._database.read(
            "SELECT sent FROM outbox WHERE target = ? AND state = 'sent' "
            "ORDER BY sent DESC LIMIT ?",
            (target, count),
        )
        return [float(row["sent"]) for row in rows]

    def forget_messages(self, before: float) -> int:
        """Delete the messages that were done before a time; return their number."""
        done = self._database.write(
            "DELETE FROM outbox WHERE state != 'waiting' AND created < ?", (before,)
        )
        return done.rowcount

    def attachments(self) -> set[str]:
        """Return the paths that waiting messages name; their files must not be deleted."""
        rows = self._database.read(
            "SELECT DISTINCT attachment FROM outbox "
            "WHERE state = 'waiting' AND attachment IS NOT NULL"
        )
        return {row["attachment"] for row in rows}

    def _added(self, statement: str, values: Sequence[Any]) -> int:
        number = self._database.write(statement, values).lastrowid
        assert number is not None
        return number

    def _messages(self, clauses: str, values: Sequence[Any]) -> list[Message]:
        rows = self._database.read(f"SELECT {_COLUMNS} FROM outbox {clauses}", values)
        return [Message(**dict(row)) for row in rows]
