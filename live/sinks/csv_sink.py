"""CSV file with a row per decision, written to disk immediately."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from live.decision import Decision
from live.sinks.base import Sink
from sequence.prediction_rows import best_header, best_row, prediction_header, prediction_row
from video.errors import LookbackError


class CsvSink(Sink):
    """Writes `step,seconds,label,probability,<one column per class>`, or
    `step,seconds,label,probability,label_2,probability_2,...` of the most probable labels.

    With several cameras, `camera` comes first.

    Raises:
        LookbackError: The file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        labels: tuple[str, ...],
        best: int | None = None,
        with_camera: bool = False,
    ) -> None:
        """Create the file with its header.

        Args:
            path: The file; its folder is created.
            labels: The K names, in the order of the probabilities.
            best: The number of most probable labels to write; None for a column per label.
            with_camera: Whether the first column is the name of the camera.
        """
        self._path, self._labels, self._best = path, list(labels), best
        with self._errors_as_one_line():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", newline="", encoding="utf-8")
        self._rows = csv.writer(self._file, lineterminator="\n")
        header = best_header(best) if best else prediction_header(self._labels)
        self._with_camera = with_camera
        self._rows.writerow(["camera", *header] if with_camera else header)

    def rows_of(self, camera: str) -> Callable[[Decision], None]:
        """Return the function that writes the rows of one camera."""
        return partial(self._write, camera)

    def on_step(self, decision: Decision, step_seconds: float) -> None:
        self._write("", decision)

    def _write(self, camera: str, decision: Decision) -> None:
        if self._best:
            row = best_row(decision.step, decision.seconds, decision.best(self._best))
        else:
            step, seconds = decision.step, decision.seconds
            values = decision.probabilities, self._labels, decision.thresholds
            row = prediction_row(step, seconds, *values)
        with self._errors_as_one_line():
            self._rows.writerow([camera, *row] if self._with_camera else row)
            self._file.flush()

    def close(self) -> None:
        with self._errors_as_one_line():
            self._file.close()

    @contextmanager
    def _errors_as_one_line(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LookbackError(
                f"{self._path}: cannot be written ({error.strerror}); name another --csv"
            ) from None
