"""Figures of a report as PNG images in memory: curves, distributions, timelines and maps."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

_DPI = 110
_COLORS = ("#0b63ce", "#c2571a", "#1f8a5b", "#8e44ad", "#b8860b", "#c0392b", "#16858a", "#6b7280")
# t-SNE needs some neighbors of each point to mean anything.
_MIN_POINTS_FOR_TSNE = 30


def png_of(figure: Figure) -> bytes:
    """Return a figure as a PNG file."""
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()


def color_of(number: int) -> str:
    """Return the color of a class by its index; more than eight classes share colors."""
    return _COLORS[number % len(_COLORS)]


def training_curves(history: Path) -> bytes | None:
    """Return the loss and accuracy curves of a history file; None if it has no two epochs.

    Args:
        history: CSV file with a column `epoch` and a column per value.
    """
    if not history.is_file():
        return None
    with history.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if len(rows) < 2:
        return None
    names = [name for name in rows[0] if name != "epoch"]
    kinds = {
        title: [name for name in names if part in name]
        for part, title in (
            ("loss", "loss"),
            ("accuracy", "accuracy"),
            ("average_precision", "mean average precision"),
        )
    }
    kinds = {kind: columns for kind, columns in kinds.items() if columns}
    figure = Figure(figsize=(6.4, 2.6 * max(1, len(kinds))))
    epochs = [float(row["epoch"]) for row in rows]
    for place, (kind, columns) in enumerate(kinds.items(), 1):
        axes = figure.add_subplot(len(kinds), 1, place)
        for number, name in enumerate(columns):
            values = [float(row[name]) if row[name] else np.nan for row in rows]
            axes.plot(epochs, values, color=color_of(number), label=name)
        axes.set(xlabel="epoch", ylabel=kind)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    return png_of(figure)


def class_distribution(splits: Sequence[str], labels: Sequence[str]) -> bytes:
    """Return bars with the number of clips of each class and split.

    Args:
        splits: Split of each clip.
        labels: Label of each clip.
    """
    counts = Counter(zip(labels, splits, strict=True))
    names = sorted(set(labels))
    figure = Figure(figsize=(6.4, 0.9 + 0.38 * len(names)))
    axes = figure.subplots()
    left = np.zeros(len(names))
    for number, split in enumerate(dict.fromkeys(("train", "val", "test", *splits))):
        values = np.array([counts[name, split] for name in names], float)
        if values.any():
            axes.barh(names, values, left=left, color=color_of(number), label=split)
            left += values
    axes.invert_yaxis()
    axes.set(xlabel="clips")
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return png_of(figure)


def embedding(features: np.ndarray, names: Sequence[str], title: str) -> bytes | None:
    """Return a map of clips by their mean features, with a color per name; None for few clips.

    t-SNE (van der Maaten and Hinton 2008) keeps neighbors together; distances between clusters
    mean nothing. With fewer than 30 clips, the first two principal components are shown.

    Args:
        features: Mean feature of each clip: (n, D).
        names: Label or group of each clip, which has its color.
        title: What the colors show.
    """
    if len(features) < 3:
        return None
    scaled = (features - features.mean(0)) / np.maximum(features.std(0), 1e-6)
    count = min(50, *scaled.shape)
    points = PCA(count, random_state=0).fit_transform(scaled)
    if len(points) >= _MIN_POINTS_FOR_TSNE:
        perplexity = min(30.0, len(points) / 4)
        points = TSNE(2, perplexity=perplexity, random_state=0, init="pca").fit_transform(points)
    figure = Figure(figsize=(5.2, 4.4))
    axes = figure.subplots()
    known = sorted(set(names))
    for number, name in enumerate(known):
        mine = np.array([each == name for each in names])
        label = name if len(known) <= 12 else None
        axes.scatter(*points[mine, :2].T, s=14, color=color_of(number), label=label)
    axes.set(xticks=[], yticks=[], title=f"{title} ({len(known)})")
    if len(known) <= 12:
        axes.legend(fontsize=7)
    return png_of(figure)


def timeline(
    seconds: np.ndarray,
    probabilities: np.ndarray,
    labels: Sequence[str],
    true: int | Sequence[int],
    span: tuple[float, float],
    thresholds: Sequence[float] = (),
) -> bytes:
    """Return the course of the probabilities over a video.

    A dotted line at the threshold of a class, in its color, shows where a multi-label model finds
    it.

    Args:
        seconds: Time of each step: (N,).
        probabilities: Probabilities at each step: (N, K).
        labels: Names of the K classes.
        true: Index of the true class, or of all that are true.
        span: Start and end of the clip in the video, in seconds.
        thresholds: Thresholds of the K classes of a multi-label model; empty for others.
    """
    figure = Figure(figsize=(6.4, 1.9))
    axes = figure.subplots()
    shown = np.argsort(-probabilities.max(0))[:5]
    holds = {true} if isinstance(true, int) else set(true)
    for number in sorted({*shown.tolist(), *holds}):
        width = 2.2 if number in holds else 1.2
        axes.plot(
            seconds,
            probabilities[:, number],
            color=color_of(number),
            linewidth=width,
            label=labels[number] + (" (true)" if number in holds else ""),
        )
        if len(thresholds):
            axes.axhline(thresholds[number], color=color_of(number), linestyle=":", linewidth=1)
    axes.axvspan(span[0], min(span[1], float(seconds[-1])), color="gray", alpha=0.12)
    axes.set(ylim=(-0.03, 1.03), xlabel="seconds", ylabel="probability")
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return png_of(figure)


def step_importance(importance: np.ndarray) -> bytes:
    """Return bars of the importance of each step of the window.

    Args:
        importance: Importance of each step, the oldest first: (L,).
    """
    steps = np.arange(-len(importance) + 1, 1)
    figure = Figure(figsize=(6.4, 2.6))
    axes = figure.subplots()
    axes.bar(steps, importance, color=color_of(0))
    axes.set(xlabel="step before the newest", ylabel="lost probability")
    axes.axhline(0, color="gray", linewidth=0.8)
    return png_of(figure)
