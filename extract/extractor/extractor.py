"""Extractor: clips to features, the same for extraction and live use."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from extract.engines import Engine, UnbuiltModel
from model_folder.config import ModelConfig
from video.frame import Frame
from video.scaling import PIXELS
from video.steps import Step, Stepper

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Extractor:
    """A backbone on an engine, with everything that determines its features.

    Attributes:
        config: Config of the model.
        engine: Engine that computes the features.
        classifier: The part of a fine-tuned or published network after its features: float32
            (B, D) to logits (B, K) or (B, 1), which may be unbuilt; None without one.
        folder: Folder of the converted-model cache; None without a cache.
        reload: Function that loads the network in Keras, from uint8 (B, T, H, W, 3) to features
            (B, D), for gradients; engines have none. None if it cannot be loaded again.
    """

    config: ModelConfig
    engine: Engine
    classifier: "keras.Model | UnbuiltModel | None" = None
    folder: Path | None = None
    reload: "Callable[[], keras.Model] | None" = None

    @property
    def clip_length(self) -> int:
        return self.config.backbone.clip_length

    @property
    def frames_per_clip(self) -> int:
        """The frames in one input of the network: T, or 2 for a change picture."""
        return self.config.sampling.frames_per_clip(self.clip_length)

    def stepper(self, stride: int | None = None) -> Stepper:
        """Return the stepper of a new video: frames to steps.

        Args:
            stride: Sampled frames from one step to the next; None for the config's.
        """
        sampling = replace(self.config.sampling, stride=stride) if stride else self.config.sampling
        return Stepper(sampling, self.config.preprocessing, self.clip_length)

    def spec(self, dtype: str) -> dict:
        """Return the spec that a feature file records. Features of equal specs are interchangeable.

        Args:
            dtype: Type that the features are stored in: `float32` or `float16`.
        """
        return feature_spec(self.config, self.engine.precision, dtype)

    def __call__(self, clips: np.ndarray) -> np.ndarray:
        """Return float32 features (B, D) of uint8 clips (B, T, H, W, 3)."""
        return self.engine(clips)

    def stream(self, stride: int | None = None) -> "FeatureStream":
        """Return the feature stream of a new video.

        Args:
            stride: Sampled frames from one step to the next; None for the config's.
        """
        return FeatureStream(self, stride)


def feature_spec(config: ModelConfig, precision: str, dtype: str) -> dict:
    """Return the spec of the features of a model config; see `Extractor.spec`.

    Args:
        config: Config of the model.
        precision: Precision of the network.
        dtype: Type that the features are stored in.
    """
    backbone = config.backbone
    quantised = {"quantised_sha256": config.quantised.sha256} if precision == "int8" else {}
    return {
        "backbone": backbone.name,
        "weights_sha256": backbone.sha256,
        "feature_size": backbone.feature_size,
        "clip_length": backbone.clip_length,
        "sampling": config.sampling.to_dict(),
        "preprocessing": config.preprocessing.to_dict(),
        "pixels": PIXELS,
        "precision": precision,
        "dtype": dtype,
        **quantised,
    }


class FeatureStream:
    """The features of one video, computed step by step; `Extractor.stream` makes one per video.

    It holds all state between steps: sampled frames, per-frame results, the last feature. Streams
    of one extractor can be interleaved or run in threads.
    """

    def __init__(self, extractor: Extractor, stride: int | None = None) -> None:
        self._stepper = extractor.stepper(stride)
        self._clips = extractor.engine.stream()
        self._newest: np.ndarray | None = None

    def push(self, frame: Frame) -> Iterator[tuple[Step, np.ndarray]]:
        """Yield the steps that `frame` completes, each with its float32 feature (D,).

        Exhaust the iterator before the next push.
        """
        for step in self.steps(frame):
            yield step, self.feature(step)

    def steps(self, frame: Frame) -> Iterator[Step]:
        """Yield the steps that `frame` completes: the first half of `push`."""
        return self._stepper.push(frame)

    def feature(self, step: Step) -> np.ndarray:
        """Return the float32 feature (D,) of a step: the second half of `push`.

        A step that shows the same frames as the previous one reuses its feature.
        """
        if self._newest is None or not step.repeats:
            self._newest = self._clips.feature(step.clip, step.frames)
        return self._newest
