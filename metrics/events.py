"""Events in long videos: precision, recall, delay, false alarms, and temporal average precision.

An event is a span of a video with one class. A found event and a true one of the same class and
video belong together if they overlap at all (precision, recall, delay, false alarms), or if they
overlap well enough (average precision at a temporal IoU). A found event that covers two true ones
finds both; its delay counts for each.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrics.rates import poisson_interval, wilson_interval

OVERLAPS = (0.3, 0.5, 0.7)

# A longer time between two steps, in usual intervals, ends an event: nothing was seen in it.
_GAP_STEPS = 3


@dataclass(frozen=True)
class Span:
    """A part of a video.

    Attributes:
        video: Name of the video.
        start: Start in seconds.
        end: End in seconds.
        score: Confidence of a found event.
    """

    video: str
    start: float
    end: float
    score: float = 1.0

    def overlaps(self, other: "Span") -> bool:
        """Return whether both have a time in common."""
        return self.video == other.video and self.start < other.end and other.start < self.end

    def overlap(self, other: "Span") -> float:
        """Return the temporal IoU: the common time, divided by the time that either has."""
        if not self.overlaps(other):
            return 0.0
        common = min(self.end, other.end) - max(self.start, other.start)
        return common / (max(self.end, other.end) - min(self.start, other.start))


def usual_interval(seconds: np.ndarray) -> float:
    """Return the median time between steps at `seconds` (N,), or 0 for a single step."""
    return float(np.median(np.diff(seconds))) if len(seconds) > 1 else 0.0


def runs(video: str, seconds: np.ndarray, chosen: np.ndarray, scores: np.ndarray) -> list[Span]:
    """Return the runs of consecutive steps that are chosen, with the mean of their scores.

    A run ends with the next step, or an interval after its last step at the end of the video and at
    a gap.

    Args:
        video: Name of the video.
        seconds: Time of each step: (N,).
        chosen: Whether the step belongs to an event: bool (N,).
        scores: Score of each step: (N,).

    >>> runs("a", np.array([0.0, 1.0, 2.0, 3.0]), np.array([0, 1, 1, 0], bool), np.ones(4))
    [Span(video='a', start=1.0, end=3.0, score=1.0)]
    """
    usual = usual_interval(seconds)
    gap = np.diff(seconds) > _GAP_STEPS * usual
    begins = chosen & np.concatenate([[True], ~chosen[:-1] | gap])
    found = []
    for first in np.flatnonzero(begins).tolist():
        last = first
        while last + 1 < len(seconds) and chosen[last + 1] and not gap[last]:
            last += 1
        follows = last + 1 < len(seconds) and not gap[last]
        end = float(seconds[last + 1]) if follows else float(seconds[last]) + usual
        score = float(scores[first : last + 1].mean())
        found.append(Span(video, float(seconds[first]), end, score))
    return found


def average_precision(found: Sequence[Span], truth: Sequence[Span], overlap: float) -> float | None:
    """Return the interpolated average precision of one class at a temporal IoU.

    In the order of their scores, each found event takes the true one of the highest IoU that no
    other has taken; without one of at least `overlap` it is wrong. (As in the evaluation of
    ActivityNet: Caba Heilbron et al. 2015; interpolation: Everingham et al. 2010.)

    Args:
        found: Found events of the class.
        truth: True events of the class.
        overlap: Least temporal IoU.

    Returns:
        The average precision, 0..1; None without a true event.
    """
    if not truth:
        return None
    taken: set[int] = set()
    hits = []
    for event in sorted(found, key=lambda each: -each.score):
        free = [number for number in range(len(truth)) if number not in taken]
        best = max(free, key=lambda number: event.overlap(truth[number]), default=None)
        hit = best is not None and event.overlap(truth[best]) >= overlap
        if hit and best is not None:
            taken.add(best)
        hits.append(hit)
    right = np.cumsum(hits)
    precision = right / np.arange(1, len(hits) + 1)
    recall = np.concatenate([[0.0], right / len(truth)])
    # The precision at a recall is the best one at this recall or more.
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall) * envelope).sum())


def event_scores(found: Sequence[Span], truth: Sequence[Span], hours: float) -> dict:
    """Return the scores of one class as JSON-ready values.

    Args:
        found: Found events of the class, in all videos.
        truth: True events of the class.
        hours: Time of all videos together, in hours.

    Returns:
        `events`, `found`, `recall`, `recall_interval`, `detections`, `precision`,
        `precision_interval`, `delay_median`, `delay_p90` (seconds from the start of an event that
        was found to the first step that tells it, at least 0), `false_alarms`,
        `false_alarms_per_hour`, `false_alarms_per_hour_interval` and `average_precision` by
        temporal IoU. What is not defined is None. The intervals (Wilson, Poisson) take events for
        independent.
    """
    delays = []
    for event in truth:
        starts = [each.start for each in found if each.overlaps(event)]
        if starts:
            delays.append(max(0.0, min(starts) - event.start))
    right = sum(any(each.overlaps(event) for event in truth) for each in found)
    wrong = len(found) - right
    return {
        "events": len(truth),
        "found": len(delays),
        **_share("recall", len(delays), len(truth)),
        "detections": len(found),
        **_share("precision", right, len(found)),
        "delay_median": float(np.median(delays)) if delays else None,
        "delay_p90": float(np.percentile(delays, 90)) if delays else None,
        "false_alarms": wrong,
        "false_alarms_per_hour": wrong / hours if hours else None,
        "false_alarms_per_hour_interval": list(poisson_interval(wrong, hours)) if hours else None,
        "average_precision": {
            str(overlap): average_precision(found, truth, overlap) for overlap in OVERLAPS
        },
    }


def mean_average_precision(classes: Sequence[dict]) -> dict[str, float | None]:
    """Return the mean of the average precisions over the classes with an event, by temporal IoU.

    Args:
        classes: Result of `event_scores` for each class.
    """
    means: dict[str, float | None] = {}
    for overlap in map(str, OVERLAPS):
        known = [each["average_precision"][overlap] for each in classes if each["events"]]
        means[overlap] = float(np.mean(known)) if known else None
    return means


def _share(name: str, hits: int, count: int) -> dict:
    return {
        name: hits / count if count else None,
        f"{name}_interval": list(wilson_interval(hits, count)) if count else None,
    }
