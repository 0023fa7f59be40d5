"""A fine-tuned network's own classifier as the second stage: look-back 1, nothing more to train."""

from pathlib import Path

import numpy as np

from extract.extractor import Extractor
from extract.framework import keras
from extract.model_folder import ModelCard
from extract.network import class_logits
from sequence.model import OWN
from sequence.prediction import Predictor
from video.errors import LookbackError


class OwnPredictor(Predictor):
    """Gives the logits that follow the features in the network they come from."""

    def __init__(self, classifier: keras.Model, temperature: float) -> None:
        super().__init__(classifier, look_back=1, temperature=temperature)

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Return logits (n, K) of windows (n, 1, D)."""
        return class_logits(super().logits(batch[:, 0]))


def own_predictor(extractor: Extractor) -> OwnPredictor:
    """Return the predictor of an extractor whose network is a classifier too."""
    return OwnPredictor(extractor.classifier, extractor.card.backbone.temperature)


def takes_own_head(folder: Path, card: ModelCard, head: str) -> bool:
    """Return whether `head`, as the command line has it, means the network's own classifier.

    Raises:
        LookbackError: it does, and the folder's network has none.
    """
    if head != OWN:
        return card.sequence is None and card.backbone.network is not None
    if card.backbone.network is None:
        raise LookbackError(
            f"{folder}: its backbone has no classifier of its own, it was not fine-tuned; python "
            "finetune.py trains one, python train_lstm.py a second stage"
        )
    return True
