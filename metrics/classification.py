"""Measures of predictions. Plain numbers in, plain numbers out."""

import numpy as np
from sklearn import metrics as sk


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
        "log_loss": float(
            -np.log(np.maximum(probabilities[range(len(hits)), classes], 1e-12)).mean()
        ),
        "calibration_error": calibration_error(probabilities.max(1), hits),
        "roc_auc": _mean([area["roc_auc"] for area in areas.values()]),
        "pr_auc": _mean([area["pr_auc"] for area in areas.values()]),
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


def class_areas(probabilities: np.ndarray, classes: np.ndarray, labels: list[str]) -> dict:
    """Return for each class, against all others, the areas under its ROC and precision-recall
    curves; None where the class or its opposite is missing."""
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


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
