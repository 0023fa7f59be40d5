"""Folds of a cross-validation over groups: all clips of a group are in the same fold."""

import warnings
from collections import Counter
from collections.abc import Iterator

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from clips.manifest import Entry
from clips.splitting.assignment import split_entries
from metrics.label_sets import joined
from metrics.targets import classes_of
from sequence.dataset import LabeledSegment
from video.errors import LookbackError


def make_folds(
    segments: list[LabeledSegment], folds: int, seed: int
) -> Iterator[tuple[list[LabeledSegment], list[LabeledSegment]]]:
    """Yield (training, test) of every fold, stratified by class, with groups kept together.

    Augmented copies train only.
    """
    groups = [segment.group for segment in segments]
    if (most := max_folds(segments)) < folds:
        allowed = f"allow at most {most} folds" if most > 1 else "are too few for two folds"
        raise LookbackError(
            f"--folds {folds}: these clips ({len(set(groups))} groups) {allowed}; a fold tests on "
            "whole groups, such as recordings"
        )
    several = any(not isinstance(segment.target, int) for segment in segments)
    divide = _by_label_sets if several else _by_classes
    for rest, test in divide(segments, folds, seed):
        tested = [segments[index] for index in test]
        yield [segments[index] for index in rest], [each for each in tested if not each.is_copy]


def _by_classes(
    segments: list[LabeledSegment], folds: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    targets = [segment.target for segment in segments]
    groups = [segment.group for segment in segments]
    # scikit-learn warns about classes with fewer clips than folds, which are acceptable here.
    warnings.filterwarnings("ignore", "The least populated class", UserWarning)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    yield from splitter.split(np.zeros(len(segments)), targets, groups)


def _by_label_sets(
    segments: list[LabeledSegment], folds: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Divide segments that may have several classes, as the manifest's split does."""
    entries = [
        Entry(segment.video, joined(map(str, classes_of(segment.target))), group=segment.group)
        for segment in segments
    ]
    names = tuple(map(str, range(folds)))
    divided = split_entries(entries, (1 / folds,) * folds, seed, names)
    fold_of = np.array([entry.split for entry in divided])
    for name in names:
        yield np.flatnonzero(fold_of != name), np.flatnonzero(fold_of == name)


def max_folds(segments: list[LabeledSegment]) -> int:
    """Return the maximum number of folds: that of groups, or of clips in the largest class."""
    counts = Counter(number for each in segments for number in classes_of(each.target))
    largest = max(counts.values(), default=0)
    return min(len({segment.group for segment in segments}), largest)


def split_validation(
    segments: list[LabeledSegment], seed: int
) -> tuple[list[LabeledSegment], list[LabeledSegment]]:
    """Return (training, validation), where validation is about a sixth, in whole groups."""
    folds = max(2, min(6, max_folds(segments)))
    training, validation = next(make_folds(segments, folds, seed))
    if len({segment.target for segment in training}) < 2:  # also of sets of classes
        raise LookbackError(
            "--folds: there are too few groups of clips, so the training part of a fold has only "
            "one class; use another number of folds"
        )
    return training, validation
