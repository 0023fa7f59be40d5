"""Score of a configuration on train and val, by whole clips and with groups kept whole.

With few clips it is a cross-validation over the groups of train and val: every clip is predicted by
a model that saw nothing of its group. With many clips it is one training, scored on val.

All of these clips fit one temperature, which the model that is trained afterwards takes: they are
more than its own validation clips, and in a cross-validation no model knew their groups.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from metrics.calibration import fit_temperature
from metrics.task import Task
from sequence.dataset import Dataset, LabeledSegment
from sequence.folds import max_folds
from sequence.search.space import Configuration
from sequence.selection import common_segments, fold_parts
from sequence.training import STOPPED, WindowLogits, fit, join_logits, window_logits
from training.history import MEMBER
from video.errors import LookbackError

FEW_CLIPS = 1000  # of train and val: up to here the val split alone is too coarse
_FOLDS = 5

Progress = Callable[[int, float], None]


@dataclass(frozen=True)
class Score:
    """Result of a configuration over the clips that scored it.

    Attributes:
        log_loss: -log p of the true class, the mean over the clips.
        accuracy: Share of the clips with the right label, or with exactly the right labels.
        calibration_error: Expected calibration error of the clips' probabilities.
        temperature: Temperature of these probabilities, fitted on the same clips.
    """

    log_loss: float
    accuracy: float
    calibration_error: float
    temperature: float


class Scorer:
    """Trains and scores configurations, all on the same parts.

    Attributes:
        folds: Number of folds; 0 for the val split.
        clips: Number of clips that score a configuration.
        groups: Number of their groups.
    """

    def __init__(self, datasets: dict[str, Dataset], folds: int | None, seed: int) -> None:
        """Divide the clips.

        Args:
            datasets: Dataset of each input; clips that one of them lacks are left out.
            folds: Number of folds; 0 for the val split; None chooses by the number of clips.
            seed: Seed of the folds and the trainings.

        Raises:
            LookbackError: The clips have too few groups for two folds.
        """
        self._datasets, self._seed = datasets, seed
        parts = common_segments(list(datasets.values()))
        self._segments = dict(zip(datasets, parts, strict=True))
        reference = parts[0]
        if folds is None:
            folds = _FOLDS if len(reference) <= FEW_CLIPS else 0
        self.folds = max(2, min(folds, max_folds(reference))) if folds else 0
        place = {id(segment): number for number, segment in enumerate(reference)}
        self._parts = [
            [[place[id(segment)] for segment in part] for part in split]
            for split in self._divided(reference)
        ]
        scored = [reference[number] for _, _, test in self._parts for number in test]
        self.clips, self.groups = len(scored), len({segment.group for segment in scored})

    def _divided(self, segments: list[LabeledSegment]) -> list:
        if not self.folds:
            training, validation = (
                [segment for segment in segments if segment.split == split]
                for split in ("train", "val")
            )
            return [(training, validation, validation)]
        try:
            return list(fold_parts(segments, self.folds, self._seed))
        except LookbackError:  # it names --folds, which is no flag of training
            raise LookbackError(
                "--search: train and val have too few groups of clips for a cross-validation; add "
                "--set search.folds=0 to score on the val split"
            ) from None

    def score(self, configuration: Configuration, progress: Progress) -> Score:
        """Train and score a configuration.

        Args:
            configuration: The configuration.
            progress: Function that receives a step and the log loss up to there: the number of
                a fold, or of an epoch for the val split. It may raise an error to end the trial.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed. A single training would keep its best epoch;
                a half-trained configuration has no score.
        """
        dataset = self._datasets[configuration.input].with_look_back(configuration.look_back)
        segments = self._segments[configuration.input]
        answers: list[WindowLogits] = []
        tested: list[LabeledSegment] = []
        for fold, numbers in enumerate(self._parts):
            training, validation, test = ([segments[n] for n in part] for part in numbers)
            seed = self._seed + fold * configuration.sequence.ensemble
            watch = None if self.folds else _EpochWatch(progress)
            predictor = fit(
                dataset, training, validation, configuration.sequence, seed, watch, _interrupted
            )
            answers.append(window_logits(predictor, dataset, test))
            tested += test
            if self.folds:
                progress(fold, _score(answers, dataset.targets(tested), dataset.task).log_loss)
        return _score(answers, dataset.targets(tested), dataset.task)


def _score(answers: list[WindowLogits], targets: np.ndarray, task: Task) -> Score:
    """Return the score of the folds up to here; with several classes, those from 0.5 are found."""
    joined = join_logits(answers)
    temperature = fit_temperature(joined.clip_probabilities, targets, task.loss)
    clips = joined.clip_probabilities(temperature)
    hits = task.hits(clips, targets)
    calibration = task.calibration_error(clips, targets)
    return Score(task.loss(clips, targets), float(hits.mean()), calibration, temperature)


class _EpochWatch:
    """Takes the place of a history, and reports the validation loss of every epoch."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.epochs: list[dict[str, float]] = []

    def write(self, epoch: int, values: dict[str, float]) -> None:
        """Report an epoch; those of later models of an ensemble say nothing new."""
        if values.get(MEMBER, 1) == 1:
            self._progress(epoch - 1, values["val_clip_loss"])


def _interrupted(line: str) -> None:
    """Raise KeyboardInterrupt at the line that `fit` prints after Ctrl-C."""
    if line == STOPPED:
        raise KeyboardInterrupt
