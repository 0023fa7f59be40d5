"""Measuring: interleaved jobs, rates, call times, and tables of results."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from clips.manifest import Manifest, read

Number = TypeVar("Number")


def run_interleaved(
    jobs: Mapping[str, Callable[[], Number]], rounds: int
) -> dict[str, list[Number]]:
    """Run each job once per round, and return its results, one per round.

    If the speed of the machine changes over time, it changes for all jobs.

    Args:
        jobs: Jobs by name.
        rounds: Number of rounds.
    """
    values: dict[str, list[Number]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            values[name].append(job())
    return values


def medians(rounds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return the median over the rounds for each job."""
    return {name: statistics.median(values) for name, values in rounds.items()}


def items_per_second(job: Callable[..., int], *arguments) -> float:
    """Run a job that returns the number of items it processed, and return its rate.

    Args:
        job: Function to run.
        arguments: Arguments of the function.
    """
    started = time.perf_counter()
    count = job(*arguments)
    return count / (time.perf_counter() - started)


def call_milliseconds(job: Callable[[], object], seconds: float) -> np.ndarray:
    """Call a job repeatedly, at least once, and return the milliseconds of each call.

    A first call is not measured: threads of the previous job may still be active, and those of this
    job asleep.

    Args:
        job: Function to call.
        seconds: Total time to measure.
    """
    job()
    times: list[float] = []
    while not times or sum(times) < seconds:
        started = time.perf_counter()
        job()
        times.append(time.perf_counter() - started)
    return 1000 * np.array(times)


def evenly_spaced_clips(path: Path, count: int) -> Manifest:
    """Return at most `count` clips, evenly spaced over a manifest to cover its classes and sizes.

    Args:
        path: Path of the manifest.
        count: Maximum number of clips.
    """
    whole = read(path)
    step = max(1, len(whole.entries) // count)
    return whole.with_entries(list(whole.entries[::step][:count]))


def table(header: Sequence[str], rows: Sequence[Sequence]) -> str:
    """Return a table as text, with names on the left, numbers on the right, and None as a dash.

    Args:
        header: Title of each column.
        rows: Rows of a name and numbers or texts.

    >>> print(table(["ms", "p50", "p95"], [["step", 1.25, 3], ["read", 10.0, None]]))
    ms      p50    p95
    step    1.2      3
    read   10.0      -
    """
    lines = [[_cell(value) for value in row] for row in [header, *rows]]
    names = max(len(line[0]) for line in lines)
    widths = [max(5, *(len(cell) for cell in column)) for column in zip(*lines, strict=True)][1:]
    return "\n".join(
        line[0].ljust(names)
        + "".join("  " + cell.rjust(width) for cell, width in zip(line[1:], widths, strict=True))
        for line in lines
    )


def _cell(value) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value)
