"""Report files: metrics.json, predictions.csv, clips.csv, plots, and the printed summary."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clips.manifest import write_rows
from metrics.intervals import METHODS, methods_line
from metrics.label_sets import joined
from metrics.targets import classes_of
from metrics.task import Task, TaskName, task_of_report, task_of_targets
from sequence.dataset import LabeledSegment
from sequence.evaluation import Predictions
from sequence.multi_label_plots import plot_class_scores, plot_together
from sequence.multi_label_tables import multi_label_tables
from sequence.plots import plot_confusion, plot_precision_recall, plot_reliability, plot_roc
from sequence.prediction_rows import label_text, prediction_header, prediction_row
from video.atomic_write import atomic_write
from video.errors import LookbackError

# Keys of the main score of each fold.
FOLD_SCORES: dict[TaskName, str] = {
    "single_label": "fold_accuracies",
    "multi_label": "fold_mean_average_precisions",
}


def report_folder(out: Path | None, folder: Path) -> Path:
    """Create the folder of a report, before any work that would be lost without it.

    Args:
        out: Report folder; None for `reports/<name of the model folder>`.
        folder: Model folder.

    Raises:
        LookbackError: The folder cannot be created.
    """
    out = out or Path("reports") / folder.resolve().name
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LookbackError(
            f"{out}: cannot be written ({error.strerror}); use --out FOLDER to write elsewhere"
        ) from None
    return out


def write_json(path: Path, content: dict) -> None:
    """Write JSON; an existing file is replaced atomically."""
    text = json.dumps(content, indent=2) + "\n"
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_predictions(
    path: Path,
    predictions: list[tuple[str, np.ndarray, np.ndarray]],
    labels: list[str],
    thresholds: Sequence[float] = (),
) -> None:
    """Write predictions.csv: one row per step, with the video and the columns of `run.py --csv`.

    Args:
        path: File to write.
        predictions: Video, seconds (N,) and probabilities (N, K) of each video.
        labels: Names of the K classes.
        thresholds: Thresholds of the classes of a multi-label model.
    """
    rows = (
        [video, *prediction_row(step, time, row, labels, thresholds)]
        for video, seconds, probabilities in predictions
        for step, (time, row) in enumerate(zip(seconds, probabilities, strict=True))
    )
    write_rows(path, ["video", *prediction_header(labels)], rows)


def write_clip_predictions(
    path: Path,
    segments: list[LabeledSegment],
    probabilities: np.ndarray,
    labels: list[str],
    thresholds: Sequence[float] = (),
) -> None:
    """Write clips.csv: one row per clip, with the true and the predicted label.

    Args:
        path: File to write.
        segments: Segments in the order of the rows.
        probabilities: Probabilities of each segment: (n, K).
        labels: Names of the K classes.
        thresholds: Thresholds of the classes of a multi-label model, whose true and predicted
            labels may be several.
    """
    rows = []
    for segment, row in zip(segments, probabilities, strict=True):
        true = joined(labels[number] for number in classes_of(segment.target))
        answer = [true, label_text(row, labels, thresholds), f"{row.max():.8f}"]
        rows.append([segment.video, segment.group, *answer, *(f"{value:.8f}" for value in row)])
    write_rows(path, ["video", "group", "true", "label", "probability", *labels], rows)


def write_plots(folder: Path, predictions: Predictions, targets: np.ndarray, metrics: dict) -> None:
    """Write the plots of the clip predictions: roc.png, precision_recall.png, reliability.png, and
    confusion.png, or class_scores.png and together.png with several classes per clip.

    Args:
        folder: Report folder.
        predictions: Predictions of n segments.
        targets: True classes, ints in 0..K-1: (n,); or indicators of several classes: (n, K).
        metrics: Metrics of these predictions, as `evaluation.measure` returns them.
    """
    clip, task = metrics["clip"], task_of_targets(targets)
    labels = list(clip["classes"])
    if task.several:
        plot_class_scores(clip["classes"], folder / "class_scores.png")
        plot_together(clip["co_occurrence"], clip["found_by_true"], labels, folder / "together.png")
    else:
        plot_confusion(clip["confusion"], labels, folder / "confusion.png")
    plot_roc(predictions.clip, targets, labels, folder / "roc.png")
    plot_precision_recall(predictions.clip, targets, labels, folder / "precision_recall.png")
    plot_reliability(
        *task.decisions(predictions.clip, targets),
        folder / "reliability.png",
        clip["calibration_error"] if task.several else None,
        task.several,
    )


def summary(
    title: str,
    results: dict[str, dict],
    pooling: str = "mean",
    costs: dict[str, dict] | None = None,
) -> str:
    """Return a table of models, followed by the averages and the classes of the first.

    The confusion matrix comes last, or with several classes per clip which are found together.

    Args:
        title: Name of the split.
        results: Metrics of each model by its name, as `evaluation.measure` returns them.
        pooling: Name of the rule from windows to clips, which is shown unless it is `mean`.
        costs: Costs of the models by name, see `sequence.costs.model_costs`; None to leave the
            columns out.
    """
    first = next(iter(results.values()))["clip"]
    task = task_of_report(first)
    score = task.score_title
    lines = [
        f"{title}: {first['count']} clips in {first['groups']} groups"
        + ("" if pooling == "mean" else f"; clips by {pooling} pooling of their windows"),
        "",
        f"{'':<18}{f'clip {score}':>14}{'95 % interval':>17}{'ROC AUC':>9}{'log loss':>10}"
        f"{f'window {score}':>17}" + (COST_HEADER if costs else ""),
    ]
    for name, metrics in results.items():
        clip = metrics["clip"]
        low, high = clip[f"{task.score}_interval"]
        window = _number(metrics["window"][task.score]) if "window" in metrics else "-"
        # Ridge gives no probabilities, so its log loss has no meaning.
        loss = "-" if name == "ridge" else f"{clip['log_loss']:.3f}"
        lines.append(
            f"{name:<18}{_number(clip[task.score]):>14}{f'{low:.3f} - {high:.3f}':>17}"
            f"{_number(clip['roc_auc']):>9}{loss:>10}{window:>17}"
            + (cost_cells(costs.get(name)) if costs else "")
        )
    lines += ["", *_notes(results, task, costs)]
    tables = multi_label_tables if task.several else _single_label_tables
    for table in tables(first):
        lines += ["", *table]
    return "\n".join(lines)


def _single_label_tables(clip: dict) -> list[list[str]]:
    return [_average_lines(clip), _class_lines(clip), _confusion_lines(clip)]


_INTERVALS = {
    "macro_f1": "macro F1",
    "balanced_accuracy": "balanced accuracy",
    "roc_auc": "ROC AUC",
}
COST_HEADER = f"{'parameters':>13}{'GFLOPs':>9}{'MB':>8}{'fps':>7}"


def cost_cells(cost: dict | None) -> str:
    """Return the columns of a model's costs; empty for one without, such as `majority`."""
    if cost is None:
        return ""
    fps = "-" if cost["fps"] is None else f"{cost['fps']:.0f}"
    return f"{cost['parameters']:>13,}{cost['gflops']:>9.3f}{cost['megabytes']:>8.2f}{fps:>7}"


