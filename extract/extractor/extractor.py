"""What turns clips into features, for extraction and live."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from extract.engines import Engine
from model_folder.config import ModelConfig
from video.frame import Frame
from video.scaling import PIXELS
from video.steps import Step, Stepper

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Extractor:
    """A backbone ready to run, with everything that decides what its features are.

    Attributes:
        config: what the model folder says of it.
        engine: computes the features.
        classifier: of a network that is a classifier too, what follows its features: float32
            (B, D) to logits (B, K) or (B, 1).
        folder: where what engines convert is kept: the model folder, or one beside published
            weights; None where nothing is.
    """

    config: ModelConfig
    engine: Engine
    classifier: "keras.Model | None" = None
    folder: Path | None = None

    @property
    def clip_length(self) -> int:
        return self.config.backbone.clip_length

    def stepper(self, stride: int | None = None) -> Stepper:
        """Return what turns one video's frames into steps, `stride` sampled frames from one to the
        next; None for as many as the features were made with."""
        sampling = replace(self.config.sampling, stride=stride) if stride else self.config.sampling
        return Stepper(sampling, self.config.preprocessing, self.clip_length)

    def spec(self, dtype: str) -> dict:
        """Return what a feature file records: features under equal specs are interchangeable."""
        backbone = self.config.backbone
        quantised = {}
        if self.engine.precision == "int8":
            quantised["quantised_sha256"] = self.config.quantised.sha256
        return {
            "backbone": backbone.name,
            "weights_sha256": backbone.sha256,
            "feature_size": backbone.feature_size,
            "clip_length": self.clip_length,
            "sampling": self.config.sampling.to_dict(),
            "preprocessing": self.config.preprocessing.to_dict(),
            "pixels": PIXELS,
            "precision": self.engine.precision,
            "dtype": dtype,
            **quantised,
        }

    def __call__(self, clips: np.ndarray) -> np.ndarray:
        """Return float32 features (B, D) of uint8 clips (B, T, H, W, 3)."""
        return self.engine(clips)

    def stream(self, stride: int | None = None) -> "FeatureStream":
        """Return what computes the features of one video, step by step; `stride` as for
        `stepper`."""
        return FeatureStream(self, stride)


class FeatureStream:
    """The features of one running video; `Extractor.stream` makes it. One instance a video.

    What it keeps between steps (sampled frames, results of single frames, the last feature) is its
    own, so streams of one extractor can run by turns or in threads.
    """

    def __init__(self, extractor: Extractor, stride: int | None = None) -> None:
        self._stepper = extractor.stepper(stride)
        self._clips = extractor.engine.stream()
        self._newest: np.ndarray | None = None

    def push(self, frame: Frame) -> Iterator[tuple[Step, np.ndarray]]:
        """Yield the steps that `frame` settles, each with its float32 feature (D,).

        Exhaust the iterator before the next push.
        """
        for step in self.steps(frame):
            yield step, self.feature(step)

    def steps(self, frame: Frame) -> Iterator[Step]:
        """Yield the steps that `frame` settles: the first half of `push`."""
        return self._stepper.push(frame)

    def feature(self, step: Step) -> np.ndarray:
        """Return the float32 feature (D,) of a step: the second half of `push`.

        One that repeats the step before takes its feature over.
        """
        if self._newest is None or not step.repeats:
            self._newest = self._clips.feature(step.clip, step.frames)
        return self._newest
