"""What turns clips into features, for extraction and live."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from extract.engines import Engine
from model_folder.card import ModelCard
from video.scaling import PIXELS
from video.steps import Step, Stepper

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Extractor:
    """A backbone ready to run, with everything that decides what its features are.

    Attributes:
        card: what the model folder says of it.
        engine: computes the features.
        classifier: of a network that is a classifier too, what follows its features: float32
            (B, D) to logits (B, K) or (B, 1).
        folder: where what engines convert is kept: the model folder, or one beside published
            weights; None where nothing is.
    """

    card: ModelCard
    engine: Engine
    classifier: "keras.Model | None" = None
    folder: Path | None = None

    @property
    def clip_length(self) -> int:
        return self.card.backbone.clip_length

    def stepper(self, hop: int | None = None) -> Stepper:
        """Return what turns one video's frames into steps, `hop` sampled frames from one to the
        next; None for as many as the features were made with."""
        sampling = replace(self.card.sampling, hop=hop) if hop else self.card.sampling
        return Stepper(sampling, self.card.preprocessing, self.clip_length)

    def spec(self, dtype: str) -> dict:
        """Return what a feature file records: features under equal specs are interchangeable."""
        backbone = self.card.backbone
        quantised = {}
        if self.engine.precision == "int8":
            quantised["quantised_sha256"] = self.card.quantised.sha256
        return {
            "backbone": backbone.name,
            "weights_sha256": backbone.sha256,
            "feature_size": backbone.feature_size,
            "clip_length": self.clip_length,
            "sampling": self.card.sampling.to_dict(),
            "preprocessing": self.card.preprocessing.to_dict(),
            "pixels": PIXELS,
            "precision": self.engine.precision,
            "dtype": dtype,
            **quantised,
        }

    def __call__(self, clips: np.ndarray) -> np.ndarray:
        """Return float32 features (B, D) of uint8 clips (B, T, H, W, 3)."""
        return self.engine(clips)

    def of_step(self, step: Step) -> np.ndarray:
        """Return the float32 feature (D,) of a running video's newest step."""
        return self.engine.of_step(step.clip, step.frames)
