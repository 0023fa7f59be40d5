"""Every decision as a row of a CSV file, on disk as soon as it is made."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from live.decision import Decision
from live.sinks.base import Sink
from sequence.report import prediction_header, prediction_row
from video.errors import LookbackError


class CsvSink(Sink):
    """Writes `step,seconds,label,probability,<one column per class>`.

    Raises:
        LookbackError: the file cannot be written.
    """

    def __init__(self, path: Path, labels: tuple[str, ...]) -> None:
        self._path, self._labels = path, list(labels)
        with self._telling():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", newline="", encoding="utf-8")
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._rows.writerow(prediction_header(self._labels))

    def on_step(self, decision: Decision, step_seconds: float) -> None:
        row = prediction_row(decision.step, decision.seconds, decision.probabilities, self._labels)
        with self._telling():
            self._rows.writerow(row)
            self._file.flush()

    def close(self) -> None:
        with self._telling():
            self._file.close()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LookbackError(
                f"{self._path}: cannot be written ({error.strerror}); name another --csv"
            ) from None
