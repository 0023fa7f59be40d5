"""Every decision as a row of a CSV file, on disk as soon as it is made."""

import csv
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
        self._labels = list(labels)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", newline="", encoding="utf-8")
        except OSError as error:
            raise LookbackError(
                f"{path}: cannot be written ({error.strerror}); name another --csv"
            ) from None
        self._rows = csv.writer(self._file)
        self._rows.writerow(prediction_header(self._labels))

    def on_step(self, decision: Decision, step_seconds: float) -> None:
        self._rows.writerow(
            prediction_row(decision.step, decision.seconds, decision.probabilities, self._labels)
        )
        self._file.flush()

    def close(self) -> None:
        self._file.close()
