"""What the page of an evaluation shows: scores, curves, maps, mistakes and explanations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from metrics.label_sets import labels_in
from metrics.targets import classes_of
from metrics.task import Task, task_of_report
from sequence.dataset import Dataset, LabeledSegment
from sequence.evaluation import Predictions
from sequence.evaluation_split import SplitCheck
from sequence.experiment import Experiment
from sequence.multi_label_tables import class_rows
from sequence.prediction import Predictor
from sequence.report import uncertain_lines
from sequence.visual import figures
from sequence.visual.importance import step_importance
from sequence.visual.mistakes import Mistake, find_mistakes, write_mistakes
from sequence.visual.page import Section, figure, write_page
from sequence.visual.strips import frames_of, strip_jpeg

_MISTAKES_SHOWN = 24
_FRAMES = 6
_NOT_PROBABILITIES = ("ridge",)


@dataclass(frozen=True)
class Evaluated:
    """What was evaluated.

    Attributes:
        experiment: Model folder with the manifest and features.
        dataset: Dataset of the segments.
        predictor: Predictor of the model.
        segments: Clips of the split.
        predictions: Predictions of the model for them.
        steps: Seconds (N,) and probabilities (N, K) at every step of each video of the clips.
        results: Metrics of the model, first, and of the baselines, by name.
        remarks: Sentences about the results.
        split: What the split is worth; None if it was not checked.
        more: Further sections of the page.
    """

    experiment: Experiment
    dataset: Dataset
    predictor: Predictor
    segments: list[LabeledSegment]
    predictions: Predictions
    steps: Mapping[str, tuple[np.ndarray, np.ndarray]]
    results: Mapping[str, dict]
    remarks: Sequence[str] = ()
    split: SplitCheck | None = None
    more: Sequence[Section] = ()


def write_report_page(out: Path, split: str, evaluated: Evaluated) -> Path:
    """Write report.html, its pictures as PNG files, and mistakes.csv; return the page.

    Args:
        out: Report folder.
        split: Name of the split.
        evaluated: What was evaluated.
    """
    labels, dataset = evaluated.dataset.labels, evaluated.dataset
    mistakes = find_mistakes(
        evaluated.segments,
        evaluated.predictions.clip,
        labels,
        evaluated.predictions.thresholds,
    )
    write_mistakes(out / "mistakes.csv", mistakes)
    windows = dataset.full_windows(evaluated.segments, 2)[slice(None)]
    pictures = {
        "training.png": figures.training_curves(evaluated.experiment.folder / "history.csv"),
        "distribution.png": figures.class_distribution(
            *_of_each_class(dataset),
        ),
        "importance.png": figures.step_importance(step_importance(evaluated.predictor, windows))
        if evaluated.predictor.look_back > 1
        else None,
        **_maps(evaluated),
    }
    for name, picture in pictures.items():
        if picture is not None:
            (out / name).write_bytes(picture)
    first = next(iter(evaluated.results))
    clip = evaluated.results[first]["clip"]
    title = f"{evaluated.experiment.folder.name}: {first} on {split}"
    path = out / "report.html"
    write_page(
        path,
        title,
        f"{clip['count']} clips in {clip['groups']} groups; "
        f"{evaluated.experiment.config.backbone.name}, look-back {evaluated.predictor.look_back}",
        [
            _scores(evaluated),
            _split(evaluated),
            _classes(clip),
            Section("Curves").pictures(
                [
                    *_pictures_of_classes(out, dataset.task),
                    (_read(out / "roc.png"), "ROC curves"),
                    (_read(out / "precision_recall.png"), "Precision and recall"),
                    (_read(out / "reliability.png"), _reliability_caption(dataset.task)),
                    (pictures["training.png"], "Training of the second stage"),
                    (pictures["distribution.png"], "Clips of each class and split"),
                ]
            ),
            Section("Features")
            .text("Each point is a clip. Clips of one class should lie together, groups mixed.")
            .pictures(
                [
                    (pictures["labels.png"], "Mean features by label"),
                    (pictures["groups.png"], "Mean features by group"),
                    (pictures["importance.png"], "Importance of each step of the window"),
                ]
            ),
            _mistake_section(evaluated, mistakes),
            *evaluated.more,
        ],
    )
    return path


def _scores(evaluated: Evaluated) -> Section:
    task = evaluated.dataset.task
    score = f"clip {task.score_title}"
    header = ("model", score, "95 % interval", "ROC AUC", "log loss", "windows")
    rows = []
    for name, metrics in evaluated.results.items():
        clip = metrics["clip"]
        low, high = clip[f"{task.score}_interval"]
        window = metrics.get("window")
        loss = "-" if name in _NOT_PROBABILITIES else _number(clip.get("log_loss"))
        rows.append(
            (
                name,
                _number(clip[task.score]),
                f"{low:.3f} - {high:.3f}",
                _number(clip.get("roc_auc")),
                loss,
                _number(window[task.score]) if window else "-",
            )
        )
    section = Section("Scores").table(header, rows, first=True)
    if task.several:
        section.text(_averages(evaluated.results))
    head = next(iter(evaluated.results.values()))["clip"]
    for remark in [*uncertain_lines(head), *evaluated.remarks]:
        section.text(remark)
    return section


def _split(evaluated: Evaluated) -> Section:
    """Return the scores with groups kept whole and by clip; empty without a check."""
    section, check = Section("Split"), evaluated.split
    if check is None:
        return section
    rows = check.rows(evaluated.results)
    if rows:
        section.table(check.header, rows)
    for remark in check.remarks():
        section.text(remark)
    return section


def _averages(results: Mapping[str, dict]) -> str:
    """Return the sentence on the decisions of the model with several classes per clip."""
    clip = next(iter(results.values()))["clip"]
    return (
        f"At its thresholds the model has a macro F1 of {clip['macro_f1']:.3f} and a micro F1 of "
        f"{clip['micro_f1']:.3f}; {clip['subset_accuracy']:.1%} of the clips have exactly the "
        f"right classes, and {clip['hamming_loss']:.1%} of the decisions are wrong. The "
        f"calibration error is {clip['calibration_error']:.3f}."
    )


def _of_each_class(dataset: Dataset) -> tuple[list[str], list[str]]:
    """Return split and label of each class of each segment; no class is `background`."""
    rows = [
        (segment.split, label)
        for segment in dataset.segments
        for label in labels_in(dataset.label_of(segment))
    ]
    return [split for split, _ in rows], [label for _, label in rows]


def _pictures_of_classes(out: Path, task: Task) -> list[tuple[bytes | None, str]]:
    if not task.several:
        return [(_read(out / "confusion.png"), "Confusion matrix")]
    return [
        (_read(out / "class_scores.png"), "Scores of each class"),
        (_read(out / "together.png"), "Classes together, in clips; shading: share of the row"),
    ]


def _reliability_caption(task: Task) -> str:
    if task.several:
        return "Reliability: share of classes that hold, by their probability"
    return "Reliability: accuracy by probability"


def _classes(clip: Mapping[str, Any]) -> Section:
    if task_of_report(clip).several:
        return Section("Classes").table(*class_rows(clip))
    header = ("class", "precision", "recall", "F1", "ROC AUC", "PR AUC", "clips")
    rows = [
        (
            label,
            *(_number(row[key]) for key in ("precision", "recall", "f1", "roc_auc", "pr_auc")),
            row["count"],
        )
        for label, row in clip["classes"].items()
    ]
    return Section("Classes").table(header, rows)


def _maps(evaluated: Evaluated) -> dict[str, bytes | None]:
    dataset, segments = evaluated.dataset, evaluated.segments
    means = np.stack([dataset.rows(segment).mean(0) for segment in segments])
    names = [dataset.label_of(segment) for segment in segments]
    groups = [segment.group for segment in segments]
    return {
        "labels.png": figures.embedding(means, names, "Labels"),
        "groups.png": figures.embedding(means, groups, "Groups"),
    }


def _mistake_section(evaluated: Evaluated, mistakes: Sequence[Mistake]) -> Section:
    section = Section(f"Mistakes ({len(mistakes)} of {len(evaluated.segments)})")
    if not mistakes:
        return section.text("No clip was wrong.")
    section.text(
        "The most confident first. Look for wrong labels, hidden actions and bad pictures. "
        "mistakes.csv has all of them, with a column for what to do."
    )
    manifest, shown = evaluated.experiment.manifest, []
    labels = evaluated.dataset.labels
    for mistake in mistakes[:_MISTAKES_SHOWN]:
        video, start = mistake.segment.video, mistake.segment.start
        frames = frames_of(manifest.place(video), start, mistake.segment.end, _FRAMES)
        caption = f"{video}: {mistake.label}"
        wrong = mistake.answer
        if frames:
            shown.append(figure(strip_jpeg(frames), caption, wrong, scrolls=True))
        seconds, probabilities = evaluated.steps[video]
        course = figures.timeline(
            seconds,
            probabilities,
            labels,
            classes_of(mistake.segment.target),
            (start, mistake.segment.end),
            evaluated.predictions.thresholds,
        )
        shown.append(figure(course, f"{caption}, over time", wrong))
    section.parts.append(f'<div class="grid">{"".join(shown)}</div>')
    if len(mistakes) > _MISTAKES_SHOWN:
        section.text(f"{len(mistakes) - _MISTAKES_SHOWN} more are in mistakes.csv.", faint=True)
    return section


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
