"""`python run.py` in a process of its own, as a service manager runs it, and what it leaves."""

import csv
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from live.events.store import EventStore
from tests.running import ROOT

# The model is loaded and compiled; four of these may share two cores.
START_SECONDS = 180.0


@dataclass(frozen=True)
class Alarm:
    """A class of the model with thresholds between which the picture of the camera is clearly."""

    label: str
    on: float
    off: float

    @property
    def flags(self) -> list[str]:
        return [
            *("--alarm", self.label),
            *("--set", f"alarms.threshold_on={self.on}"),
            *("--set", f"alarms.threshold_off={self.off}"),
            *("--set", "alarms.hold_seconds=0.5"),
            *("--set", "live.recording.free_gigabytes=0"),
        ]


@dataclass(frozen=True)
class Level:
    """What a process holds."""

    megabytes: float
    threads: int
    files: int

    def __str__(self) -> str:
        return f"{self.megabytes:.0f} MB, {self.threads} threads, {self.files} files"


class Program:
    """A run of run.py; a context manager that kills it.

    Attributes:
        folder: Where its files are.
        lines: What it has printed so far, both outputs.
        csv: Its CSV file.
        code: Its exit code, after `end` or `join`.
    """

    def __init__(self, folder: Path, *arguments: object, env: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self.csv = folder / "rows.csv"
        command = [sys.executable, "run.py", "--no-window", *map(str, arguments)]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
        )
        self.code: int | None = None
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def _read(self) -> None:
        for line in self._process.stdout:
            self.lines.append(line)

    def wait(
        self, condition: Callable[[], object], seconds: float = START_SECONDS, what: str = ""
    ) -> float:
        """Wait until a condition holds; return the time of `time.monotonic`."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self._process.poll() is None, f"the program has ended:\n{self.text}"
            assert time.monotonic() < deadline, f"{what} did not come:\n{self.text}"
            time.sleep(0.02)
        return time.monotonic()

    def wait_for(self, text: str, seconds: float = START_SECONDS, count: int = 1) -> float:
        """Wait until it has printed a text so many times."""
        return self.wait(lambda: self.text.count(text) >= count, seconds, text)

    def rows(self) -> list[dict[str, str]]:
        """Return the whole rows of the CSV file."""
        if not self.csv.exists():
            return []
        text = self.csv.read_text()
        return list(csv.DictReader(text[: text.rfind("\n") + 1].splitlines()))

    def wait_for_rows(self, count: int = 1, seconds: float = START_SECONDS) -> float:
        """Wait for new rows of the CSV file; return the time of `time.monotonic`."""
        before = len(self.rows())
        return self.wait(lambda: len(self.rows()) >= before + count, seconds, "rows")

    def csv_began(self) -> float:
        """Return the time of `time.monotonic` from which the CSV file counts."""
        self.wait_for_rows(2)
        rows = self.rows()
        while len(self.rows()) == len(rows):  # measured at a new row
            time.sleep(0.005)
        return time.monotonic() - float(self.rows()[-1]["seconds"])

    def level(self) -> Level:
        """Return what it holds now."""
        folder = Path(f"/proc/{self.pid}")
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        return Level(
            int(status["VmRSS"].split()[0]) / 1000,
            int(status["Threads"]),
            len(os.listdir(folder / "fd")),
        )

    def kill(self) -> None:
        """Kill it as a power failure does."""
        self._process.kill()
        self._process.wait()
        self._reading.join(5)

    def end(self, number: int = signal.SIGINT, limit: float = 20.0) -> float:
        """End it by a signal; return the seconds that it took."""
        began = time.monotonic()
        self._process.send_signal(number)
        try:
            self.code = self._process.wait(limit)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"has not ended after {limit:.0f} s:\n{self.text}") from None
        took = time.monotonic() - began
        self._reading.join(5)
        return took

    def join(self, seconds: float) -> int:
        """Wait for its own end; return the exit code."""
        self.code = self._process.wait(seconds)
        self._reading.join(5)
        return self.code

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self.kill()
        self._process.stdout.close()


def events_of(folder: Path) -> list[sqlite3.Row]:
    """Return all events of a folder, also while a program watches."""
    return select(folder, "SELECT * FROM events ORDER BY id")


def select(folder: Path, statement: str) -> list[sqlite3.Row]:
    if not (folder / "events.db").exists():
        return []
    connection = sqlite3.connect(folder / "events.db", timeout=5)
    connection.row_factory = sqlite3.Row
    try:
        return connection.execute(statement).fetchall()
    except sqlite3.OperationalError:  # it is being created
        return []
    finally:
        connection.close()


def recordings_of(folder: Path) -> list:
    store = EventStore(folder)
    try:
        return store.recordings()
    finally:
        store.close()


def row_told(name: str, *values: object) -> None:
    """Print a row of the table of these tests."""
    print(f"\n| {name} | {' | '.join(str(value) for value in values)} |")
