"""A fine-tuned network's own classifier as the second stage: look-back 1, nothing more to train."""

from pathlib import Path

import numpy as np

from extract.backbones.heads import class_logits, own_classifier
from extract.extractor import Extractor
from extract.extractor.loading import load_network
from model_folder.config import ModelConfig
from sequence.prediction import Predictor
from training.keras_backend import keras


class OwnPredictor(Predictor):
    """Gives the logits that follow the features in the network they come from."""

    def __init__(self, classifier: keras.Model, temperature: float) -> None:
        super().__init__(classifier, look_back=1, temperature=temperature)

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Return logits (n, K) of windows (n, 1, D)."""
        return class_logits(super().logits(batch[:, 0]))


def own_predictor(extractor: Extractor) -> OwnPredictor:
    """Return the predictor of an extractor whose network is a classifier too."""
    return OwnPredictor(extractor.classifier, extractor.config.backbone.temperature)


def load_own_predictor(folder: Path, config: ModelConfig) -> OwnPredictor:
    """Return the predictor of a folder's network alone, for features that are there already.

    Raises:
        LookbackError: the weights are missing, of another network, or not those of model.yaml.
    """
    return OwnPredictor(own_classifier(load_network(folder, config)), config.backbone.temperature)