def _notes(results: dict[str, dict], task: Task, costs: dict[str, dict] | None) -> list[str]:
    """Return the lines that explain the columns of the table."""
    methods = [each["clip"].get(f"{task.score}_interval_method") for each in results.values()]
    lines = [methods_line([method for method in methods if method])] if any(methods) else []
    return [*lines, costs_note(costs)] if costs else lines


def costs_note(costs: dict[str, dict]) -> str:
    """Return the line that explains the columns of costs."""
    measured = any(each["fps"] for each in costs.values())
    return (
        "parameters, GFLOPs (of a step) and MB: both stages; fps: sampled frames per second "
        f"without decoding{'.' if measured else ', measured by --speed.'}"
    )


def _average_lines(clip: dict) -> list[str]:
    """Return the averages over classes and clips of the first model."""
    rows = [
        (name, [clip.get(f"{name}_{score}") for score in ("precision", "recall", "f1")])
        for name in ("macro", "weighted")
    ]
    lines = [f"{'average':<12}{'precision':>11}{'recall':>11}{'F1':>11}"]
    lines += [f"{name:<12}" + "".join(f"{_number(x):>11}" for x in row) for name, row in rows]
    top = f", top-5 accuracy {clip['top5_accuracy']:.3f}" if "top5_accuracy" in clip else ""
    return [
        *lines,
        f"balanced accuracy {clip['balanced_accuracy']:.3f}{top}, PR AUC "
        f"{_number(clip['pr_auc'])}, calibration error {clip['calibration_error']:.3f}",
        *uncertain_lines(clip),
    ]


def uncertain_lines(clip: dict) -> list[str]:
    """Return the intervals of other scores, and the calibration error that is chance."""
    lines = []
    if intervals := clip.get("intervals"):
        named = [
            f"{title} {intervals[key][0]:.3f} - {intervals[key][1]:.3f}"
            for key, title in _INTERVALS.items()
            if key in intervals
        ]
        method = METHODS[clip["intervals_method"]]
        lines.append(f"95 % intervals: {', '.join(named)} ({method}).")
    if chance := clip.get("calibration_error_if_calibrated"):
        lines.append(
            "A perfectly calibrated model with these probabilities would show a calibration error "
            f"of {chance['mean']:.3f} by chance ({chance['low']:.3f} to {chance['high']:.3f} in "
            "95 % of cases)."
        )
    return lines


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
    lines = [
        f"{'true / predicted':<{width + 5}}" + "".join(f"{label:>{width}}" for label in labels)
    ]
    for label, row in zip(labels, clip["confusion"], strict=True):
        lines.append(f"{label:<{width + 5}}" + "".join(f"{count:>{width}}" for count in row))
    return lines


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
