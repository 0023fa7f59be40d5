"""What the benchmarks share: jobs measured by turns, rates, times of calls, tables."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from clips.manifest import Manifest, read

Number = TypeVar("Number")


def by_turns(jobs: Mapping[str, Callable[[], Number]], rounds: int) -> dict[str, list[Number]]:
    """Return what each job gives, a value a round.

    Every round runs each job once, so that a machine which grows slower does so for all of them.
    """
    values: dict[str, list[Number]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            values[name].append(job())
    return values


def medians(rounds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return the median over the rounds of every job."""
    return {name: statistics.median(values) for name, values in rounds.items()}


def rate(job: Callable[..., int], *arguments) -> float:
    """Return how much a second a job does that returns how much it did."""
    started = time.perf_counter()
    count = job(*arguments)
    return count / (time.perf_counter() - started)


def call_milliseconds(job: Callable[[], object], seconds: float) -> np.ndarray:
    """Return the milliseconds of each call of a job that is called for so long, at least once.

    One call ahead is not counted: threads of the job before may still be awake, its own asleep.
    """
    job()
    times: list[float] = []
    while not times or sum(times) < seconds:
        started = time.perf_counter()
        job()
        times.append(time.perf_counter() - started)
    return 1000 * np.array(times)


def some_clips(path: Path, count: int) -> Manifest:
    """Return a manifest's clips, `count` at most: evenly over it, so that all classes and sizes
    are there."""
    whole = read(path)
    step = max(1, len(whole.entries) // count)
    return whole.with_entries(list(whole.entries[::step][:count]))


def table(header: Sequence[str], rows: Sequence[Sequence]) -> str:
    """Return a table: names to the left, numbers to the right, None as a dash.

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
