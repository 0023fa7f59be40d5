"""Classification metrics: accuracy, F1, areas under curves, calibration error, confusion."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import TypeVar

import numpy as np
from sklearn import metrics as sk

from metrics.calibration import calibration_error, log_loss, reliability
from metrics.targets import truth_of

Label = TypeVar("Label")

# Top-5 accuracy says little where five classes are most of them.
TOP = 5


def scores(probabilities: np.ndarray, targets: np.ndarray, labels: list[str]) -> dict:
    """Return all metrics of predictions as JSON-ready values.

    Averages over classes leave out classes without a clip. `macro` weights classes equally,
    `weighted` by their clips. With more than five classes there is a top-5 accuracy.

    Args:
        probabilities: Predicted probabilities: (n, K).
        targets: True classes, ints in 0..K-1: (n,).
        labels: Names of the K classes.
    """
    predicted = probabilities.argmax(1)
    hits = predicted == targets
    numbers = np.arange(len(labels))
    precision, recall, f1, support = sk.precision_recall_fscore_support(
        targets, predicted, labels=numbers, zero_division=0.0
    )
    present = support > 0
    weighted = support / support.sum()
    areas = class_areas(probabilities, targets, labels)
    return {
        "count": len(targets),
        "accuracy": float(hits.mean()),
        **_top_accuracy(probabilities, targets),
        "balanced_accuracy": float(recall[present].mean()),
        "macro_precision": float(precision[present].mean()),
        "macro_recall": float(recall[present].mean()),
        "macro_f1": float(f1[present].mean()),
        "weighted_precision": float(precision @ weighted),
        "weighted_recall": float(recall @ weighted),
        "weighted_f1": float(f1 @ weighted),
        "log_loss": log_loss(probabilities, targets),
        "calibration_error": calibration_error(probabilities.max(1), hits),
        "reliability": [asdict(each) for each in reliability(probabilities.max(1), hits)],
        "roc_auc": mean_area(areas, "roc_auc"),
        "pr_auc": mean_area(areas, "pr_auc"),
        "classes": {
            label: {
                "precision": float(precision[number]),
                "recall": float(recall[number]),
                "f1": float(f1[number]),
                "count": int(support[number]),
                **areas[label],
            }
            for number, label in enumerate(labels)
        },
        "confusion": sk.confusion_matrix(targets, predicted, labels=numbers).tolist(),
    }


def _top_accuracy(probabilities: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Return `top5_accuracy` of probabilities (n, K) and true classes (n,); nothing for K <= 5.

    Of equal probabilities the class that comes first counts as the greater, as in `argmax`.
    """
    if probabilities.shape[1] <= TOP:
        return {}
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :TOP]
    return {"top5_accuracy": float((best == targets[:, None]).any(1).mean())}


def class_areas(
    probabilities: np.ndarray, targets: np.ndarray, labels: Iterable[Label]
) -> dict[Label, dict[str, float | None]]:
    """Return the areas under the one-versus-rest ROC and precision-recall curves of each class.

    Args:
        probabilities: Predicted probabilities: (n, K).
        targets: True classes, ints in 0..K-1: (n,); or indicators of several classes: (n, K).
        labels: Keys of the result, one for each of the K classes.

    Returns:
        `roc_auc` and `pr_auc` of each class; both None if all or none of the targets are of
        that class.
    """
    areas = {}
    holds = truth_of(targets, probabilities.shape[1])
    for number, label in enumerate(labels):
        truth = holds[:, number]
        defined = 0 < truth.sum() < len(truth)
        areas[label] = {
            "roc_auc": float(sk.roc_auc_score(truth, probabilities[:, number]))
            if defined
            else None,
            "pr_auc": float(sk.average_precision_score(truth, probabilities[:, number]))
            if defined
            else None,
        }
    return areas


def mean_area(areas: dict[Label, dict[str, float | None]], curve: str) -> float | None:
    """Return the mean area over the classes for which it is defined, or None if there are none.

    Args:
        areas: Result of `class_areas`.
        curve: Name of the area, `roc_auc` or `pr_auc`.
    """
    known = [value for area in areas.values() if (value := area[curve]) is not None]
    return float(np.mean(known)) if known else None
