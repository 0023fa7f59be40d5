"""Evaluation: predictions of a model and its baselines, their metrics, and cross-validation."""

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from metrics.bootstrap import bootstrap_interval
from metrics.classification import scores
from metrics.pooling import Rule
from recipes.schema import Recipe
from sequence.baselines import LinearBaseline, available_baselines, fit_baseline
from sequence.comparison import difference_to
from sequence.dataset import Dataset, LabeledSegment
from sequence.pooling_choice import choose_pooling
from sequence.prediction import Predictor
from sequence.training import fit, fit_mean_baseline, window_logits
from video.console import progress_bar
from video.errors import LookbackError, UsageError

_SEEDS_PER_REPEAT = 1000  # larger than the models of any repeat, so that no two share a seed


@dataclass(frozen=True)
class Predictions:
    """Predictions of one model for n segments.

    Attributes:
        name: Name of the head or baseline.
        clip: Probabilities of each segment: (n, K).
        window: Probabilities of each full window: (m, K); None for a model of whole segments.
        segment: Index of the segment that each window belongs to: (m,); None without windows.
        pooling: Name of the rule from windows to segments; None for a model of whole segments.
    """

    name: str
    clip: np.ndarray
    window: np.ndarray | None = None
    segment: np.ndarray | None = None
    pooling: Rule | None = None


def predict(
    name: str,
    predictor: Predictor,
    dataset: Dataset,
    segments: list[LabeledSegment],
    views: int | str = "all",
) -> Predictions:
    """Return the predictions of a sequence model.

    The probabilities of a segment are pooled over its full windows, by the model's pooling.

    Args:
        name: Name of the head.
        predictor: Predictor of the model.
        dataset: Dataset of the segments.
        segments: Segments to predict.
        views: Maximum number of evenly spaced windows per segment, or "all".
    """
    answers = window_logits(predictor, dataset, segments, views)
    windows = answers.window_probabilities(predictor.temperature)
    clips = answers.clip_probabilities(predictor.temperature)
    return Predictions(name, clips, windows, answers.segment, predictor.pooling.rule)


def predict_baseline(
    baseline: LinearBaseline, dataset: Dataset, segments: list[LabeledSegment]
) -> Predictions:
    """Return the predictions of a linear baseline."""
    return Predictions(baseline.name, baseline.predict_segments(dataset, segments))


def measure(
    predictions: Predictions,
    segments: list[LabeledSegment],
    labels: list[str],
    resamples: int,
    seed: int,
) -> dict:
    """Return the metrics of predictions per clip and, if there are windows, per window.

    Args:
        predictions: Predictions for the segments.
        segments: Segments with the true classes.
        labels: Names of the K classes.
        resamples: Number of bootstrap resamples for the confidence interval.
        seed: Seed of the resampling.

    Returns:
        Metrics under the keys `clip` and `window`, as in metrics.json.
    """
    targets = np.array([segment.target for segment in segments])
    groups = [segment.group for segment in segments]
    result = {"clip": _with_interval(predictions.clip, targets, groups, labels, resamples, seed)}
    if predictions.window is not None:
        window_groups = [groups[index] for index in predictions.segment]
        window_targets = targets[predictions.segment]
        result["window"] = _with_interval(
            predictions.window, window_targets, window_groups, labels, resamples, seed
        )
    return result


def measure_all(
    predictions: list[Predictions],
    segments: list[LabeledSegment],
    labels: list[str],
    resamples: int,
    seed: int,
) -> dict[str, dict]:
    """Return the metrics of several models by their names, see `measure`.

    The first is the head. The others also have `difference_to_head`, see `difference_to`.
    """
    head, *others = predictions
    results = {each.name: measure(each, segments, labels, resamples, seed) for each in predictions}
    for each in others:
        results[each.name]["difference_to_head"] = difference_to(
            head.clip, each.clip, segments, resamples, seed
        )
    return results


def _with_interval(
    probabilities: np.ndarray,
    targets: np.ndarray,
    groups: list[str],
    labels: list[str],
    resamples: int,
    seed: int,
) -> dict:
    """Return `scores` with the confidence interval of the accuracy."""
    values = scores(probabilities, targets, labels)
    hits = (probabilities.argmax(1) == targets).astype(float)
    interval = bootstrap_interval(hits, groups, resamples, seed)
    return {"accuracy_interval": list(interval), "groups": len(set(groups)), **values}


