"""Measures of predictions. Plain numbers in, plain numbers out."""

from collections.abc import Iterable
from typing import TypeVar

import numpy as np
from sklearn import metrics as sk

from metrics.calibration import log_loss

Label = TypeVar("Label")


def calibration_error(probabilities: np.ndarray, hits: np.ndarray, bins: int = 10) -> float:
    """Return the expected calibration error (Guo et al. 2017): how far confidence is from truth.

    Args:
        probabilities: of the predicted class, (n,).
        hits: whether the prediction was right, (n,).
    """
    which = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = [
        abs(hits[which == number].mean() - probabilities[which == number].mean())
        * np.mean(which == number)
        for number in range(bins)
        if np.any(which == number)
    ]
    return float(sum(gaps))


def scores(probabilities: np.ndarray, classes: np.ndarray, labels: list[str]) -> dict:
    """Return all measures of predictions as JSON-ready values.

    Args:
        probabilities: (n, K).
        classes: true class numbers (n,).
        labels: the K names.
    """
    predicted = probabilities.argmax(1)
    hits = predicted == classes
    numbers = np.arange(len(labels))
    precision, recall, f1, support = sk.precision_recall_fscore_support(
        classes, predicted, labels=numbers, zero_division=0.0
    )
    present = support > 0
    areas = class_areas(probabilities, classes, labels)
    return {
        "count": len(classes),
        "accuracy": float(hits.mean()),
        "balanced_accuracy": float(recall[present].mean()),
        "macro_f1": float(f1[present].mean()),
        "log_loss": log_loss(probabilities, classes),
        "calibration_error": calibration_error(probabilities.max(1), hits),
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
        "confusion": sk.confusion_matrix(classes, predicted, labels=numbers).tolist(),
    }


def class_areas(
    probabilities: np.ndarray, classes: np.ndarray, labels: Iterable[Label]
) -> dict[Label, dict[str, float | None]]:
    """Return for each class, against all others, the areas under its ROC and precision-recall
    curves: `roc_auc` and `pr_auc`, None where the class or its opposite is missing.

    Args:
        probabilities: Rows of probabilities (n, K).
        classes: True class numbers (n,).
        labels: Keys of the result, one for each of the K classes.
    """
    areas = {}
    for number, label in enumerate(labels):
        truth = classes == number
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
    """Return the mean area of `class_areas` under one curve (`roc_auc`, `pr_auc`), over the classes
    that have one; None where none has."""
    known = [value for area in areas.values() if (value := area[curve]) is not None]
    return float(np.mean(known)) if known else None
