"""Watchdog: ends a program that has stopped moving, so that its service manager starts it again."""

import contextlib
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable

from live.watching.service_manager import tell_alive, watchdog_seconds

EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h
TIMEOUT_SECONDS = 30.0
_CHECKS = 10  # checks within the timeout


class Watchdog:
    """Ends the process if nobody calls `beat` for a while; a context manager.

    A thread checks the time of the last beat. After `timeout` seconds without one it writes the
    stacks of all threads to stderr and ends the process with exit code 70. No clean-up runs: it
    could hang as well. Recordings and databases survive this like a power failure.

    As long as there are beats, it tells systemd that the program is alive.

    Time in which the whole process did not run does not count: SIGSTOP, a sleeping computer, or a
    computer so busy that not even the watchdog had a turn. If a library keeps all threads from
    running, the watchdog's own among them, the interpreter ends the process after twice the time,
    with exit code 1.

    Args:
        timeout: Seconds without a beat after which the process is ended.
        end: Function that ends the process; for tests.
        clock: Clock in seconds; for tests.
    """

    def __init__(
        self,
        timeout: float = TIMEOUT_SECONDS,
        end: Callable[[float], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.timeout = timeout
        self._end, self._clock = end or end_process, clock
        self._interval = timeout / _CHECKS
        if (wanted := watchdog_seconds()) is not None:
            self._interval = min(self._interval, wanted / 4)
        self._beaten = True
        self._since = self._checked = clock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def beat(self) -> None:
        """Tell that the program moves. Costs nothing; any thread may call it at any rate."""
        self._beaten = True

    def check(self) -> None:
        """Take note of the beats since the last check; end the process if it is time."""
        now = self._clock()
        slept = now - self._checked > max(3 * self._interval, self._interval + 1.0)
        self._checked = now
        if self._beaten:
            self._beaten, self._since = False, now
            tell_alive()
        elif slept:
            self._since = now
        elif now - self._since >= self.timeout:
            self._end(now - self._since)

    def start(self) -> "Watchdog":
        """Begin to watch, with the whole timeout ahead."""
        self._since = self._checked = self._clock()
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop watching. May be called twice, or without `start`."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._closed.wait(self._interval):
                self._rearm()
                self.check()
        finally:
            faulthandler.cancel_dump_traceback_later()

    def _rearm(self) -> None:
        # Its timer needs no turn of the interpreter. Without a usable stderr there is none.
        with contextlib.suppress(RuntimeError, ValueError, OSError, AttributeError):
            faulthandler.dump_traceback_later(2 * self.timeout, exit=True, file=sys.__stderr__)

    def __enter__(self) -> "Watchdog":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()


def end_process(seconds: float) -> None:
    """Write the stacks of all threads to stderr, and end the process with exit code 70.

    Args:
        seconds: Seconds without a beat, for the message.
    """
    line = f"error: nothing has moved for {seconds:.0f} s; the stacks of all threads:\n"
    with contextlib.suppress(Exception):
        # Directly to the file: another thread may hold the lock of Python's stderr.
        os.write(2, line.encode())
        faulthandler.dump_traceback(file=2, all_threads=True)
    os._exit(EXIT_CODE)
