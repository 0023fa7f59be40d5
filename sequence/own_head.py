"""A fine-tuned network's own classifier as the second stage: look-back 1, nothing more to train."""

from pathlib import Path

import numpy as np

from extract.backbones.heads import class_logits, own_classifier
from extract.extractor import Extractor
from extract.extractor.loading import load_network
from model_folder.config import ModelConfig
from recipes.commands import command
from recipes.loader import Settings
from sequence.model import OWN
from sequence.prediction import Predictor
from training.keras_backend import keras
from video.errors import LookbackError, UsageError


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


def asked_head(settings: Settings) -> str:
    """Return the head that a model is to be used with: `own` where recipe or flags say so, another
    where a flag does; empty where the folder decides."""
    head = settings.recipe.sequence.head
    asked = settings.given if head == OWN else settings.flags
    return head if "sequence.head" in asked else ""


def takes_own_head(folder: Path, config: ModelConfig, asked: str) -> bool:
    """Return whether a folder's model answers by its network's own classifier.

    Args:
        folder, config: the model folder.
        asked: see `asked_head`; without it a second stage goes first where there is one.

    Raises:
        UsageError: another second stage is asked for than the folder holds.
        LookbackError: the own classifier is asked for, and there is none.
    """
    if asked == OWN and config.backbone.network is None:
        raise LookbackError(
            f"{folder}: its backbone has no classifier of its own, it was not fine-tuned; "
            f"{command('finetune')} trains one, {command('train')} a second stage"
        )
    held = config.sequence.head if config.sequence else None
    if asked not in ("", OWN, held):
        there = f"a second stage of kind {held}" if held else "no second stage yet"
        raise UsageError(
            f"--head {asked}: {folder} holds {there}; {command('train')} --head {asked} trains "
            "this one"
        )
    return asked == OWN or (held is None and config.backbone.network is not None and not asked)
