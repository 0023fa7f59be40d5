"""Explainer: from a video to a map of every sampled frame, one step in memory at a time.

    video -> steps -> features -> gradient of the clip's score at every step (`chain.py`)
    video -> steps, each with its gradient -> map of the step's clip -> its frames

The video is decoded once for each line, so that only features and small maps are kept. A frame
that several clips show has the mean of their maps.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from extract.architectures.registry import spec_of
from extract.architectures.spatial_maps import predicted
from metrics.pooling import pool
from model_folder.config import ModelConfig
from sequence.explain.attention import AttentionMaps
from sequence.explain.chain import step_slopes
from sequence.explain.explanation import Explanation
from sequence.explain.grad_cam import GradCam
from sequence.prediction import Predictor
from sequence.windows import full_steps, window_rows
from training.keras_backend import keras
from video.errors import UsageError, VideoError, hint
from video.sampling import steps_before_full
from video.sources import open_video
from video.steps import Step, Stepper

_EVERY_CORE = 0  # decoder threads of a file


@dataclass(frozen=True)
class KnownSteps:
    """Steps of a video with their features.

    Attributes:
        seconds: Time of each step: (N,).
        features: Features: float32 (N, D).
    """

    seconds: np.ndarray
    features: np.ndarray


class Explainer:
    """Both stages of a model in Keras, which has gradients; engines have none."""

    def __init__(
        self,
        network: keras.Model,
        predictor: Predictor,
        config: ModelConfig,
        labels: tuple[str, ...],
        dtype: str = "float32",
    ) -> None:
        """Choose the method by the backbone: attention for transformers, else Grad-CAM.

        Args:
            network: First stage, from uint8 clips (B, T, H, W, 3) to features (B, D).
            predictor: Second stage.
            config: Config of the model.
            labels: Names of the K classes, in the order of the probabilities.
            dtype: Type that the training's features were stored in, and are rounded to.
        """
        self.labels = labels
        self._network, self._predictor, self._config = network, predictor, config
        self._dtype = np.dtype(dtype)
        attention = spec_of(config.backbone.name).attention
        self._maps = AttentionMaps(network, attention) if attention else GradCam(network)

    @property
    def method(self) -> str:
        """The method in words."""
        both = ", slow and fast pathway together" if self._maps.pathways > 1 else ""
        return self._maps.method + both

    @property
    def sees_change(self) -> bool:
        """Whether the network sees change pictures instead of frames."""
        return self._config.sampling.is_change

    def target_of(self, label: str) -> int:
        """Return the index of a class; raise `UsageError` if there is none of that name."""
        if label not in self.labels:
            raise UsageError(f"label {label}: is no class; {hint(label, self.labels)}")
        return self.labels.index(label)

    def explain(
        self,
        path: Path,
        label: str | None = None,
        span: tuple[float, float] = (0.0, float("inf")),
        known: KnownSteps | None = None,
    ) -> Explanation:
        """Return the maps of a clip for a class.

        Args:
            path: Video file, or folder of images `FOLDER@25fps`.
            label: Class; None for the most probable one.
            span: Start and end of the clip in the video, in seconds.
            known: Steps of the whole video with their features; None to compute them.

        Raises:
            UsageError: There is no class of that name.
            VideoError: The video cannot be read, or has no step in the span.
        """
        target = None if label is None else self.target_of(label)
        known = known or self._compute(path, span[1])
        first, last = np.searchsorted(known.seconds, span).tolist()
        if first == last:
            raise VideoError(f"{path}: has no step from {span[0]:g} to {span[1]:g} s")
        config, look_back = self._config, self._predictor.look_back
        before = steps_before_full(config.backbone.clip_length, config.sampling.stride)
        newest = full_steps(first, last, look_back + before)
        whole = self._probabilities(known.features, newest)
        target = int(whole.argmax()) if target is None else target
        slopes = step_slopes(self._predictor, known.features, newest, target)
        frames = self._frames(path, slopes)
        if not frames:
            raise VideoError(f"{path}: has fewer steps than its features; extract it again")
        return Explanation.of(
            path, self.labels[target], float(whole[target]), frames, config, self.method
        )

    def _probabilities(self, features: np.ndarray, newest: range) -> np.ndarray:
        steps = np.asarray(newest)
        rows = window_rows(steps, np.zeros_like(steps), self._predictor.look_back)
        probabilities, scores = self._predictor.scored(features[rows])
        clip: np.ndarray = pool(
            probabilities, np.zeros(len(steps), int), self._predictor.pooling, scores
        )[0]
        return clip

    def _steps(self, path: Path) -> Iterator[tuple[Step, dict[int, float]]]:
        """Yield the steps of a video, each with the times of the frames so far that may be in it.

        The times are one dictionary, which the caller may shorten.
        """
        config, times = self._config, dict[int, float]()
        stepper = Stepper(config.sampling, config.preprocessing, config.backbone.clip_length)
        with open_video(path, _EVERY_CORE, config.sampling) as source:
            for frame in source:
                times[frame.index] = frame.seconds
                for step in stepper.push(frame):
                    yield step, times

    def _compute(self, path: Path, end: float) -> KnownSteps:
        seconds: list[float] = []
        features: list[np.ndarray] = []
        for step, times in self._steps(path):
            if step.seconds >= end:
                break
            times.clear()
            if not (step.repeats and features):
                made = np.asarray(predicted(self._network, step.clip[None]))[0]
                features.append(made.astype(self._dtype).astype(np.float32))
            else:
                features.append(features[-1])
            seconds.append(step.seconds)
        if not seconds:
            raise VideoError(f"{path}: ended before the first step")
        return KnownSteps(np.array(seconds), np.stack(features))

    def _frames(self, path: Path, slopes: np.ndarray) -> "dict[int, _Shown]":
        """Return the sampled frames of the steps with a gradient, by their index in the video."""
        used = np.flatnonzero(np.abs(slopes).max(1))
        frames: dict[int, _Shown] = {}
        if not len(used):  # a model that ignores its features: maps without any place
            used = np.arange(len(slopes))
        for step, times in self._steps(path):
            if step.index > used[-1]:
                break
            if step.index >= used[0]:
                maps = self._maps(step.clip, slopes[step.index])
                if self._config.sampling.is_change:  # one picture, shown at its later frame
                    earlier, later = step.frames
                    frames.setdefault(later, _Shown(times[later], earlier)).add(maps[-1])
                else:
                    for index, picture in zip(step.frames, maps, strict=True):
                        frames.setdefault(index, _Shown(times[index])).add(picture)
            for index in [each for each in times if each < step.frames[0]]:
                del times[index]
        return frames


class _Shown:
    """A frame of the video with the sum of its maps."""

    def __init__(self, seconds: float, earlier: int | None = None) -> None:
        self.seconds, self.earlier = seconds, earlier
        self._total: np.ndarray | None = None
        self._count = 0

    def add(self, picture: np.ndarray) -> None:
        self._total = picture if self._total is None else self._total + picture
        self._count += 1

    @property
    def map(self) -> np.ndarray:
        """Mean of the maps: float32 (h, w)."""
        assert self._total is not None
        return self._total / self._count
