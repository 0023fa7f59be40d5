"""What training and evaluation return to their caller; the same stands in the files they write."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TrainingResult:
    """One run of training of the second stage.

    Attributes:
        folder: The model folder.
        history: One dictionary an epoch, in order: `epoch` from 1, `loss`, `val_clip_loss`,
            `val_clip_accuracy`.
        metrics: The content of the folder's `metrics.json`: measures on the validation clips.
    """

    folder: Path
    history: tuple[dict[str, float], ...]
    metrics: dict[str, Any]


@dataclass(frozen=True)
class EvaluationReport:
    """The measures of a model on a split.

    Attributes:
        folder: The report folder.
        metrics: The content of its `metrics.json`: `split`, `head`, `clip` and `window` measures,
            `baselines` and more.
    """

    folder: Path
    metrics: dict[str, Any]

    @property
    def accuracy(self) -> float:
        """The share of clips whose label is right."""
        return float(self.metrics["clip"]["accuracy"])

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of `accuracy`, drawn over groups."""
        low, high = self.metrics["clip"]["accuracy_interval"]
        return low, high


@dataclass(frozen=True)
class FoldsReport:
    """The measures of a recipe over folds.

    Attributes:
        path: The file `folds.json`.
        metrics: Its content: `folds`, `seed`, and under `models` a row a model and repeat.
    """

    path: Path
    metrics: dict[str, Any]
