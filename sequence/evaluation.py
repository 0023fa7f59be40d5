"""Evaluation: predictions of a model and its baselines, and their metrics."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from metrics.calibration import chance_error
from metrics.pooling import Rule
from metrics.score_intervals import score_intervals
from metrics.targets import classes_of
from metrics.task import Thresholds, task_of_targets
from sequence.baselines import LinearBaseline
from sequence.comparison import difference_to
from sequence.dataset import Dataset, LabeledSegment, targets_of
from sequence.prediction import Predictor
from sequence.training import window_logits

MAJORITY = "majority"


@dataclass(frozen=True)
class Predictions:
    """Predictions of one model for n segments.

    Attributes:
        name: Name of the head or baseline.
        clip: Probabilities of each segment: (n, K).
        window: Probabilities of each full window: (m, K); None for a model of whole segments.
        segment: Index of the segment that each window belongs to: (m,); None without windows.
        pooling: Name of the rule from windows to segments; None for a model of whole segments.
        thresholds: Thresholds of the classes, see `metrics.task.Task.chosen`.
    """

    name: str
    clip: np.ndarray
    window: np.ndarray | None = None
    segment: np.ndarray | None = None
    pooling: Rule | None = None
    thresholds: Thresholds = ()


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
    rule = predictor.pooling.rule
    return Predictions(name, clips, windows, answers.segment, rule, predictor.thresholds)


def joined_predictions(parts: Sequence[Predictions]) -> Predictions:
    """Return the predictions of whole segments of one model for several parts of the segments.

    Args:
        parts: Predictions for each part, such as the folds of a cross-validation, each with
            thresholds of its own.
    """
    clips = np.concatenate([each.clip for each in parts])
    limits = [
        np.broadcast_to(np.asarray(each.thresholds), each.clip.shape)
        for each in parts
        if len(each.thresholds)
    ]
    thresholds = np.concatenate(limits) if limits else ()
    return Predictions(parts[0].name, clips, thresholds=thresholds)


def predict_baseline(
    baseline: LinearBaseline, dataset: Dataset, segments: list[LabeledSegment]
) -> Predictions:
    """Return the predictions of a linear baseline."""
    clips = baseline.predict_segments(dataset, segments)
    return Predictions(baseline.name, clips, thresholds=baseline.thresholds)


def predict_majority(
    training: Sequence[LabeledSegment], segments: Sequence[LabeledSegment], labels: list[str]
) -> Predictions:
    """Return the predictions of the baseline `majority`: the shares of the classes in training.

    With several classes per clip, the share of a class is that of the clips that have it.

    Args:
        training: Segments of the training.
        segments: Segments to predict.
        labels: Names of the K classes.
    """
    counts = np.zeros(len(labels), int)
    for each in training:
        counts[list(classes_of(each.target))] += 1
    return Predictions(MAJORITY, np.tile(counts / len(training), (len(segments), 1)))


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
    targets = targets_of(segments, len(labels))
    groups = [segment.group for segment in segments]
    clips = _Measured(predictions.clip, targets, groups, predictions.thresholds)
    clip = clips.scores(labels, resamples, seed)
    if not task_of_targets(targets).several:
        found = score_intervals(predictions.clip, targets, groups)
        clip["intervals"] = {name: each.limits for name, each in found.items()}
        clip["intervals_method"] = found["macro_f1"].method
        # Windows of a clip are alike, so what chance does to them cannot be told by their number.
        clip["calibration_error_if_calibrated"] = asdict(chance_error(predictions.clip.max(1)))
    result = {"clip": clip}
    if predictions.window is not None:
        windows = _Measured(
            predictions.window,
            targets[predictions.segment],
            [groups[index] for index in predictions.segment],
            predictions.thresholds,
        )
        result["window"] = windows.scores(labels, resamples, seed)
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


@dataclass(frozen=True)
class _Measured:
    """Probabilities (n, K) of clips or windows with their targets, groups and thresholds."""

    probabilities: np.ndarray
    targets: np.ndarray
    groups: list[str]
    thresholds: Thresholds

    def scores(self, labels: list[str], resamples: int, seed: int) -> dict:
        """Return all metrics, with the confidence interval of the main score."""
        task = task_of_targets(self.targets)
        values = task.scores(self.probabilities, self.targets, labels, self.thresholds)
        interval = task.interval([self.probabilities], self.targets, self.groups, resamples, seed)
        return {
            f"{task.score}_interval": interval.limits,
            f"{task.score}_interval_method": interval.method,
            "groups": len(set(self.groups)),
            **values,
        }


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
