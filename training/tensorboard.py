"""Runs for TensorBoard: curves, settings, and the answers to the validation clips.

Each run has a folder of its own, because TensorBoard draws the points of one folder as one curve.
Both trainings use the same tags, so that `tensorboard --logdir weights/logs` shows them side by
side.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tensorboardX import SummaryWriter
from tensorboardX.summary import hparams

from training.figures import confusion_picture, sample_picture

# One PR curve and one row of the matrix per class; with more classes neither can be read.
_MAX_CLASSES = 50
_SAMPLES = 8  # clips of the picture of sample predictions


@dataclass(frozen=True)
class Answers:
    """Answers of a model to the validation clips.

    Attributes:
        labels: Names of the K classes.
        truth: Whether a clip has a class: bool (n, K).
        probabilities: Predicted probabilities: (n, K).
        frames: A frame of some of the clips by the clip's number: uint8 RGB (H, W, 3).
    """

    labels: Sequence[str]
    truth: np.ndarray
    probabilities: np.ndarray
    frames: Mapping[int, np.ndarray] = field(default_factory=dict)


class RunLog:
    """Writes the events of one run."""

    def __init__(self, folder: Path) -> None:
        """Open a file of events.

        Args:
            folder: Folder of the runs; the run has a subfolder of its own, named by the time.
        """
        path = _unused(folder / time.strftime("%Y%m%d-%H%M%S"))
        self._writer = SummaryWriter(str(path), flush_secs=10)

    def scalars(self, epoch: int, values: Mapping[str, float]) -> None:
        """Write one point of each curve."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, epoch)

    def settings(self, values: Mapping[str, Any]) -> None:
        """Write the settings of the run, for the tab HPARAMS.

        Its columns of scores are the last points of the curves.

        Args:
            values: Settings by dotted name. Mappings are flattened, lists become text,
                and None is left out.
        """
        # Without the description of the experiment, TensorBoard finds the columns of all runs;
        # with it, those of one run only, and both trainings have different settings.
        _, start, end = hparams(dict(_flat(values)), {})
        for summary in (start, end):
            self._writer.file_writer.add_summary(summary)

    def answers(self, epoch: int, answers: Answers) -> None:
        """Write confusion matrix, precision-recall curves and sample predictions of an epoch.

        The confusion matrix needs clips with one class each.
        """
        labels, truth, probabilities = answers.labels, answers.truth, answers.probabilities
        if len(labels) <= _MAX_CLASSES:
            for number, label in enumerate(labels):
                curve = truth[:, number], probabilities[:, number]
                self._writer.add_pr_curve(f"precision_recall/{label}", *curve, epoch)
            if (truth.sum(1) == 1).all():
                picture = confusion_picture(truth.argmax(1), probabilities.argmax(1), labels)
                self._writer.add_image("confusion", picture, epoch, dataformats="HWC")
        if answers.frames:
            numbers = list(answers.frames)
            picture = sample_picture(
                list(answers.frames.values()), truth[numbers], probabilities[numbers], labels
            )
            self._writer.add_image("samples", picture, epoch, dataformats="HWC")

    def close(self) -> None:
        self._writer.close()


def sample_numbers(count: int) -> list[int]:
    """Return the numbers of the clips of the picture of samples, evenly spread over all clips.

    >>> sample_numbers(3), sample_numbers(80)
    ([0, 1, 2], [0, 11, 23, 34, 45, 56, 68, 79])
    """
    return np.linspace(0, count - 1, min(count, _SAMPLES)).round().astype(int).tolist()


def _unused(path: Path) -> Path:
    """Return a folder that does not exist: two short runs may begin in the same second."""
    number, unused = 1, path
    while unused.exists():
        number += 1
        unused = path.with_name(f"{path.name}-{number}")
    return unused


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, (bool, int, float, str)):
            yield prefix + name, value
        elif value is not None:
            yield prefix + name, str(value)
