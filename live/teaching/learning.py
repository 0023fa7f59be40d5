"""The learner: one learning at a time, in a process of its own.

The process imports TensorFlow, extracts and trains, so that watching goes on beside it, at a lower
priority. It can be killed at any moment: the feature file keeps whole clips only, and the model is
written into a new folder that nobody uses before it is complete.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from live.teaching.record import LearningRecord
from live.teaching.request import to_json
from recipes.loader import Settings
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)

TAUGHT = "taught"  # folder of new models, in the model folder
KEPT = 2
_ROOT = Path(__file__).resolve().parents[2]
_COMMAND = (sys.executable, "-m", "live.teaching.learn")
_END_SECONDS = 5.0


@dataclass
class Progress:
    """The state of the learning, as the page shows it.

    Attributes:
        state: `idle`, `running`, `done`, `failed`, or `refused`: the model was made, but is not
            used.
        phase: What is being done: prepare, start, extract, train, score, or take over.
        fraction: Share of the whole that is done, 0 to 1.
        message: One line for the user.
        score: Share of the held-back clips that were predicted correctly, 0 to 1; None if unknown.
        warning: What to know about the score.
        seconds: Time since the start, or the duration of what has ended.
    """

    state: str = "idle"
    phase: str = ""
    fraction: float = 0.0
    message: str = ""
    score: float | None = None
    warning: str = ""
    seconds: float = 0.0


TakeOver = Callable[[Path, LearningRecord], str]


@dataclass
class _Run:
    """A learning that runs. `folder` is where its model is written."""

    folder: Path
    started: float
    process: subprocess.Popen | None = None
    cancelled: bool = False
    errors: IO[bytes] = field(default_factory=tempfile.TemporaryFile)


class Learner:
    """Runs one learning at a time. Methods may be called from any thread."""

    def __init__(
        self,
        settings: Settings,
        take_over: TakeOver,
        command: Sequence[str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare for learning; nothing is started.

        Args:
            settings: Settings that name the data folder and the model folder.
            take_over: Function that receives the folder of a new model and its record, in the
                learner's thread, and returns why the model is not used; empty if it is.
            command: Command of the process; None for the usual one.
            clock: Clock in seconds.
        """
        self._settings, self._take_over = settings, take_over
        self._command, self._clock = list(command or _COMMAND), clock
        self._lock = threading.Lock()
        self._progress = Progress()
        self._run: _Run | None = None
        self._thread: threading.Thread | None = None

    def learn(self) -> None:
        """Begin to learn.

        Raises:
            LookbackError: A learning is running.
        """
        with self._lock:
            if self._run is not None:
                raise LookbackError("learning runs already; wait for its end, or cancel it")
            run = self._run = _Run(self._new_folder(), self._clock())
            self._progress = Progress("running", "prepare", message="Beginning")
            self._thread = threading.Thread(
                target=self._learn, args=(run,), name="learning", daemon=True
            )
            self._thread.start()

    def cancel(self) -> None:
        """End a learning that runs; what it has extracted is kept for the next one."""
        with self._lock:
            run, thread = self._run, self._thread
            if run is None:
                return
            run.cancelled = True
            process = run.process
        if process is not None:
            _kill(process)
        if thread is not threading.current_thread() and thread is not None:
            thread.join(_END_SECONDS)

    def progress(self) -> dict[str, Any]:
        """Return the state as a dictionary; see `Progress`."""
        with self._lock:
            shown = dict(vars(self._progress))
            if self._run is not None:
                shown["seconds"] = round(self._clock() - self._run.started, 1)
            return shown

    def wait(self, timeout: float | None = None) -> None:
        """Wait until no learning runs, or for `timeout` seconds."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)

    def _learn(self, run: _Run) -> None:
        try:
            record = self._trained(run)
            self._update(phase="take over", fraction=0.97, message="Loading the new model")
            reason = self._take_over(run.folder, record)
            end = Progress(
                "refused" if reason else "done",
                fraction=1.0,
                message=reason or "The new model is in use",
                score=record.score,
                warning=" ".join(record.warnings),
            )
        except LookbackError as error:
            end = Progress("failed", message=str(error))
        except Exception as error:  # the page must not show a learning that runs for ever
            _LOG.exception("learning failed")
            end = Progress("failed", message=f"a bug in Lookback: {error!r}")
        if run.cancelled and end.state == "failed":
            end = Progress(message="Cancelled")
        if end.state != "done":
            shutil.rmtree(run.folder, ignore_errors=True)
        end.seconds = round(self._clock() - run.started, 1)
        run.errors.close()
        with self._lock:
            self._progress, self._run = end, None
        self._remove_old(run.folder)

    def _trained(self, run: _Run) -> LearningRecord:
        """Run the process and return the record of its model; raise `LookbackError` without one."""
        process = self._started(run)
        record, error = None, ""
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            request = {"settings": to_json(self._settings), "folder": str(run.folder)}
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            for line in process.stdout:
                values = _parsed(line)
                if "learned" in values:
                    record = LearningRecord.from_json(values["learned"])
                elif "error" in values:
                    error = str(values["error"])
                elif "phase" in values:
                    self._update(**values)
        except BrokenPipeError:
            pass  # it has ended; its last line says why
        finally:
            _ended(process)
        if record is None or run.cancelled:
            raise LookbackError(error or _last_line(run.errors, process.returncode))
        return record

    def _started(self, run: _Run) -> subprocess.Popen:
        paths = [str(_ROOT), os.environ.get("PYTHONPATH", "")]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "PYTHONUTF8": "1",
            "TF_CPP_MIN_LOG_LEVEL": "2",
        }
        options: dict[str, Any] = {"start_new_session": True}  # Ctrl-C ends the watching first
        if sys.platform == "win32":
            priority = subprocess.BELOW_NORMAL_PRIORITY_CLASS
            options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | priority}
        with self._lock:
            if run.cancelled:
                raise LookbackError("cancelled")
            run.process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=run.errors,
                env=environment,
                **options,
            )
            return run.process

    def _update(self, phase: str, fraction: float, message: str) -> None:
        with self._lock:
            self._progress = Progress("running", phase, float(fraction), str(message))

    def _new_folder(self) -> Path:
        taught = Path(self._settings.recipe.model.folder) / TAUGHT
        name = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        folder, number = taught / name, 1
        while folder.exists():
            number += 1
            folder = taught / f"{name}-{number}"
        return folder

    def _remove_old(self, newest: Path) -> None:
        """Remove the folders of models before the last ones."""
        if not newest.parent.is_dir():
            return
        # Not by the names alone: the clock may have been set back.
        others = [each for each in sorted(newest.parent.iterdir()) if each != newest]
        kept = KEPT - 1 if newest.exists() else KEPT
        for folder in others[: max(0, len(others) - kept)]:
            shutil.rmtree(folder, ignore_errors=True)


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def _last_line(errors: IO[bytes], code: int | None) -> str:
    """Return the last line that a process printed before it ended without a result."""
    errors.seek(0)
    lines = [line.strip() for line in errors.read().decode("utf-8", "replace").splitlines()]
    last = next((line for line in reversed(lines) if line), "")
    if code is not None and code < 0:
        names = {each.value: each.name for each in signal.Signals}
        what = f"the process was ended by {names.get(-code, -code)}"
        return f"{what}; is there too little memory?" if -code == 9 else f"{what}: {last}"
    return last or f"the process ended with code {code} and without a result"


def _kill(process: subprocess.Popen) -> None:
    """Kill a process with those that it started, such as a download."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)


def _ended(process: subprocess.Popen) -> None:
    """Wait for the end of a process that has closed its output; kill it if it does not end."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        _kill(process)
        process.wait()
    process.stdout.close()
