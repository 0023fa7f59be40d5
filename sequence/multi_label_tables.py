"""Tables of a printed report with several classes per clip."""

from typing import Any

_COLUMNS = (
    ("threshold", "threshold"),
    ("precision", "precision"),
    ("recall", "recall"),
    ("F1", "f1"),
    ("AP", "average_precision"),
    ("ROC AUC", "roc_auc"),
    ("calibration", "calibration_error"),
)


def multi_label_tables(clip: dict[str, Any]) -> list[list[str]]:
    """Return the lines of the averages, the classes, and the classes that are found together.

    Args:
        clip: Metrics of clips, as `metrics.multi_label_scores.scores` returns them.
    """
    return [_average_lines(clip), _class_lines(clip), _together_lines(clip)]


def class_rows(clip: dict[str, Any]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return header and rows of the table of classes, as text.

    Args:
        clip: Metrics of clips, see `multi_label_tables`.
    """
    header = ("class", *(title for title, _ in _COLUMNS), "clips")
    rows = [
        (label, *(_number(row[key]) for _, key in _COLUMNS), str(row["count"]))
        for label, row in clip["classes"].items()
    ]
    return header, rows


def _average_lines(clip: dict[str, Any]) -> list[str]:
    lines = [f"{'average':<12}{'precision':>11}{'recall':>11}{'F1':>11}"]
    for name in ("macro", "micro"):
        values = (clip[f"{name}_{score}"] for score in ("precision", "recall", "f1"))
        lines.append(f"{name:<12}" + "".join(f"{_number(value):>11}" for value in values))
    return [
        *lines,
        f"exactly the right classes {clip['subset_accuracy']:.3f} (subset accuracy), wrong "
        f"decisions {clip['hamming_loss']:.3f} (Hamming loss), calibration error "
        f"{clip['calibration_error']:.3f}",
    ]


def _class_lines(clip: dict[str, Any]) -> list[str]:
    header, rows = class_rows(clip)
    width = max(12, *(len(row[0]) + 2 for row in rows))
    return [
        f"{row[0]:<{width}}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in (header, *rows)
    ]


def _together_lines(clip: dict[str, Any]) -> list[str]:
    labels = list(clip["classes"])
    width = max(12, *(len(label) + 2 for label in labels))
    start = "clips with / found"
    lines = [f"{start:<{width + 7}}" + "".join(f"{label:>{width}}" for label in labels)]
    for label, row in zip(labels, clip["found_by_true"], strict=True):
        lines.append(f"{label:<{width + 7}}" + "".join(f"{count:>{width}}" for count in row))
    return lines


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
