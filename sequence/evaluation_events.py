"""Events of a report: what a model finds in videos whose manifest rows have times."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from clips.manifest import BACKGROUND, Manifest
from clips.manifest.segments import spans_of
from clips.manifest.time_blocks import outside, time_blocks
from metrics.events import (
    OVERLAPS,
    Span,
    event_scores,
    mean_average_precision,
    runs,
    usual_interval,
)
from metrics.task import SINGLE_LABEL, Task, Thresholds
from sequence.label_map import LabelMap

VideoPrediction = tuple[str, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class TrueEvents:
    """The labeled events of the videos of a split.

    Attributes:
        spans: Events of each label.
        ignored: Parts that count neither as an event nor as none.
        videos: Videos that are measured: those with times, and those that are all background.
    """

    spans: dict[str, list[Span]] = field(default_factory=lambda: defaultdict(list))
    ignored: list[Span] = field(default_factory=list)
    videos: set[str] = field(default_factory=set)


def true_events(manifest: Manifest, split: str, mapping: LabelMap | None = None) -> TrueEvents:
    """Return the labeled events of a split.

    Args:
        manifest: Manifest with the times.
        split: train, val, test or all.
        mapping: Labels of the manifest and those of the model; None if they are the same.
    """
    parts = {entry.video for entry in manifest.entries if entry.is_part}
    events = TrueEvents()
    for entry in manifest.unlabeled:
        if not entry.is_part:
            parts.discard(entry.video)  # nobody knows what happens in its rest
        events.ignored.append(Span(entry.video, *entry.span))
    for video, blocks in time_blocks(manifest.entries).items():
        events.ignored.extend(Span(video, *times) for times in outside(blocks, split))
    for segment in spans_of(manifest):
        label = segment.label
        if mapping and not (manifest.several and label == BACKGROUND):
            label = mapping.of(label)
        if split not in (segment.split, "all") or not (
            segment.video in parts or label == BACKGROUND
        ):
            continue
        events.videos.add(segment.video)
        span = Span(segment.video, segment.start, segment.end)
        if label is None:
            events.ignored.append(span)
        elif label != BACKGROUND:
            events.spans[label].append(span)
    return events


def measure_events(
    predictions: list[VideoPrediction],
    truth: TrueEvents,
    labels: list[str],
    first_full: int,
    task: Task = SINGLE_LABEL,
    thresholds: Thresholds | Mapping[str, Thresholds] = (),
) -> dict | None:
    """Return the scores of found events per class and over all classes.

    A found event is a run of steps at which its class is the most probable one, or reaches its
    threshold if several can hold; its score is the mean probability.

    Args:
        predictions: Video, seconds (N,) and probabilities (N, K) of each video.
        truth: Labeled events.
        labels: Names of the K classes.
        first_full: First step whose window is full; no event begins before it.
        task: Whether one class holds at a time, or several.
        thresholds: Thresholds of the classes, or those of the model of each video by its name.

    Returns:
        `videos`, `hours`, `classes` (see `metrics.events.event_scores`) and
        `mean_average_precision`, as in metrics.json; None if no video with times is among them.
    """
    known = [each for each in predictions if each[0] in truth.videos]
    ends = {video: float(seconds[-1]) + usual_interval(seconds) for video, seconds, _ in known}
    events = {
        label: [_cut(span, ends) for span in truth.spans[label] if span.video in ends]
        for label in labels
        if label != BACKGROUND
    }
    if not any(events.values()):
        return None
    begins = {video: float(seconds[0]) for video, seconds, _ in known}
    ignored = [_cut(span, ends) for span in truth.ignored if span.video in ends]
    measured = sum(ends[video] - begins[video] for video in begins)
    measured -= _covered(ignored, begins)
    hours = measured / 3600
    found: dict[str, list[Span]] = defaultdict(list)
    for video, seconds, probabilities in known:
        limits = thresholds[video] if isinstance(thresholds, Mapping) else thresholds
        chosen = task.chosen(probabilities, limits)
        chosen[:first_full] = False
        for number, label in enumerate(labels):
            found[label] += runs(video, seconds, chosen[:, number], probabilities[:, number])
    classes = {}
    for label, true in events.items():
        counted = [
            each
            for each in found[label]
            if any(each.overlaps(span) for span in true)
            or not any(each.overlaps(span) for span in ignored)
        ]
        classes[label] = event_scores(counted, true, hours)
    return {
        "videos": len(known),
        "hours": hours,
        "classes": classes,
        "mean_average_precision": mean_average_precision(list(classes.values())),
    }


def events_summary(events: dict) -> str:
    """Return a table of the events of a report.

    Args:
        events: Result of `measure_events`.
    """
    classes, columns = events["classes"], [f"AP@{overlap}" for overlap in OVERLAPS]
    width = max(12, *(len(label) + 2 for label in classes))
    lines = [
        f"Events in {events['videos']} videos with times ({events['hours']:.2f} hours)",
        "",
        f"{'class':<{width}}{'events':>7}{'recall':>8}{'precision':>11}{'delay':>8}"
        f"{'false/hour':>12}" + "".join(f"{each:>8}" for each in columns),
    ]
    for label, row in classes.items():
        delay = "-" if row["delay_median"] is None else f"{row['delay_median']:.1f} s"
        lines.append(
            f"{label:<{width}}{row['events']:>7}{_number(row['recall']):>8}"
            f"{_number(row['precision']):>11}{delay:>8}"
            f"{_number(row['false_alarms_per_hour'], 1):>12}"
            + "".join(f"{_number(value):>8}" for value in row["average_precision"].values())
        )
    means = events["mean_average_precision"].values()
    lines.append(f"{'mean':<{width + 46}}" + "".join(f"{_number(value):>8}" for value in means))
    return "\n".join(lines)


def _covered(spans: list[Span], begins: dict[str, float]) -> float:
    """Return the seconds that spans cover together after the begin of their videos."""
    covered, reached = 0.0, dict(begins)
    for span in sorted(spans, key=lambda each: each.start):
        covered += max(0.0, span.end - max(span.start, reached[span.video]))
        reached[span.video] = max(reached[span.video], span.end)
    return covered


def _cut(span: Span, ends: dict[str, float]) -> Span:
    """Return a span that ends with its video."""
    return Span(span.video, span.start, min(span.end, ends[span.video]))


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
