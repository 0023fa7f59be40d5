"""Comparison of a head with the linear baselines: the sentence where one of them is as good.

The difference of two scores is paired: both models are measured on the same clips, so the
clips that are hard for both do not widen its interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrics.task import task_of_report, task_of_targets
from recipes.commands import command
from sequence.baselines import MOTION, SUMMARIES, missing_motion_note
from sequence.dataset import Dataset, LabeledSegment, targets_of

# The head with the statistics of `moments` as its input, which is trained and runs live.
LINEAR_HEAD = "statistics"


@dataclass(frozen=True)
class Comparison:
    """A linear baseline and a head on the same clips.

    Attributes:
        head: Name of the head.
        baseline: Name of the baseline.
        head_accuracy: Clip accuracy of the head, or its mean average precision.
        accuracy: The same of the baseline.
        interval: 95 % interval of the baseline's score minus the head's, over groups.
    """

    head: str
    baseline: str
    head_accuracy: float
    accuracy: float
    interval: tuple[float, float]


def difference_to(
    head: np.ndarray,
    other: np.ndarray | Sequence[np.ndarray],
    segments: Sequence[LabeledSegment],
    resamples: int,
    seed: int,
) -> dict:
    """Return the main score of another model minus that of the head, with its paired interval.

    Args:
        head: Probabilities of the head for each segment: (n, K).
        other: Probabilities of the other model, (n, K); of several runs, their mean result counts.
        segments: Segments with the true classes and the groups.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resampling.

    Returns:
        `accuracy` (or `mean_average_precision`), `interval` and its `method`, as in metrics.json
        and folds.json.
    """
    groups = [segment.group for segment in segments]
    runs = [other] if isinstance(other, np.ndarray) else other
    return paired_difference(
        head, runs, targets_of(segments, head.shape[1]), groups, resamples, seed
    )


def mean_score(
    runs: Sequence[np.ndarray],
    targets: np.ndarray,
    groups: Sequence[str],
    resamples: int,
    seed: int,
) -> dict:
    """Return the main score of predictions, with its interval, as in metrics.json.

    Args:
        runs: Probabilities (n, K) of each run, whose mean score counts.
        targets: True classes (n,), or indicators of several classes (n, K).
        groups: Group of each clip, n names.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resampling.
    """
    task = task_of_targets(targets)
    found = task.interval(runs, targets, groups, resamples, seed)
    return {
        task.score: float(np.mean([task.main_score(run, targets) for run in runs])),
        f"{task.score}_interval": found.limits,
        f"{task.score}_interval_method": found.method,
    }


def paired_difference(
    head: np.ndarray | Sequence[np.ndarray],
    runs: Sequence[np.ndarray],
    targets: np.ndarray,
    groups: Sequence[str],
    resamples: int,
    seed: int,
) -> dict:
    """Return the main score of other predictions minus that of `head`, as `difference_to`.

    Args:
        head: Probabilities (n, K), or those of several runs, whose mean score counts.
        runs: Probabilities (n, K) of each run of the other model.
        targets: True classes (n,), or indicators of several classes (n, K).
        groups: Group of each clip, n names.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resampling.
    """
    task = task_of_targets(targets)
    gain, found = task.difference(head, runs, targets, groups, resamples, seed)
    return {task.score: gain, "interval": found.limits, "method": found.method}


def remarks(head: str, rows: list[dict], dataset: Dataset) -> list[str]:
    """Return the sentences below a table of models: `advice`, and why there is no `motion`.

    Args:
        head: Name of the head.
        rows: Metrics of the models, see `comparisons`.
        dataset: Dataset of the clips.
    """
    lines = [advice(comparisons(head, rows))]
    if all(row["name"] != MOTION for row in rows):
        lines.append(missing_motion_note(dataset))
    return [line for line in lines if line]


def comparisons(head: str, rows: list[dict]) -> list[Comparison]:
    """Return the comparisons of the linear baselines with the head, averaged over repeats.

    Args:
        head: Name of the head.
        rows: Metrics of the models: `name`, `clip`, and `difference_to_head` for all but the head.
    """
    found = []
    for name in SUMMARIES:
        mine = [row for row in rows if row["name"] == name]
        if mine:
            found.append(
                Comparison(
                    head,
                    name,
                    _mean_score([row for row in rows if row["name"] == head]),
                    _mean_score(mine),
                    tuple(np.mean([row["difference_to_head"]["interval"] for row in mine], axis=0)),
                )
            )
    return found


def _mean_score(rows: list[dict]) -> float:
    return float(np.mean([row["clip"][task_of_report(row["clip"]).score] for row in rows]))


def advice(compared: list[Comparison]) -> str:
    """Return a sentence if a linear baseline is as good as the head, or an empty text.

    It is about the most accurate such baseline; of two with the same accuracy, `motion` comes
    first, because it needs no network.
    """
    as_good = [each for each in compared if each.accuracy >= each.head_accuracy]
    if not as_good:
        return ""
    best = max(as_good, key=lambda each: (each.accuracy, each.baseline == MOTION))
    low, high = best.interval
    start = (
        f"On these clips the linear baseline {best.baseline} ({best.accuracy:.3f}) is at least as "
        f"good as {best.head} ({best.head_accuracy:.3f}; difference "
        f"{best.accuracy - best.head_accuracy:+.3f}, 95 % interval {low:+.3f} to "
        f"{high:+.3f}, paired over groups)"
    )
    if best.baseline == MOTION:
        return (
            f"{start}: the network adds nothing that they show, because {MOTION} uses none; "
            f"try another one with {command('extract')} --backbone NAME."
        )
    if best.head == LINEAR_HEAD:
        return f"{start}: keep {LINEAR_HEAD}, which is linear in the same kind of statistics."
    order = "" if best.head == "mean" else "the order of the steps adds nothing that they show; "
    return (
        f"{start}: {order}{command('train')} --head {LINEAR_HEAD} trains a linear model that runs "
        "live."
    )
