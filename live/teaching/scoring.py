"""The score of a learning: clips predicted by models that were not trained on their group."""

from dataclasses import dataclass, replace

import numpy as np

from recipes.schema import Recipe
from sequence.baselines import fit_baseline
from sequence.dataset import Dataset, LabeledSegment
from sequence.evaluation import predict
from sequence.folds import make_folds
from sequence.pooling_choice import choose_pooling
from sequence.prediction import Predictor
from sequence.training import fit
from video.errors import LookbackError

_MAX_FOLDS = 3  # a fold costs a training, and the user waits
_TRIES = 20
_VALIDATION_FOLDS = 5
_LINEAR = ("ridge", "moments")


@dataclass(frozen=True)
class Score:
    """Which clips were predicted correctly.

    Attributes:
        hits: Whether each segment's class was predicted, by `<video>@<start in seconds>`.
        method: `groups`, `clips` or `validation`: what the predicting model had not seen.
    """

    hits: dict[str, bool]
    method: str

    @property
    def accuracy(self) -> float:
        """Share of the segments, 0 to 1."""
        return sum(self.hits.values()) / len(self.hits)


def validation_score(dataset: Dataset, head: str, predictor: Predictor) -> Score:
    """Return the score of a model on the validation clips, which chose its epoch."""
    segments = dataset.split("val")
    return Score(_hits(dataset, head, predictor, segments), "validation")


def folds_score(dataset: Dataset, recipe: Recipe, by: str) -> Score | None:
    """Return the score of a cross-validation; None if the clips allow no folds.

    Args:
        dataset: Dataset of the clips; their split is ignored.
        recipe: Recipe with the settings of the second stage.
        by: What a fold keeps together: `group` or `clip`.
    """
    segments = _alone(dataset.segments) if by == "clip" else dataset.segments
    parts = _folds(segments, recipe.seed)
    hits: dict[str, bool] = {}
    for number, (rest, test) in enumerate(parts):
        training, validation = _validation(rest, recipe.seed)
        chosen = choose_pooling(dataset, training, validation, recipe.sequence, recipe.seed)
        predictor = fit(dataset, training, validation, chosen, recipe.seed + number)
        hits |= _hits(dataset, chosen.head, predictor, test)
    return Score(hits, f"{by}s") if hits else None


def linear_score(dataset: Dataset, by: str, seed: int) -> float:
    """Return the accuracy of the better of two linear models, as in `folds_score`, 0 to 1.

    It takes a second or two, a hundredth of what the head takes, and is 0 without any folds.
    """
    segments = _alone(dataset.segments) if by == "clip" else dataset.segments
    accuracies = [0.0]
    for name in _LINEAR:
        hits: list[bool] = []
        for rest, test in _folds(segments, seed):
            training, validation = _validation(rest, seed)
            baseline = fit_baseline(name, dataset, training, validation)
            chosen = baseline.predict_segments(dataset, test).argmax(1)
            hits += [bool(one == each.target) for one, each in zip(chosen, test, strict=True)]
        accuracies.append(float(np.mean(hits)) if hits else 0.0)
    return max(accuracies)


def _alone(segments: list[LabeledSegment]) -> list[LabeledSegment]:
    """Return the segments with every video as a group of its own."""
    return [replace(segment, group=segment.video) for segment in segments]


def _hits(
    dataset: Dataset, head: str, predictor: Predictor, segments: list[LabeledSegment]
) -> dict[str, bool]:
    chosen = predict(head, predictor, dataset, segments).clip.argmax(1)
    right = chosen == np.array([segment.target for segment in segments])
    keys = [f"{segment.video}@{segment.start:g}" for segment in segments]
    return dict(zip(keys, map(bool, right), strict=True))


Parts = list[tuple[list[LabeledSegment], list[LabeledSegment]]]


def _folds(segments: list[LabeledSegment], seed: int) -> Parts:
    """Return folds of which every training part has all classes; none if there are none."""
    classes = {segment.target for segment in segments}
    groups = [
        len({segment.group for segment in segments if segment.target == target})
        for target in classes
    ]
    for folds in range(min(_MAX_FOLDS, *groups), 1, -1):
        for attempt in range(_TRIES):
            try:
                parts = list(make_folds(segments, folds, seed + attempt))
            except LookbackError:  # fewer clips in the largest class than folds
                break
            if all({each.target for each in rest} == classes for rest, _ in parts):
                return parts
    return []


def _validation(
    segments: list[LabeledSegment], seed: int
) -> tuple[list[LabeledSegment], list[LabeledSegment]]:
    """Return (training, validation) of a fold's training part, by clips.

    It chooses the epoch only, and whole groups would leave too little to train on.
    """
    classes = {segment.target for segment in segments}
    for folds in range(_VALIDATION_FOLDS, 1, -1):
        try:
            training, validation = next(make_folds(_alone(segments), folds, seed))
        except LookbackError:
            continue
        if {each.target for each in training} == classes:
            return training, validation
    return segments, segments
