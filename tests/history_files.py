"""Reading what a training leaves of its epochs: the table and the points of TensorBoard."""

import csv
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def rows_of(path: Path) -> list[dict]:
    """Return the rows of a table of epochs, values as text."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def run_of(logs: Path) -> EventAccumulator:
    """Return the one run below `logs`, as TensorBoard reads it."""
    (events,) = logs.rglob("events.out.tfevents.*")
    accumulator = EventAccumulator(str(events.parent), {"images": 0, "tensors": 0})
    accumulator.Reload()
    return accumulator


def points_of(logs: Path) -> dict[str, list[tuple[int, float]]]:
    """Return (epoch, value) of every column in the one run below `logs`."""
    accumulator = run_of(logs)
    return {
        tag: [(event.step, event.value) for event in accumulator.Scalars(tag)]
        for tag in accumulator.Tags()["scalars"]
    }
