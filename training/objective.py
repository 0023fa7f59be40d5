"""The loss of a training, for one class per clip or several.

    single_label   cross-entropy of the softmax; an example weighs as its class does
    multi_label    mean over the classes of the binary cross-entropies, each with its class's weight

With several classes, a weight is that of a class against the other classes, not that of its clips
against clips without it. The latter would move all probabilities of a rare class upward.
"""

from collections.abc import Sequence

import numpy as np

from metrics.task import Task
from training.keras_backend import keras
from training.optimizers import class_weights

ops = keras.ops


@keras.saving.register_keras_serializable(package="lookback")
class MultiLabelLoss(keras.losses.Loss):
    """Weighted mean over the classes of the binary cross-entropies of logits."""

    def __init__(
        self,
        weights: Sequence[float],
        label_smoothing: float = 0.0,
        name: str = "multi_label",
        **options,
    ) -> None:
        """Set the weights.

        Args:
            weights: Weight of each class, with mean 1: K numbers.
            label_smoothing: Share by which targets move towards 0.5.
            name: Name of the loss.
            options: Options of `keras.losses.Loss`.
        """
        super().__init__(name=name, **options)
        self.weights = [float(weight) for weight in weights]
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        """Return the loss of each example (B,), from indicators and logits (B, K)."""
        targets = ops.cast(y_true, y_pred.dtype)
        targets = targets * (1 - self.label_smoothing) + 0.5 * self.label_smoothing
        losses = ops.binary_crossentropy(targets, y_pred, from_logits=True)
        return ops.mean(losses * ops.cast(self.weights, losses.dtype), axis=-1)

    def get_config(self) -> dict:
        """Return what `__init__` takes."""
        own = {"weights": self.weights, "label_smoothing": self.label_smoothing}
        return {**super().get_config(), **own}


class Objective:
    """What a training minimizes, from the targets of its clips.

    Attributes:
        task: Whether a clip has one class or several.
        class_weights: Loss weights of the classes, float32 (K,).
    """

    def __init__(self, task: Task, targets: np.ndarray, count: int, weighting: str) -> None:
        """Find the weights of the classes.

        Args:
            task: The task.
            targets: Targets of the training clips, encoded by the task.
            count: Number of classes, K.
            weighting: See `training.optimizers.class_weights`.
        """
        self.task = task
        self.class_weights = class_weights(targets, count, weighting)

    def sparse_loss(self) -> keras.losses.Loss:
        """Return the loss of logits and encoded targets."""
        if self.task.several:
            return MultiLabelLoss(self.class_weights)
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def soft_loss(self, label_smoothing: float) -> keras.losses.Loss:
        """Return the loss of logits and soft targets, both (B, K).

        Args:
            label_smoothing: Label smoothing, 0 to 1.
        """
        if self.task.several:
            return MultiLabelLoss(self.class_weights, label_smoothing)
        return keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=label_smoothing
        )

    def example_weights(self, targets: np.ndarray) -> np.ndarray:
        """Return the loss weights of examples: float32 (B,).

        Args:
            targets: Encoded targets, or soft labels (B, K), which mix the weights too.
        """
        if self.task.several:  # the loss has the weights of the classes
            return np.ones(len(targets), np.float32)
        return loss_weights(self.class_weights, targets)


def loss_weights(weights: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the loss weights of clips with one class each (B,).

    Args:
        weights: Loss weight of each class, float32 (K,).
        classes: Class indices (B,), or soft labels (B, K), which mix the weights too.
    """
    mixed: np.ndarray = classes @ weights if classes.ndim == 2 else weights[classes]
    return mixed
