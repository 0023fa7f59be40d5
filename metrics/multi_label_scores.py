"""All scores of a multi-label model, as in a report.

A class that no clip has is left out of the means over classes.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from sklearn import metrics as sk

from metrics.calibration import reliability
from metrics.classification import class_areas, mean_area
from metrics.multi_label import calibration_errors, cross_entropies, decided


def scores(
    probabilities: np.ndarray,
    targets: np.ndarray,
    labels: list[str],
    thresholds: np.ndarray | Sequence[float],
) -> dict[str, Any]:
    """Return all metrics of predictions as JSON-ready values.

    `macro` weights classes equally, `micro` all decisions. `subset_accuracy` is the share of clips
    with exactly the right classes, `hamming_loss` that of wrong decisions. The calibration error is
    the mean over the classes; `reliability` has all decisions together.

    Args:
        probabilities: Predicted probabilities: (n, K).
        targets: Indicators of the classes that hold: (n, K).
        labels: Names of the K classes.
        thresholds: Threshold of each class (K,), or of each clip and class (n, K).
    """
    truth, found = targets > 0, decided(probabilities, thresholds)
    precision, recall, f1, support = sk.precision_recall_fscore_support(
        truth, found, average=None, zero_division=0.0
    )
    micro = sk.precision_recall_fscore_support(truth, found, average="micro", zero_division=0.0)
    present = support > 0
    areas = class_areas(probabilities, targets, labels)
    errors = calibration_errors(probabilities, truth)
    limits = np.broadcast_to(np.asarray(thresholds, float), probabilities.shape)
    return {
        "count": len(truth),
        "mean_average_precision": mean_area(areas, "pr_auc"),
        "subset_accuracy": float((found == truth).all(1).mean()),
        "hamming_loss": float((found != truth).mean()),
        "macro_precision": _mean(precision[present]),
        "macro_recall": _mean(recall[present]),
        "macro_f1": _mean(f1[present]),
        "micro_precision": float(micro[0]),
        "micro_recall": float(micro[1]),
        "micro_f1": float(micro[2]),
        "log_loss": float(cross_entropies(probabilities, targets).mean()),
        "calibration_error": float(np.mean(errors)),
        "reliability": [asdict(each) for each in reliability(probabilities.ravel(), truth.ravel())],
        "roc_auc": mean_area(areas, "roc_auc"),
        "classes": {
            label: {
                # In a cross-validation every fold has a threshold of its own.
                "threshold": float(limits[:, number].mean()),
                "precision": float(precision[number]),
                "recall": float(recall[number]),
                "f1": float(f1[number]),
                "average_precision": areas[label]["pr_auc"],
                "roc_auc": areas[label]["roc_auc"],
                "calibration_error": errors[number],
                "count": int(support[number]),
            }
            for number, label in enumerate(labels)
        },
        "co_occurrence": (truth.T.astype(int) @ truth.astype(int)).tolist(),
        "found_by_true": (truth.T.astype(int) @ found.astype(int)).tolist(),
    }


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0
