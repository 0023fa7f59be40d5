"""The `own` head: the classifier of a fine-tuned network as the second stage, with look-back 1."""

from pathlib import Path

import numpy as np

from extract.backbones.heads import class_logits, own_classifier
from extract.engines import UnbuiltModel
from extract.extractor import Extractor
from extract.extractor.loading import load_network
from metrics.pooling import Pooling
from metrics.task import SINGLE_LABEL, Task, task_named
from model_folder.config import BackboneConfig, ModelConfig
from sequence.prediction import Predictor, require_thresholds
from training.keras_backend import keras


class OwnPredictor(Predictor):
    """Predictor that applies a fine-tuned network's classifier to single features."""

    def __init__(
        self,
        classifier: "keras.Model | UnbuiltModel",
        temperature: float,
        task: Task = SINGLE_LABEL,
        thresholds: tuple[float, ...] = (),
    ) -> None:
        """Wrap the classifier.

        Args:
            classifier: Classifier of the network, from features (B, D) to logits; it may be
                unbuilt.
            temperature: Temperature that divides the logits.
            task: Whether a clip has one class or several.
            thresholds: Probability from which each class is found; empty for a single label.
        """
        super().__init__(classifier, 1, temperature, Pooling(task=task), thresholds)

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Return logits (n, K) of windows (n, 1, D)."""
        return class_logits(super().logits(batch[:, 0]))

    def traced_logits(self, batch):
        """Return the logits (n, K) of windows (n, 1, D), tensors of the backend, for gradients."""
        outputs = super().traced_logits(batch[:, 0])
        if outputs.shape[-1] > 1:
            return outputs
        return keras.ops.concatenate([keras.ops.zeros_like(outputs), outputs], axis=-1)


def own_predictor(extractor: Extractor) -> OwnPredictor:
    """Return a predictor that applies the classifier of an extractor's network."""
    return predictor_of(extractor.classifier, extractor.config.backbone)


def load_own_predictor(folder: Path, config: ModelConfig) -> OwnPredictor:
    """Return the predictor of a model folder's network, for features that are already extracted.

    Args:
        folder: Model folder.
        config: Content of its model.yaml.

    Raises:
        LookbackError: The weights are missing, or are not those that model.yaml names.
    """
    backbone = config.backbone
    require_thresholds(backbone.thresholds, backbone.labels, backbone.task, folder)
    return predictor_of(own_classifier(load_network(folder, config)), backbone)


def predictor_of(
    classifier: "keras.Model | UnbuiltModel", backbone: BackboneConfig
) -> OwnPredictor:
    """Return a predictor that applies a classifier with the task and numbers of its backbone."""
    task = task_named(backbone.task)
    return OwnPredictor(classifier, backbone.temperature, task, backbone.thresholds)
