"""Plots of a report: confusion matrix, ROC, precision-recall and reliability curves."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn import metrics as sk

from metrics.calibration import calibration_error, reliability
from metrics.targets import truth_of
from training.figures import confusion_figure
from video.atomic_write import atomic_write

# Figures without pyplot: they write files on machines without a screen too, and do not change the
# backend of the importing program.
_SIZE, _DPI = (6.4, 5.2), 110


def plot_confusion(confusion: np.ndarray, labels: list[str], path: Path) -> None:
    """Plot a confusion matrix, shaded by the share of each row.

    Args:
        confusion: Numbers of clips, rows true and columns predicted: (K, K).
        labels: Names of the K classes.
        path: PNG file to write.
    """
    figure = confusion_figure(confusion, labels)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=_DPI)


def plot_roc(probabilities: np.ndarray, targets: np.ndarray, labels: list[str], path: Path) -> None:
    """Plot the one-versus-rest ROC curve of each class.

    Args:
        probabilities: Probabilities of n clips: (n, K).
        targets: True classes, ints in 0..K-1: (n,); or indicators of several classes: (n, K).
        labels: Names of the K classes.
        path: PNG file to write.
    """
    figure = Figure(figsize=_SIZE)
    axes = figure.subplots()
    for number, label, truth in _plottable(targets, labels):
        fpr, tpr, _ = sk.roc_curve(truth, probabilities[:, number])
        width = _line_width(number, len(labels))
        axes.plot(fpr, tpr, linewidth=width, label=f"{label} ({sk.auc(fpr, tpr):.2f})")
    axes.plot([0, 1], [0, 1], color="gray", linestyle=":", label="chance (0.50)")
    axes.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC over clips")
    _finish(figure, axes, path)


def plot_precision_recall(
    probabilities: np.ndarray, targets: np.ndarray, labels: list[str], path: Path
) -> None:
    """Plot the one-versus-rest precision-recall curve of each class; arguments as `plot_roc`."""
    figure = Figure(figsize=_SIZE)
    axes = figure.subplots()
    for number, label, truth in _plottable(targets, labels):
        precision, recall, _ = sk.precision_recall_curve(truth, probabilities[:, number])
        area = sk.average_precision_score(truth, probabilities[:, number])
        width = _line_width(number, len(labels))
        axes.step(recall, precision, where="post", linewidth=width, label=f"{label} ({area:.2f})")
    axes.set(xlabel="recall", ylabel="precision", title="Precision and recall over clips")
    _finish(figure, axes, path)


def plot_reliability(
    confidences: np.ndarray,
    hits: np.ndarray,
    path: Path,
    error: float | None = None,
    several: bool = False,
) -> None:
    """Plot the accuracy over the confidence of the predictions, with their number below.

    Args:
        confidences: Probability of the predicted class of n clips: (n,).
        hits: Whether the prediction is correct: (n,).
        path: PNG file to write.
        error: Calibration error to name; None for that of these predictions.
        several: Whether the values are not those of clips, but of each class of each clip: the
            probability that it holds, and whether it does.
    """
    counted, share, right, given = (
        ("decisions", "share in the bin", "share of classes that hold", "probability of the class")
        if several
        else ("clips", "accuracy in the bin", "share of correct clips", "confidence")
    )
    bins = reliability(confidences, hits)
    figure = Figure(figsize=_SIZE)
    axes, counts = figure.subplots(2, sharex=True, height_ratios=(3, 1))
    middles, width = [(each.low + each.high) / 2 for each in bins], 0.09
    accuracies = [each.accuracy for each in bins]
    axes.bar(middles, accuracies, width, color="#9ecae1", label=share)
    axes.plot([each.confidence for each in bins], accuracies, "o-", color="#08519c")
    axes.plot([0, 1], [0, 1], color="gray", linestyle=":", label="calibrated")
    error = calibration_error(confidences, hits) if error is None else error
    axes.set(ylabel=right, xlim=(0, 1), ylim=(0, 1.02))
    axes.set_title(f"Reliability over {counted} (calibration error {error:.3f})")
    axes.legend(loc="upper left")
    counts.bar(middles, [each.count for each in bins], width, color="#bdbdbd")
    counts.set(xlabel=given, ylabel=counted)
    save(figure, path)


def _line_width(number: int, count: int) -> float:
    """Return a line width that decreases, so that identical curves all stay visible."""
    return 1.5 + 4.5 * (count - 1 - number) / max(count - 1, 1)


def _plottable(targets: np.ndarray, labels: list[str]) -> list[tuple[int, str, np.ndarray]]:
    """Return index, label and truth, bool (n,), of the classes that some, but not all, have."""
    holds = truth_of(targets, len(labels))
    return [
        (number, name, holds[:, number])
        for number, name in enumerate(labels)
        if 0 < holds[:, number].sum() < len(holds)
    ]


def _finish(figure, axes, path: Path) -> None:
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.05))
    axes.grid(alpha=0.3)
    axes.legend(title="class (area)", loc="lower left" if "recall" in path.stem else "lower right")
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG file."""
    figure.tight_layout()
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=_DPI)
