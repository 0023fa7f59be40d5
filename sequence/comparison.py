"""Comparison of a head with the linear baselines: the sentence where one of them is as good.

The difference of two accuracies is paired: both models are measured on the same clips, so the
clips that are hard for both do not widen its interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metrics.intervals import difference_interval
from recipes.commands import command
from sequence.baselines import MOTION, SUMMARIES, missing_motion_note
from sequence.dataset import Dataset, LabeledSegment

# The head with the statistics of `moments` as its input, which is trained and runs live.
LINEAR_HEAD = "statistics"


@dataclass(frozen=True)
class Comparison:
    """A linear baseline and a head on the same clips.

    Attributes:
        head: Name of the head.
        baseline: Name of the baseline.
        head_accuracy: Clip accuracy of the head.
        accuracy: Clip accuracy of the baseline.
        interval: 95 % interval of the baseline's accuracy minus the head's, over groups.
    """

    head: str
    baseline: str
    head_accuracy: float
    accuracy: float
    interval: tuple[float, float]


def difference_to(
    head: np.ndarray,
    other: np.ndarray,
    segments: Sequence[LabeledSegment],
    resamples: int,
    seed: int,
) -> dict:
    """Return the accuracy of another model minus that of the head, with its paired interval.

    Args:
        head: Probabilities of the head for each segment: (n, K).
        other: Probabilities of the other model: (n, K).
        segments: Segments with the true classes and the groups.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resampling.

    Returns:
        `accuracy`, `interval` and its `method`, as in metrics.json and folds.json.
    """
    targets = np.array([segment.target for segment in segments])
    gain = (other.argmax(1) == targets).astype(float) - (head.argmax(1) == targets)
    groups = [segment.group for segment in segments]
    return paired_difference(gain, groups, resamples, seed)


def paired_difference(
    gain: np.ndarray, groups: Sequence[str], resamples: int, seed: int
) -> dict[str, Any]:
    """Return the mean difference of two models on the same clips, with its paired interval.

    Args:
        gain: Difference of each clip, from -1 to 1: (n,).
        groups: Group of each clip, n names.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resampling.

    Returns:
        `accuracy`, `interval` and its `method`, as in metrics.json and folds.json.
    """
    found = difference_interval(gain, groups, resamples, seed)
    return {"accuracy": float(gain.mean()), "interval": found.limits, "method": found.method}


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
                    _mean_accuracy([row for row in rows if row["name"] == head]),
                    _mean_accuracy(mine),
                    tuple(np.mean([row["difference_to_head"]["interval"] for row in mine], axis=0)),
                )
            )
    return found


def _mean_accuracy(rows: list[dict]) -> float:
    return float(np.mean([row["clip"]["accuracy"] for row in rows]))


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
