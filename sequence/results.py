"""Return values of training and evaluation; the model and report folders hold the same data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metrics.task import task_of_report


@dataclass(frozen=True)
class TrainingResult:
    """Result of training a sequence model.

    Attributes:
        folder: Model folder that the model was saved in.
        history: One dictionary per epoch, in order, with the keys `epoch` (from 1), `loss`,
            `val_clip_loss` and `val_clip_accuracy` (with several classes per clip
            `val_clip_mean_average_precision`); of an ensemble also `member`, from 1.
        metrics: Content of the folder's `metrics.json`: metrics on the validation clips.
    """

    folder: Path
    history: tuple[dict[str, float], ...]
    metrics: dict[str, Any]


@dataclass(frozen=True, eq=False)
class EvaluationReport(Mapping[str, Any]):
    """Metrics of a model on one split; a mapping with the content of `metrics.json`.

    Attributes:
        folder: Report folder.
        metrics: Content of its `metrics.json`: `split`, `head`, metrics per `clip` and per
            `window`, `baselines`, and more.
    """

    folder: Path
    metrics: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        """Return a value of `metrics` by its key, such as `clip`."""
        return self.metrics[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.metrics)

    def __len__(self) -> int:
        return len(self.metrics)

    @property
    def accuracy(self) -> float:
        """Clip accuracy, 0..1; with several classes per clip the share of clips with exactly the
        right ones."""
        clip = self.metrics["clip"]
        several = task_of_report(clip).several
        return float(clip["subset_accuracy" if several else "accuracy"])

    @property
    def score(self) -> float:
        """The main score, 0..1: the clip accuracy, or with several classes per clip the mean
        average precision."""
        clip = self.metrics["clip"]
        return float(clip[task_of_report(clip).score])

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of `score` over groups, see `metrics.intervals`."""
        clip = self.metrics["clip"]
        low, high = clip[f"{task_of_report(clip).score}_interval"]
        return low, high


@dataclass(frozen=True)
class FoldsReport:
    """Result of cross-validation.

    Attributes:
        path: Path of the file `folds.json`.
        metrics: Content of the file: `folds`, `seed`, and under `models` one dictionary per model
            and repeat.
    """

    path: Path
    metrics: dict[str, Any]
