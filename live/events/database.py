"""One SQLite file that threads and processes share, and that a full disk does not stop."""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from live.events.schema import APPLICATION_ID, MIGRATIONS
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)

Result = TypeVar("Result")

_BUSY_SECONDS = 10.0
_RETURN_SECONDS = 10.0  # interval at which a database in memory is tried on the disk again
# What SQLite says when the disk is full, failing, or has become read-only.
_DISK_FAULTS = (
    *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR),
    *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN),
)


class Database:
    """A database of Lookback in one file, safe from several threads and processes.

    Every write is a transaction that is on the disk when it returns. If the disk is full or has
    become read-only, the database continues in memory, and returns to the disk when it can. Until
    then other processes see the state before, what they write is lost, and a kill loses what came
    after.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path, migrations: Sequence[str] = MIGRATIONS) -> None:
        """Open or create a database, and bring it to the newest version.

        Args:
            path: File; its folder is created.
            migrations: Scripts, one for each version.

        Raises:
            LookbackError: The file is damaged, of another program or of a newer version, or it
                cannot be written.
        """
        self.path = path
        self._lock = threading.RLock()
        self._memory: sqlite3.Connection | None = None
        self._tried = 0.0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._disk = _connected(path)
        except (OSError, sqlite3.Error) as error:
            raise self._refused(error) from None
        try:
            self._prepare(migrations)
        except sqlite3.Error as error:
            self._disk.close()
            raise self._refused(error) from None
        except LookbackError:
            self._disk.close()
            raise

    @property
    def in_memory(self) -> bool:
        """Whether the disk failed and the newest rows are in memory only."""
        return self._memory is not None

    def read(self, statement: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Return the rows of a query.

        Raises:
            LookbackError: The database cannot be read.
        """
        with self._lock:
            try:
                return self._now.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise self._refused(error) from None

    def write(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Execute a statement in a transaction of its own.

        Raises:
            LookbackError: The database cannot be written, for another reason than the disk.
        """
        return self.transaction(lambda connection: connection.execute(statement, values))

    def transaction(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Do work in a transaction; it may be done twice, if the disk fails.

        Raises:
            LookbackError: As `write`.
        """
        with self._lock:
            if self._memory is not None:
                self._return_to_disk()
            try:
                try:
                    return _transacted(self._now, work)
                except sqlite3.Error as error:
                    if self._memory is not None or not _is_disk_fault(error):
                        raise
                    self._continue_in_memory(error)
                    return _transacted(self._now, work)
            except sqlite3.Error as error:
                raise self._refused(error) from None

    def close(self) -> None:
        """Close the file. What is in memory is written if the disk allows it."""
        with self._lock:
            if self._memory is not None:
                self._tried = -_RETURN_SECONDS
                self._return_to_disk()
            if self._memory is not None:
                _LOG.error(f"{self.path}: the newest rows are lost: the disk is still full")
                self._memory.close()
                self._memory = None
            self._disk.close()

    @property
    def _now(self) -> sqlite3.Connection:
        return self._memory or self._disk

    def _prepare(self, migrations: Sequence[str]) -> None:
        # A file of another program must not be changed, also not its journal mode.
        self._check()
        self._disk.execute("PRAGMA journal_mode = WAL")
        self._disk.execute("PRAGMA synchronous = FULL")
        if self._version == len(migrations):
            return
        # Another process may create it at the same moment: only one has the transaction.
        self._disk.execute("BEGIN IMMEDIATE")
        try:
            version = self._version
            if version > len(migrations):
                raise LookbackError(
                    f"{self.path}: written by a newer Lookback (version {version} of its tables); "
                    "update Lookback, or choose another folder"
                )
            for script in migrations[version:]:
                for statement in script.split(";"):
                    self._disk.execute(statement)
            self._disk.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._disk.execute(f"PRAGMA user_version = {len(migrations)}")
            self._disk.execute("COMMIT")
        finally:
            if self._disk.in_transaction:
                self._disk.execute("ROLLBACK")

    @property
    def _version(self) -> int:
        return int(self._disk.execute("PRAGMA user_version").fetchone()[0])

    def _check(self) -> None:
        """Refuse a file of another program, and a damaged one."""
        owner = self._disk.execute("PRAGMA application_id").fetchone()[0]
        tables = self._disk.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if owner != APPLICATION_ID and (owner or tables or self._version):
            raise LookbackError(
                f"{self.path}: a database of another program; choose another folder"
            )
        if self._disk.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("database disk image is malformed")

    def _continue_in_memory(self, error: sqlite3.Error) -> None:
        memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        memory.row_factory = sqlite3.Row
        self._disk.backup(memory)
        self._memory, self._tried = memory, time.monotonic()
        _LOG.error(
            f"{self.path}: cannot be written ({error}); new rows are kept in memory until the disk "
            "has room"
        )

    def _return_to_disk(self) -> None:
        assert self._memory is not None
        if time.monotonic() - self._tried < _RETURN_SECONDS:
            return
        self._tried = time.monotonic()
        try:
            self._memory.backup(self._disk)
        except sqlite3.Error:
            return
        self._memory.close()
        self._memory = None
        _LOG.info(f"{self.path}: written again; no row was lost")

    def _refused(self, error: Exception) -> LookbackError:
        if isinstance(error, sqlite3.Error) and _is_damage(error):
            return LookbackError(
                f"{self.path}: not a database, or damaged ({error}); move it away to begin a new "
                "one"
            )
        words = getattr(error, "strerror", None) or str(error)
        return LookbackError(
            f"{self.path}: cannot be used as the database ({words}); check the folder, its rights "
            "and the space on the disk"
        )


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    return connection


def _transacted(
    connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], Result]
) -> Result:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
        return result
    finally:
        # An error ends a transaction or leaves it open, by its kind.
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _is_disk_fault(error: sqlite3.Error) -> bool:
    return _code(error) in _DISK_FAULTS


def _is_damage(error: sqlite3.Error) -> bool:
    damaged = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return _code(error) in damaged or "malformed" in str(error)
