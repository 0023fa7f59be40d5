"""Training history: a CSV row per epoch, and the same values for TensorBoard."""

import csv
from pathlib import Path

from training.tensorboard import RunLog

MEMBER = "member"  # column with the number of an ensemble's model; its epochs start over at 1


class History:
    """Writes one row per epoch to a CSV file, and one point per column to TensorBoard.

    Attributes:
        epochs: One dictionary per epoch: `epoch` from 1, and the values written. Kept epochs have
            the digits of the file.
        log: The run in TensorBoard.
    """

    def __init__(self, path: Path, logs: Path, kept: int = 0) -> None:
        """Open the files.

        Args:
            path: CSV file.
            logs: TensorBoard folder; the run has a subfolder of its own.
            kept: Number of rows of the CSV file to keep, for a resumed run.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        before = _rows_of(path, kept)
        self._file = path.open("w", newline="", encoding="utf-8")
        self._rows: csv.DictWriter | None = None
        self.epochs: list[dict[str, float]] = [
            {name: int(value) if name == "epoch" else float(value) for name, value in row.items()}
            for row in before
        ]
        if before:
            self._rows = csv.DictWriter(self._file, list(before[0]), lineterminator="\n")
            self._rows.writeheader()
            self._rows.writerows(before)
            self._file.flush()
        self.log = RunLog(logs)

    def write(self, epoch: int, values: dict[str, float]) -> None:
        """Write the values of an epoch, counted from 1. All epochs have the same columns."""
        if self._rows is None:
            self._rows = csv.DictWriter(self._file, ["epoch", *values], lineterminator="\n")
            self._rows.writeheader()
        self._rows.writerow({"epoch": epoch, **{k: f"{v:.6g}" for k, v in values.items()}})
        self._file.flush()
        self.epochs.append({"epoch": epoch, **values})
        # TensorBoard draws one curve per tag, so each member needs tags of its own.
        suffix = f"/{MEMBER}_{values[MEMBER]}" if MEMBER in values else ""
        points = {name + suffix: value for name, value in values.items() if name != MEMBER}
        self.log.scalars(epoch, points)

    def close(self) -> None:
        self._file.close()
        self.log.close()

    def __enter__(self) -> "History":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def _rows_of(path: Path, epochs: int) -> list[dict[str, str]]:
    if not epochs or not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))[:epochs]
