"""How many cores a command uses."""

import os

from video.errors import UsageError

VARIABLE = "LOOKBACK_THREADS"


def usable_cores() -> int:
    """Return the number of cores that this process may use.

    It is LOOKBACK_THREADS if that is set, else the cores that the process may run on: a scheduler
    gives a task some cores of its machine. A container's share of processor time limits no
    cores, so it needs the variable.

    Raises:
        UsageError: LOOKBACK_THREADS is no whole number above 0.
    """
    if chosen := os.environ.get(VARIABLE):
        if not chosen.isdecimal() or not int(chosen):
            raise UsageError(f"{VARIABLE}={chosen}: write a whole number above 0")
        return int(chosen)
    if hasattr(os, "sched_getaffinity"):  # not on Windows and macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
