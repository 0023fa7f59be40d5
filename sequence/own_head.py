"""The `own` head: the classifier of a fine-tuned network as the second stage, with look-back 1."""

from pathlib import Path

import numpy as np

from extract.backbones.heads import class_logits, own_classifier
from extract.extractor import Extractor
from extract.extractor.loading import load_network
from model_folder.config import ModelConfig
from sequence.prediction import Predictor
from training.keras_backend import keras


class OwnPredictor(Predictor):
    """Predictor that applies a fine-tuned network's classifier to single features."""

    def __init__(self, classifier: keras.Model, temperature: float) -> None:
        """Wrap the classifier.

        Args:
            classifier: Classifier of the network, from features (B, D) to logits.
            temperature: Temperature that divides the logits.
        """
        super().__init__(classifier, look_back=1, temperature=temperature)

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
    return OwnPredictor(extractor.classifier, extractor.config.backbone.temperature)


def load_own_predictor(folder: Path, config: ModelConfig) -> OwnPredictor:
    """Return the predictor of a model folder's network, for features that are already extracted.

    Args:
        folder: Model folder.
        config: Content of its model.yaml.

    Raises:
        LookbackError: The weights are missing, or are not those that model.yaml names.
    """
    return OwnPredictor(own_classifier(load_network(folder, config)), config.backbone.temperature)
