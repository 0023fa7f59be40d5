"""Whether a model uses time: the same model on windows whose steps are in random order.

The content of a window stays, and what depends on the order of its steps is lost: the order itself,
and the speed of changes. A model that scores the same does not use them.
"""

from dataclasses import dataclass

import numpy as np

from metrics.classification import class_areas, mean_area
from metrics.task import TaskName, task_of_report, task_of_targets
from sequence.comparison import difference_to, mean_score
from sequence.dataset import Dataset, LabeledSegment, targets_of
from sequence.evaluation import Predictions, predict
from sequence.prediction import Predictor

SHUFFLED = "shuffled"
_EACH: dict[TaskName, str] = {
    "single_label": "accuracies",
    "multi_label": "mean_average_precisions",
}
_NO_ORDER = ("mean", "statistics")  # heads that see no order, only differences of steps


@dataclass(frozen=True)
class Draws:
    """How windows are shuffled.

    Attributes:
        count: Number of runs over all clips, each with other random orders.
        seed: Seed of the random orders.
    """

    count: int
    seed: int


class ShuffledPredictor(Predictor):
    """A predictor that puts the steps of every window into a random order first."""

    def __init__(self, predictor: Predictor, seed: int) -> None:
        """Wrap a predictor.

        Args:
            predictor: Predictor to wrap.
            seed: Seed of the random orders.
        """
        super().__init__(
            predictor.model,
            predictor.look_back,
            predictor.temperature,
            predictor.pooling,
            predictor.thresholds,
        )
        self._inner, self._random = predictor, np.random.default_rng(seed)

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Return the logits (n, K) of shuffled windows (n, L, D); see `Predictor.logits`."""
        order = self._random.random(batch.shape[:2]).argsort(axis=1)
        return self._inner.logits(np.take_along_axis(batch, order[..., None], axis=1))


def measure_shuffled(
    head: Predictions,
    predictor: Predictor,
    dataset: Dataset,
    segments: list[LabeledSegment],
    draws: Draws,
    views: int | str,
    resamples: int,
) -> dict | None:
    """Return the scores of a model on shuffled windows, as means over the draws.

    Args:
        head: Predictions of the same model on the windows as they are.
        predictor: Predictor of the model.
        dataset: Dataset of the segments.
        segments: Segments of the predictions.
        draws: Number and seed of the random orders.
        views: Maximum number of evenly spaced windows per segment, or "all".
        resamples: Number of bootstrap resamples.

    Returns:
        `draws`, `seed`, `accuracies` (clip accuracy of each draw; `mean_average_precisions` with
        several classes per clip), `clip` and `window` with means over the draws, and
        `difference_to_head`; None if a window has one step, or without draws.
    """
    runs = shuffled_runs(predictor, dataset, segments, draws, views)
    return shuffled_scores(runs, head, segments, dataset.labels, draws, resamples) if runs else None


def shuffled_runs(
    predictor: Predictor,
    dataset: Dataset,
    segments: list[LabeledSegment],
    draws: Draws,
    views: int | str = "all",
) -> list[Predictions]:
    """Return the predictions of each draw; none if a window has one step.

    Args:
        predictor: Predictor of the model.
        dataset: Dataset of the segments.
        segments: Segments to predict.
        draws: Number and seed of the random orders.
        views: Maximum number of evenly spaced windows per segment, or "all".
    """
    if not draws.count or predictor.look_back < 2:
        return []
    return [
        predict(
            SHUFFLED, ShuffledPredictor(predictor, draws.seed + number), dataset, segments, views
        )
        for number in range(draws.count)
    ]


def shuffled_scores(
    runs: list[Predictions],
    head: Predictions,
    segments: list[LabeledSegment],
    labels: list[str],
    draws: Draws,
    resamples: int,
) -> dict:
    """Return the scores of `measure_shuffled`; those of windows only if the runs have windows.

    Args:
        runs: Predictions of each draw, at least one.
        head: Predictions of the same model on the windows as they are.
        segments: Segments of the predictions.
        labels: Names of the K classes.
        draws: Number and seed of the random orders.
        resamples: Number of bootstrap resamples.
    """
    targets = targets_of(segments, len(labels))
    task, groups = task_of_targets(targets), [segment.group for segment in segments]
    clips = [run.clip for run in runs]
    areas = [mean_area(class_areas(clip, targets, labels), "roc_auc") for clip in clips]
    windows = [
        task.main_score(run.window, targets[run.segment]) for run in runs if run.window is not None
    ]
    return {
        "draws": draws.count,
        "seed": draws.seed,
        _EACH[task.name]: [task.main_score(clip, targets) for clip in clips],
        "clip": {
            **mean_score(clips, targets, groups, resamples, draws.seed),
            "roc_auc": None if areas[0] is None else float(np.mean(areas)),
            "log_loss": float(np.mean([task.loss(clip, targets) for clip in clips])),
        },
        **({"window": {task.score: float(np.mean(windows))}} if windows else {}),
        "difference_to_head": difference_to(head.clip, clips, segments, resamples, draws.seed),
    }


def time_remark(head: str, accuracy: float, shuffled: dict) -> str:
    """Return the sentence of a report that says whether a model uses time.

    Args:
        head: Name of the head.
        accuracy: Clip accuracy of the model, or its mean average precision.
        shuffled: Result of `measure_shuffled`.
    """
    low, high = shuffled["difference_to_head"]["interval"]
    task = task_of_report(shuffled["clip"])
    what = "" if not task.several else f"a clip {task.score_title} of "
    start = (
        f"With the steps of each window in random order, {head} has {what}"
        f"{shuffled['clip'][task.score]:.3f} (mean of {shuffled['draws']} draws) instead of "
        f"{accuracy:.3f} (difference {shuffled['difference_to_head'][task.score]:+.3f}, 95 % "
        f"interval {low:+.3f} to {high:+.3f}, paired over groups): "
    )
    if high < 0:
        used = "how fast the features change" if head in _NO_ORDER else "time: order or speed"
        return f"{start}it uses {used}."
    if low > 0:
        return f"{start}on these clips the order of the steps misleads it."
    return f"{start}these clips do not show that it uses time."
