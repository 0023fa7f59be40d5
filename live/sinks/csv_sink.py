"""Every decision as a row of a CSV file, on disk as soon as it is made."""

import csv
from pathlib import Path

from live.decision import Decision
from live.sinks.base import Sink
from sequence.report import prediction_header, prediction_row


class CsvSink(Sink):
    """Writes `step,seconds,label,probability,<one column per class>`."""

    def __init__(self, path: Path, labels: tuple[str, ...]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._labels = list(labels)
        self._file = path.open("w", newline="", encoding="utf-8")
        self._rows = csv.writer(self._file)
        self._rows.writerow(prediction_header(self._labels))

    def on_step(self, decision: Decision, step_seconds: float) -> None:
        self._rows.writerow(
            prediction_row(decision.step, decision.seconds, decision.probabilities, self._labels)
        )
        self._file.flush()

    def close(self) -> None:
        self._file.close()
