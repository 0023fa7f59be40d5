"""Plots of a report with several classes per clip: scores by class, and classes together."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from sequence.plots import save

_SCORES = {"average_precision": "AP", "precision": "precision", "recall": "recall", "f1": "F1"}
_COLORS = ("#08519c", "#9ecae1", "#a1d99b", "#fdae6b")
_MOST_NUMBERS = 20  # classes; with more, the cells are too small for numbers


def plot_class_scores(classes: dict[str, dict], path: Path) -> None:
    """Plot average precision, precision, recall and F1 of each class as bars.

    Args:
        classes: Metrics of each class, as in metrics.json.
        path: PNG file to write.
    """
    figure = Figure(figsize=(7.2, 1.4 + 0.62 * len(classes)))
    axes = figure.subplots()
    places, height = np.arange(len(classes)), 0.8 / len(_SCORES)
    for number, (key, title) in enumerate(_SCORES.items()):
        values = [row[key] or 0.0 for row in classes.values()]
        where = places + (number - 1.5) * height
        axes.barh(where, values, height, color=_COLORS[number], label=title)
    names = [f"{label} ({row['count']})" for label, row in classes.items()]
    axes.set_yticks(places, names, parse_math=False)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), title="Scores of each class (number of clips)")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(ncols=len(_SCORES), loc="upper center", bbox_to_anchor=(0.5, -0.5 / len(classes)))
    save(figure, path)


def plot_together(
    true: list[list[int]], found: list[list[int]], labels: list[str], path: Path
) -> None:
    """Plot which classes occur together, and which are found where a class holds.

    Args:
        true: Clips that have both the class of the row and that of the column: K lists of K.
        found: Clips of the class of the row in which the class of the column is found.
        labels: Names of the K classes.
        path: PNG file to write.
    """
    side = 1.6 + 0.62 * max(len(labels), 3)
    figure = Figure(figsize=(2 * side + 0.8, side))
    sizes = np.maximum(np.diag(np.asarray(true)), 1)[:, None]
    titles = ("True together", "Found where the class of the row holds")
    for axes, counts, title in zip(figure.subplots(1, 2), (true, found), titles, strict=True):
        shares = np.asarray(counts) / sizes
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        if len(labels) <= _MOST_NUMBERS:
            for (row, column), share in np.ndenumerate(shares):
                color = "white" if share > 0.5 else "black"
                count = counts[row][column]
                axes.text(column, row, count, ha="center", va="center", color=color)
        axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right", parse_math=False)
        axes.set_yticks(range(len(labels)), labels, parse_math=False)
        axes.set_title(title, fontsize=10)
    save(figure, path)