def cross_validate(dataset: Dataset, recipe: Recipe) -> list[dict]:
    """Train and test the recipe's head and all baselines in a cross-validation over groups.

    All clips of a group are in the same fold. Within each fold, some of the training groups are
    used for validation.

    Args:
        dataset: Dataset of all segments; their split is ignored.
        recipe: Recipe with the settings of the head and the numbers of folds and repeats.

    Returns:
        One dictionary per model and repeat: name, repeat, accuracy of each fold, pooling of each
        fold for a model of windows, and the metrics over all clips, each predicted by the model
        that was not trained on its group.

    Raises:
        UsageError: The recipe has fewer than two folds.
        LookbackError: There are too few groups or clips for the folds.
    """
    folds, seed = recipe.evaluate.folds, recipe.seed
    if folds < 2:
        raise UsageError(f"--folds {folds}: cross-validation needs at least 2 folds")
    dataset.require_variation(dataset.segments)
    rows = []
    for repeat in range(recipe.evaluate.repeats):
        probabilities: dict[str, list[np.ndarray]] = {}
        tested: list[LabeledSegment] = []
        accuracies: dict[str, list[float]] = {}
        poolings: dict[str, list[Rule]] = {}
        parts = list(_make_folds(dataset.segments, folds, seed + repeat))
        for number, (rest, test) in enumerate(
            progress_bar(parts, f"repeat {repeat + 1}", unit="fold")
        ):
            training, validation = _split_validation(rest, seed + repeat)
            first = number * recipe.sequence.ensemble  # each model has a seed of its own
            fold_seed = seed + _SEEDS_PER_REPEAT * repeat + first
            targets = np.array([segment.target for segment in test])
            for fold in _predict_fold(dataset, training, validation, test, recipe, fold_seed):
                probabilities.setdefault(fold.name, []).append(fold.clip)
                accuracy = float((fold.clip.argmax(1) == targets).mean())
                accuracies.setdefault(fold.name, []).append(accuracy)
                if fold.pooling is not None:
                    poolings.setdefault(fold.name, []).append(fold.pooling)
            tested += test
        joined = [
            Predictions(name, np.concatenate(parts_of_name))
            for name, parts_of_name in probabilities.items()
        ]
        results = measure_all(joined, tested, dataset.labels, recipe.evaluate.bootstrap, seed)
        for name, values in results.items():
            row = {"name": name, "repeat": repeat + 1, "fold_accuracies": accuracies[name]}
            if name in poolings:
                row["fold_poolings"] = poolings[name]
            rows.append({**row, **values})
    return rows


def _predict_fold(
    dataset: Dataset,
    training: list[LabeledSegment],
    validation: list[LabeledSegment],
    test: list[LabeledSegment],
    recipe: Recipe,
    seed: int,
) -> list[Predictions]:
    """Train the recipe's head and all baselines, and return their predictions for `test`."""
    chosen = choose_pooling(dataset, training, validation, recipe.sequence, seed)
    predictor = fit(dataset, training, validation, chosen, seed)
    predictions = [predict(chosen.head, predictor, dataset, test)]
    if chosen.head != "mean":
        average = fit_mean_baseline(dataset, training, validation, chosen, seed)
        predictions.append(predict("mean", average, dataset, test))
    for name in available_baselines(dataset):
        baseline = fit_baseline(name, dataset, training, validation)
        predictions.append(predict_baseline(baseline, dataset, test))
    return predictions


def _make_folds(
    segments: list[LabeledSegment], folds: int, seed: int
) -> Iterator[tuple[list[LabeledSegment], list[LabeledSegment]]]:
    """Yield (training, test) of every fold, stratified by class, with groups kept together."""
    targets = [segment.target for segment in segments]
    groups = [segment.group for segment in segments]
    if _max_folds(segments) < folds:
        raise LookbackError(
            f"--folds {folds}: these clips ({len(set(groups))} groups) allow at most "
            f"{_max_folds(segments)} folds"
        )
    # scikit-learn warns about classes with fewer clips than folds, which are acceptable here.
    warnings.filterwarnings("ignore", "The least populated class", UserWarning)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for rest, test in splitter.split(np.zeros(len(segments)), targets, groups):
        yield [segments[index] for index in rest], [segments[index] for index in test]


def _max_folds(segments: list[LabeledSegment]) -> int:
    """Return the maximum number of folds: that of groups, or of clips in the largest class."""
    largest = max(Counter(segment.target for segment in segments).values())
    return min(len({segment.group for segment in segments}), largest)


def _split_validation(
    segments: list[LabeledSegment], seed: int
) -> tuple[list[LabeledSegment], list[LabeledSegment]]:
    """Return (training, validation), where validation is about a sixth, in whole groups."""
    folds = max(2, min(6, _max_folds(segments)))
    training, validation = next(_make_folds(segments, folds, seed))
    if len({segment.target for segment in training}) < 2:
        raise LookbackError(
            "--folds: there are too few groups of clips, so the training part of a fold has only "
            "one class; use another number of folds"
        )
    return training, validation


def video_predictions(
    predictor: Predictor, dataset: Dataset, videos: list[str]
) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Return the predictions at every step of videos, equal to those of live prediction.

    Returns:
        Video, seconds (N,) and probabilities (N, K) of each video.
    """
    return [
        (
            video,
            dataset.store.seconds(video),
            predictor.predict_steps(dataset.store.features(video)),
        )
        for video in videos
    ]
