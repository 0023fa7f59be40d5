"""Folds of a cross-validation over groups: all clips of a group are in the same fold."""

import warnings
from collections import Counter
from collections.abc import Iterator

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from sequence.dataset import LabeledSegment
from video.errors import LookbackError


def make_folds(
    segments: list[LabeledSegment], folds: int, seed: int
) -> Iterator[tuple[list[LabeledSegment], list[LabeledSegment]]]:
    """Yield (training, test) of every fold, stratified by class, with groups kept together.

    Augmented copies train only.
    """
    targets = [segment.target for segment in segments]
    groups = [segment.group for segment in segments]
    if max_folds(segments) < folds:
        raise LookbackError(
            f"--folds {folds}: these clips ({len(set(groups))} groups) allow at most "
            f"{max_folds(segments)} folds"
        )
    # scikit-learn warns about classes with fewer clips than folds, which are acceptable here.
    warnings.filterwarnings("ignore", "The least populated class", UserWarning)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for rest, test in splitter.split(np.zeros(len(segments)), targets, groups):
        tested = [segments[index] for index in test]
        yield [segments[index] for index in rest], [each for each in tested if not each.is_copy]


def max_folds(segments: list[LabeledSegment]) -> int:
    """Return the maximum number of folds: that of groups, or of clips in the largest class."""
    largest = max(Counter(segment.target for segment in segments).values())
    return min(len({segment.group for segment in segments}), largest)


def split_validation(
    segments: list[LabeledSegment], seed: int
) -> tuple[list[LabeledSegment], list[LabeledSegment]]:
    """Return (training, validation), where validation is about a sixth, in whole groups."""
    folds = max(2, min(6, max_folds(segments)))
    training, validation = next(make_folds(segments, folds, seed))
    if len({segment.target for segment in training}) < 2:
        raise LookbackError(
            "--folds: there are too few groups of clips, so the training part of a fold has only "
            "one class; use another number of folds"
        )
    return training, validation
