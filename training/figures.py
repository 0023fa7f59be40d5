"""Figures of validation clips: the confusion matrix, and sample predictions."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix

# Figures without pyplot: they are drawn on machines without a screen too, and do not change the
# backend of the importing program.
_COLUMNS = 4  # of samples
_RIGHT, _WRONG = "#1f8a5b", "#c0392b"


def confusion_figure(confusion: np.ndarray, labels: Sequence[str]) -> Figure:
    """Return a confusion matrix, shaded by the share of each row.

    Args:
        confusion: Numbers of clips, rows true and columns predicted: (K, K).
        labels: Names of the K classes.
    """
    counts = np.asarray(confusion)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    height = max(5.2, 0.55 * len(labels) + 2)
    figure = Figure(figsize=(height * 1.15, height))
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row in range(len(labels)):
        for column in range(len(labels)):
            color = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, counts[row, column], ha="center", va="center", color=color)
    # Names are no mathematics: a $ in them is a dollar.
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right", parse_math=False)
    axes.set_yticks(range(len(labels)), labels, parse_math=False)
    axes.set(xlabel="predicted", ylabel="true", title="Clips by true and predicted class")
    figure.colorbar(image, label="share of the true class")
    figure.tight_layout()
    return figure


def confusion_picture(
    truth: np.ndarray, predicted: np.ndarray, labels: Sequence[str]
) -> np.ndarray:
    """Return a confusion matrix as a picture: uint8 RGB (H, W, 3).

    Args:
        truth, predicted: True and predicted classes of n clips: (n,).
        labels: Names of the K classes.
    """
    counts = confusion_matrix(truth, predicted, labels=range(len(labels)))
    return _pixels(confusion_figure(counts, labels))


def sample_picture(
    frames: Sequence[np.ndarray],
    truth: np.ndarray,
    probabilities: np.ndarray,
    labels: Sequence[str],
) -> np.ndarray:
    """Return frames of clips with their true and predicted classes: uint8 RGB (H, W, 3).

    Args:
        frames: A frame of each of n clips: uint8 RGB (H, W, 3).
        truth: Whether a clip has a class: bool (n, K).
        probabilities: Predicted probabilities: (n, K).
        labels: Names of the K classes.
    """
    columns = min(len(frames), _COLUMNS)
    rows = -(-len(frames) // _COLUMNS)
    figure = Figure(figsize=(2.4 * columns, 2.6 * rows))
    grid: Sequence[Axes] = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, frame, has, row in zip(grid, frames, truth, probabilities, strict=False):
        best = int(row.argmax())
        names = "|".join(labels[number] for number in np.flatnonzero(has))
        text = f"{labels[best]} {row[best]:.2f}\ntrue: {names or 'none'}"
        axes.imshow(frame)
        axes.set_title(text, fontsize=8, color=_RIGHT if has[best] else _WRONG, parse_math=False)
    figure.tight_layout()
    return _pixels(figure)


def _pixels(figure: Figure) -> np.ndarray:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()
