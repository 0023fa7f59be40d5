"""Reports: metrics.json, predictions.csv, pictures, and a summary a person can read."""

import json
from pathlib import Path

import numpy as np

from clips.manifest import write_rows
from sequence.dataset import LabeledSegment
from sequence.evaluation import Outcome
from sequence.plots import plot_confusion, plot_precision_recall, plot_roc
from sequence.prediction_rows import prediction_header, prediction_row
from video.atomic_write import atomic_write


def write_json(path: Path, content: dict) -> None:
    """Write JSON, replacing the file in one step."""
    text = json.dumps(content, indent=2) + "\n"
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_predictions(
    path: Path, predictions: list[tuple[str, np.ndarray, np.ndarray]], labels: list[str]
) -> None:
    """Write every step of every video: `video` in front, then as `run.py --csv` writes it."""
    rows = (
        [video, *prediction_row(step, time, row, labels)]
        for video, seconds, probabilities in predictions
        for step, (time, row) in enumerate(zip(seconds, probabilities, strict=True))
    )
    write_rows(path, ["video", *prediction_header(labels)], rows)


def write_clip_predictions(
    path: Path, pieces: list[LabeledSegment], probabilities: np.ndarray, labels: list[str]
) -> None:
    """Write one row a clip: what it is, what the model says; the mistakes are easily found."""
    rows = []
    for piece, row in zip(pieces, probabilities, strict=True):
        best = int(np.argmax(row))
        said = [labels[piece.label], labels[best], f"{row[best]:.8f}"]
        rows.append([piece.video, piece.group, *said, *(f"{value:.8f}" for value in row)])
    write_rows(path, ["video", "group", "true", "label", "probability", *labels], rows)


def write_pictures(folder: Path, outcome: Outcome, classes: np.ndarray, measures: dict) -> None:
    """Write confusion.png, roc.png and precision_recall.png of an outcome over clips."""
    labels = list(measures["clip"]["classes"])
    plot_confusion(measures["clip"]["confusion"], labels, folder / "confusion.png")
    plot_roc(outcome.clip, classes, labels, folder / "roc.png")
    plot_precision_recall(outcome.clip, classes, labels, folder / "precision_recall.png")


def summary(title: str, results: dict[str, dict]) -> str:
    """Return a table of models side by side; the first one's classes and confusion follow.

    `results` maps a model's name to its measures, as `evaluation.measured` returns them.
    """
    first = next(iter(results.values()))["clip"]
    lines = [
        f"{title}: {first['count']} clips of {first['groups']} groups",
        "",
        f"{'':<18}{'clip accuracy':>14}{'95 % interval':>17}{'ROC AUC':>9}{'log loss':>10}"
        f"{'window accuracy':>17}",
    ]
    for name, measures in results.items():
        clip = measures["clip"]
        low, high = clip["accuracy_interval"]
        window = f"{measures['window']['accuracy']:.3f}" if "window" in measures else "-"
        # Ridge's scores are no probabilities, so their log loss would say nothing.
        loss = "-" if name == "ridge" else f"{clip['log_loss']:.3f}"
        lines.append(
            f"{name:<18}{clip['accuracy']:>14.3f}{f'{low:.3f} - {high:.3f}':>17}"
            f"{_number(clip['roc_auc']):>9}{loss:>10}{window:>17}"
        )
    return "\n".join([*lines, "", *_class_lines(first), "", *_confusion_lines(first)])


def _class_lines(clip: dict) -> list[str]:
    width = max(12, *(len(label) + 2 for label in clip["classes"]))
    header = ("precision", "recall", "F1", "ROC AUC", "PR AUC", "clips")
    lines = [f"{'class':<{width}}" + "".join(f"{name:>11}" for name in header)]
    for label, row in clip["classes"].items():
        values = [row["precision"], row["recall"], row["f1"], row["roc_auc"], row["pr_auc"]]
        numbers = "".join(f"{_number(value):>11}" for value in values)
        lines.append(f"{label:<{width}}{numbers}{row['count']:>11}")
    return lines


def _confusion_lines(clip: dict) -> list[str]:
    labels = list(clip["classes"])
    width = max(12, *(len(label) + 2 for label in labels))
    lines = [f"{'true, predicted':<{width + 5}}" + "".join(f"{label:>{width}}" for label in labels)]
    for label, row in zip(labels, clip["confusion"], strict=True):
        lines.append(f"{label:<{width + 5}}" + "".join(f"{count:>{width}}" for count in row))
    return lines


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def folds_summary(rows: list[dict]) -> str:
    """Return a table of cross-validation: a line a model, its repeats averaged."""
    first = rows[0]
    names = list(dict.fromkeys(row["name"] for row in rows))
    folds, repeats = len(first["fold_accuracies"]), sum(r["name"] == names[0] for r in rows)
    clip = first["clip"]
    lines = [
        f"{folds} folds x {repeats}, groups whole: {clip['count']} clips of {clip['groups']} "
        "groups, each predicted by a model that saw none of its group",
        "",
        f"{'':<18}{'clip accuracy':>14}{'95 % interval':>17}{'log loss':>10}   folds",
    ]
    for name in names:
        mine = [row for row in rows if row["name"] == name]
        accuracy = np.mean([row["clip"]["accuracy"] for row in mine])
        low, high = np.mean([row["clip"]["accuracy_interval"] for row in mine], axis=0)
        loss = "-" if name == "ridge" else f"{np.mean([r['clip']['log_loss'] for r in mine]):.3f}"
        each = "  ".join(f"{value:.2f}" for row in mine for value in row["fold_accuracies"])
        lines.append(
            f"{name:<18}{accuracy:>14.3f}{f'{low:.3f} - {high:.3f}':>17}{loss:>10}   {each}"
        )
    return "\n".join(lines)
