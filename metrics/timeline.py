"""Timeline of a video: probabilities at steps -> segments with one label each.

1. Of the steps whose window is not full, none counts, unless there is no other. The first full
   window also stands for the time before it.
2. A step stands for the time up to the next step; the last one for the time up to the video's end.
3. The probabilities are averaged over `smoothing_seconds`, centered on each step's time.
4. A step has the most probable label. Below `threshold` it has none.
5. Consecutive steps with the same label form a segment.
6. Segments and pauses shorter than `min_seconds` are merged, the shortest first, into the neighbor
   whose label is more probable there. A pause counts as much as the threshold. A segment without a
   neighbor stays.
7. A segment's probability is the mean, over its time, of the unsmoothed probability of its label.

A gap in the recording (more than `gap_seconds` between two steps) ends a segment; nothing is
averaged or merged across it.

If several labels can hold at once, every label has a timeline of its own, by its own threshold, and
the segments of two labels may overlap.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from video.clock import FILE_GAP_SECONDS

_NO_LABEL = -1


@dataclass(frozen=True)
class TimelineSegment:
    """A part of a video's timeline with one label.

    Attributes:
        label: The name of the class.
        start, end: Seconds on the video's clock; the end is not part of the segment.
        probability: Mean probability of the label, 0 to 1.
    """

    label: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True)
class TimelineRules:
    """Rules of a timeline; see the module's docstring.

    Attributes:
        smoothing_seconds: Length of the average, centered; 0 for none.
        min_seconds: Length below which a segment or pause is merged; 0 keeps all.
        threshold: Probability, 0 to 1, below which a step has no label.
        gap_seconds: Time between two steps that is a gap in the recording.

    Raises:
        ValueError: A value is out of its range.
    """

    smoothing_seconds: float = 0.5
    min_seconds: float = 0.5
    threshold: float = 0.0
    gap_seconds: float = FILE_GAP_SECONDS

    def __post_init__(self) -> None:
        for name in ("smoothing_seconds", "min_seconds"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 0")
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold is {self.threshold}; it must be from 0 to 1")


def timeline(
    labels: tuple[str, ...],
    seconds: ArrayLike,
    probabilities: ArrayLike,
    full: ArrayLike | None = None,
    end: float | None = None,
    rules: TimelineRules | None = None,
) -> list[TimelineSegment]:
    """Return the segments of a video, in order of time. They do not overlap.

    Args:
        labels: Names of the K classes.
        seconds: Times of the steps, ascending: (N,), N at least 1.
        probabilities: Probabilities of the classes: (N, K).
        full: Whether the window of each step is full, bool (N,); None if all are.
        end: End of the video in seconds; None for the usual time between two steps after the last.
        rules: Rules of smoothing and merging; None for the defaults.

    >>> rows = np.repeat([[0.9, 0.1], [0.2, 0.8], [0.9, 0.1]], [10, 20, 10], axis=0)
    >>> for each in timeline(("still", "wave"), np.arange(40) / 10, rows):
    ...     print(each.label, round(each.start, 3), round(each.end, 3), round(each.probability, 3))
    still 0.0 1.0 0.9
    wave 1.0 3.0 0.8
    still 3.0 4.0 0.9
    """
    rules = rules or TimelineRules()
    times, rows = np.asarray(seconds, np.float64), np.asarray(probabilities, np.float64)
    windows = np.ones(len(times), bool) if full is None else np.asarray(full, bool)
    limits = _limits(times, rules.gap_seconds, end)
    begin = times[0]
    kept = np.flatnonzero(windows) if windows.any() else np.array([len(times) - 1])
    segments = []
    for part in _parts(times[kept], rules.gap_seconds):
        steps = kept[part]
        starts, ends = times[steps].copy(), limits[steps]
        # A full step also stands for the steps after it whose windows are not full.
        ends[:-1] = np.maximum(ends[:-1], starts[1:])
        if part.start == 0 and starts[0] - begin <= rules.gap_seconds:
            starts[0] = begin
        segments += _segments_of_part(labels, starts, ends, rows[steps], rules)
    return segments


def timeline_of(
    labels: tuple[str, ...],
    seconds: ArrayLike,
    probabilities: ArrayLike,
    full: ArrayLike | None = None,
    end: float | None = None,
    rules: TimelineRules | None = None,
    thresholds: Sequence[float] = (),
) -> list[TimelineSegment]:
    """Return the segments of a video as `timeline` does, or with several labels at once.

    Args:
        labels: Names of the K classes.
        seconds: Times of the steps, see `timeline`.
        probabilities: Probabilities of the classes: (N, K).
        full: Whether the window of each step is full.
        end: End of the video in seconds.
        rules: Rules of smoothing and merging; None for the defaults.
        thresholds: Probability from which each class is found, of a multi-label model, in place of
            that of the rules; empty if one label holds at a time.
    """
    if not len(thresholds):
        return timeline(labels, seconds, probabilities, full, end, rules)
    rows = np.asarray(probabilities, np.float64)
    found = []
    for number, (label, threshold) in enumerate(zip(labels, thresholds, strict=True)):
        own = replace(rules or TimelineRules(), threshold=threshold)
        found += timeline((label,), seconds, rows[:, [number]], full, end, own)
    return sorted(found, key=lambda segment: (segment.start, segment.end, segment.label))


def _limits(times: np.ndarray, gap_seconds: float, end: float | None) -> np.ndarray:
    """Return the time up to which each step stands: (N,)."""
    distances = np.diff(times)
    usual = distances[(distances > 0) & (distances <= gap_seconds)]
    interval = float(np.median(usual)) if len(usual) else 0.0
    last = times[-1] + interval if end is None else max(end, times[-1])
    limits = np.append(times[1:], last)
    after_gap = np.flatnonzero(distances > gap_seconds)
    limits[after_gap] = times[after_gap] + interval
    return limits


def _parts(times: np.ndarray, gap_seconds: float) -> list[slice]:
    """Return the parts of the steps that no gap divides."""
    cuts = [0, *(np.flatnonzero(np.diff(times) > gap_seconds) + 1).tolist(), len(times)]
    return [slice(one, two) for one, two in pairwise(cuts)]


def _segments_of_part(
    labels: tuple[str, ...],
    starts: np.ndarray,
    ends: np.ndarray,
    rows: np.ndarray,
    rules: TimelineRules,
) -> list[TimelineSegment]:
    smooth = _smoothed(starts, ends, rows, rules.smoothing_seconds)
    best = smooth.argmax(axis=1)
    reached = smooth[np.arange(len(best)), best] >= rules.threshold
    chosen = np.where(reached, best, _NO_LABEL)
    lengths = ends - starts
    found = []
    for first, last, label in _merged(chosen, starts, ends, smooth, rules):
        if label == _NO_LABEL:
            continue
        shares = lengths[first:last]
        weights = shares if shares.sum() > 0 else None
        mean = float(np.average(rows[first:last, label], weights=weights))
        found.append(
            TimelineSegment(labels[label], float(starts[first]), float(ends[last - 1]), mean)
        )
    return found


def _smoothed(starts: np.ndarray, ends: np.ndarray, rows: np.ndarray, seconds: float) -> np.ndarray:
    """Return probabilities (N, K), each the mean over `seconds` around the middle of its step.

    At the limits of the part the average is over the time that there is.
    """
    if not seconds or ends[-1] <= starts[0]:
        return rows
    edges = np.append(starts, ends[-1])
    area = np.vstack([np.zeros(rows.shape[1]), np.cumsum(rows * np.diff(edges)[:, None], axis=0)])
    middles = (edges[:-1] + edges[1:]) / 2
    low = np.maximum(middles - seconds / 2, edges[0])
    high = np.minimum(middles + seconds / 2, edges[-1])
    # Not narrower than the step itself: then the average is the step's own row.
    low, high = np.minimum(low, edges[:-1]), np.maximum(high, edges[1:])
    means = [np.interp(high, edges, column) - np.interp(low, edges, column) for column in area.T]
    width = (high - low)[:, None]
    return np.where(width > 0, np.transpose(means) / np.where(width > 0, width, 1.0), rows)


def _merged(
    chosen: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    smooth: np.ndarray,
    rules: TimelineRules,
) -> list[tuple[int, int, int]]:
    """Return runs (first step, step after the last, class) of at least `min_seconds`.

    A run without a neighbor may be shorter.
    """
    runs = _Runs(chosen, starts, ends, smooth, rules)
    short = [(runs.length(run), run) for run in runs.remaining() if runs.is_short(run)]
    heapq.heapify(short)
    while short:
        length, run = heapq.heappop(short)
        neighbors = runs.neighbors(run)
        if run in runs.gone or length != runs.length(run) or not neighbors:
            continue  # it was merged, or has grown since
        into = max(neighbors, key=lambda other: runs.score(other, run))
        runs.merge(run, into)
        if runs.is_short(into):
            heapq.heappush(short, (runs.length(into), into))
    return [(runs.first[run], runs.last[run], runs.label[run]) for run in runs.remaining()]


class _Runs:
    """Runs of steps with the same class, as a linked list: merging two takes no time in N."""

    def __init__(
        self,
        chosen: np.ndarray,
        starts: np.ndarray,
        ends: np.ndarray,
        smooth: np.ndarray,
        rules: TimelineRules,
    ) -> None:
        cuts = [0, *(np.flatnonzero(np.diff(chosen)) + 1).tolist(), len(chosen)]
        self.first, self.last = cuts[:-1], cuts[1:]
        self.label = [int(chosen[step]) for step in self.first]
        self.gone: set[int] = set()
        self._before = [run - 1 for run in range(len(self.first))]
        self._after = [*range(1, len(self.first)), -1]
        self._starts, self._ends, self._rules = starts, ends, rules
        self._sums = np.vstack([np.zeros(smooth.shape[1]), np.cumsum(smooth, axis=0)])

    def remaining(self) -> list[int]:
        return [run for run in range(len(self.first)) if run not in self.gone]

    def neighbors(self, run: int) -> list[int]:
        return [other for other in (self._before[run], self._after[run]) if other >= 0]

    def length(self, run: int) -> float:
        return float(self._ends[self.last[run] - 1] - self._starts[self.first[run]])

    def is_short(self, run: int) -> bool:
        # Times are multiples of frame intervals: 0.5 s may be 0.49999 s.
        return self.length(run) < self._rules.min_seconds - 1e-6

    def score(self, other: int, run: int) -> float:
        """Return the mean probability, within `run`, of the class of another run."""
        if self.label[other] == _NO_LABEL:
            return self._rules.threshold
        first, last, column = self.first[run], self.last[run], self._sums[:, self.label[other]]
        return float(column[last] - column[first]) / (last - first)

    def merge(self, run: int, into: int) -> None:
        """Merge a run into its neighbor, and that with the next run if it has the same class."""
        self._swallow(run, into)
        for other in self.neighbors(into):
            if self.label[other] == self.label[into]:
                self._swallow(other, into)

    def _swallow(self, run: int, into: int) -> None:
        self.first[into] = min(self.first[into], self.first[run])
        self.last[into] = max(self.last[into], self.last[run])
        self.gone.add(run)
        before, after = self._before[run], self._after[run]
        if before >= 0:
            self._after[before] = after
        if after >= 0:
            self._before[after] = before
