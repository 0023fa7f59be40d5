"""Measuring: a trained model on a split, or the recipe over folds; baselines stand beside it."""

import warnings
from collections import Counter
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from metrics.bootstrap import bootstrap_interval
from metrics.calibration import softmax
from metrics.classification import scores
from recipes.schema import Recipe
from sequence.baselines import LinearBaseline, fit_baseline
from sequence.dataset import Dataset, LabeledSegment
from sequence.prediction import Predictor
from sequence.training import fit, fit_mean_baseline, window_logits
from video.console import progress_bar
from video.errors import LookbackError, UsageError

_SEEDS_A_REPEAT = 1000  # more than there are folds, so that no two share a seed


@dataclass(frozen=True)
class Outcome:
    """Predictions of one model for some pieces.

    Attributes:
        name: of the head or baseline.
        clip: probabilities of each piece (n, K).
        window: probabilities of each full window (m, K); None for models of whole clips.
        piece: (m,) number of the piece that a window belongs to; None likewise.
    """

    name: str
    clip: np.ndarray
    window: np.ndarray | None = None
    piece: np.ndarray | None = None


def outcome_of(
    name: str,
    predictor: Predictor,
    dataset: Dataset,
    pieces: list[LabeledSegment],
    views: int | str = "all",
) -> Outcome:
    """Return what a sequence model says of pieces, by all their full windows or so many views."""
    answers = window_logits(predictor, dataset, pieces, views)
    windows = softmax(answers.logits, predictor.temperature)
    return Outcome(name, answers.clip_probabilities(predictor.temperature), windows, answers.piece)


def baseline_outcome(
    baseline: LinearBaseline, dataset: Dataset, pieces: list[LabeledSegment]
) -> Outcome:
    return Outcome(baseline.name, baseline.of_pieces(dataset, pieces))


def measured(
    outcome: Outcome, pieces: list[LabeledSegment], labels: list[str], draws: int, seed: int
) -> dict:
    """Return the measures of an outcome per clip and, where there are any, per window."""
    classes = np.array([piece.label for piece in pieces])
    groups = [piece.group for piece in pieces]
    result = {"clip": _with_interval(outcome.clip, classes, groups, labels, draws, seed)}
    if outcome.window is not None:
        window_groups = [groups[number] for number in outcome.piece]
        result["window"] = _with_interval(
            outcome.window, classes[outcome.piece], window_groups, labels, draws, seed
        )
    return result


def _with_interval(
    probabilities: np.ndarray,
    classes: np.ndarray,
    groups: list[str],
    labels: list[str],
    draws: int,
    seed: int,
) -> dict:
    values = scores(probabilities, classes, labels)
    hits = (probabilities.argmax(1) == classes).astype(float)
    interval = bootstrap_interval(hits, groups, draws, seed)
    return {"accuracy_interval": list(interval), "groups": len(set(groups)), **values}


def cross_validate(dataset: Dataset, recipe: Recipe) -> list[dict]:
    """Train and test the recipe's head and all baselines over folds that keep groups whole.

    In each fold a part of the other folds' groups validates. Returns a row for each model and
    repeat: name, repeat, fold accuracies, and the measures over all clips, each predicted once.
    """
    folds, seed = recipe.evaluate.folds, recipe.seed
    if folds < 2:
        raise UsageError(f"--folds {folds}: one part trains and another tests, so at least 2")
    dataset.require_variation(dataset.pieces)
    rows = []
    for repeat in range(recipe.evaluate.repeats):
        outcomes: dict[str, list[np.ndarray]] = {}
        tested: list[LabeledSegment] = []
        accuracies: dict[str, list[float]] = {}
        parts = list(_folds(dataset.pieces, folds, seed + repeat))
        for number, (rest, test) in enumerate(
            progress_bar(parts, f"repeat {repeat + 1}", unit="fold")
        ):
            training, validation = _validation_of(rest, seed + repeat)
            fold_seed = seed + _SEEDS_A_REPEAT * repeat + number
            truth = np.array([piece.label for piece in test])
            for outcome in _fold_outcomes(dataset, training, validation, test, recipe, fold_seed):
                outcomes.setdefault(outcome.name, []).append(outcome.clip)
                accuracy = float((outcome.clip.argmax(1) == truth).mean())
                accuracies.setdefault(outcome.name, []).append(accuracy)
            tested += test
        for name, parts_of_name in outcomes.items():
            joined = Outcome(name, np.concatenate(parts_of_name))
            values = measured(joined, tested, dataset.labels, recipe.evaluate.bootstrap, seed)
            row = {"name": name, "repeat": repeat + 1, "fold_accuracies": accuracies[name]}
            rows.append({**row, **values})
    return rows


def _fold_outcomes(
    dataset: Dataset,
    training: list[LabeledSegment],
    validation: list[LabeledSegment],
    test: list[LabeledSegment],
    recipe: Recipe,
    seed: int,
) -> list[Outcome]:
    chosen = recipe.sequence
    predictor = fit(dataset, training, validation, chosen, seed)
    outcomes = [outcome_of(chosen.head, predictor, dataset, test)]
    if chosen.head != "mean":
        average = fit_mean_baseline(dataset, training, validation, chosen, seed)
        outcomes.append(outcome_of("mean", average, dataset, test))
    for name in ("ridge", "moments"):
        baseline = fit_baseline(name, dataset, training, validation)
        outcomes.append(baseline_outcome(baseline, dataset, test))
    return outcomes


def _folds(pieces: list[LabeledSegment], folds: int, seed: int):
    classes = [piece.label for piece in pieces]
    groups = [piece.group for piece in pieces]
    if _most_folds(pieces) < folds:
        raise LookbackError(
            f"--folds {folds}: there are clips for {_most_folds(pieces)} folds "
            f"({len(set(groups))} groups); ask for fewer"
        )
    # Classes with fewer clips than folds are stratified as far as they go; that is no news.
    warnings.filterwarnings("ignore", "The least populated class", UserWarning)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for rest, test in splitter.split(np.zeros(len(pieces)), classes, groups):
        yield [pieces[index] for index in rest], [pieces[index] for index in test]


def _most_folds(pieces: list[LabeledSegment]) -> int:
    """Return how many folds groups, and the clips of the largest class, can be shared out to."""
    largest = max(Counter(piece.label for piece in pieces).values())
    return min(len({piece.group for piece in pieces}), largest)


def _validation_of(
    pieces: list[LabeledSegment], seed: int
) -> tuple[list[LabeledSegment], list[LabeledSegment]]:
    """Return (training, validation): about a sixth of the clips, in whole groups, validates."""
    training, validation = next(_folds(pieces, max(2, min(6, _most_folds(pieces))), seed))
    if len({piece.label for piece in training}) < 2:
        raise LookbackError(
            "--folds: too few groups of clips, a fold would train on one class; ask for other folds"
        )
    return training, validation


def video_predictions(
    predictor: Predictor, dataset: Dataset, videos: list[str]
) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Return (video, seconds (N,), probabilities (N, K)) at every step, as live has them."""
    return [
        (
            video,
            dataset.store.seconds(video),
            predictor.of_steps(dataset.store.features(video)),
        )
        for video in videos
    ]
