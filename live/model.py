"""Models for live use: both stages, loaded from a model folder or from published weights."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from extract.extractor import Extractor
from extract.extractor.choice import (
    OWN_HEAD,
    FolderModel,
    PretrainedModel,
    choose_for_inference,
    choose_head,
)
from extract.extractor.loading import load_extractor, load_published
from live.decision import Decision
from live.stream import VideoStream
from model_folder.config import require_config
from recipes.loader import Settings
from sequence.own_head import own_predictor
from sequence.prediction import (
    Predictor,
    load_live_predictor,
    require_sequence,
    require_spec,
)
from sequence.prediction_rows import BEST_OF_MANY, MAX_COLUMNS
from video.frame import Frame
from video.steps import Step

_BEST = 3
_WARM_STEPS = 3
_OWN_THRESHOLD = 0.5  # of a fine-tuned network's own classifier


@dataclass(frozen=True)
class LiveModel:
    """Both stages: the same objects that extraction and evaluation use.

    It has no state of a video: each video has its own `VideoStream`, and any number of them can
    be interleaved or run in threads.

    Attributes:
        extractor: The first stage.
        predictor: The second stage.
        labels: The K names, in the order of the probabilities.
        threshold: The probability, 0 to 1, that a label has to reach.
        dtype: The type that the training's features were stored in, and are rounded to.
        thresholds: The probability from which each label is found, K numbers, of a multi-label
            model; empty if one label holds at a time.
    """

    extractor: Extractor
    predictor: Predictor
    labels: tuple[str, ...]
    threshold: float
    dtype: str = "float32"
    thresholds: tuple[float, ...] = ()

    @property
    def look_back(self) -> int:
        """L, the steps that one prediction sees."""
        return self.predictor.look_back

    @property
    def shows_all(self) -> bool:
        """Whether the labels are few enough for a CSV column each."""
        return len(self.labels) <= MAX_COLUMNS

    @property
    def best(self) -> int:
        """The number of most probable labels that are shown."""
        return _BEST if self.shows_all else BEST_OF_MANY

    def stream(self, stride: int | None = None) -> VideoStream:
        """Return the stream of a new video.

        Args:
            stride: The sampled frames from one step to the next; None for the features' own stride.
        """
        features = self.extractor.stream(stride)
        return VideoStream(
            features, self.predictor, self.labels, self.threshold, self.dtype, self.thresholds
        )

    def decisions(self, frames: Iterable[Frame]) -> Iterator[Decision]:
        """Yield the decision at every step of one video.

        Args:
            frames: The frames of the video, such as a `VideoSource`.
        """
        stream = self.stream()
        for frame in frames:
            yield from stream.push(frame)

    def warm_up(self) -> float:
        """Compile both networks, so that the first step is as fast as the others.

        Returns:
            The seconds that a step takes.
        """
        wanted, length = self.extractor.config.preprocessing, self.extractor.frames_per_clip
        clip = np.zeros((length, wanted.height, wanted.width, 3), np.uint8)
        blank = Step(0, 0.0, clip, False, frames=tuple(range(length)))
        times = []
        for _ in range(_WARM_STEPS):
            stream = self.stream()  # a new stream computes all frames of its first clip
            started = time.perf_counter()
            stream.decide(blank)
            times.append(time.perf_counter() - started)
        return min(times)


def choose_live_model(settings: Settings, videos: int = 1) -> LiveModel:
    """Return the model that run.py uses; see `extract.extractor.choice.choose_for_inference`.

    Args:
        settings: The settings of the run.
        videos: Number of videos at once.

    Raises:
        UsageError: Flags contradict each other.
        LookbackError: A part of the model is missing.
    """
    threshold = settings.recipe.sequence.threshold
    if "sequence.threshold" not in settings.given:
        threshold = None
    choice = choose_for_inference(settings)
    if isinstance(choice, PretrainedModel):
        return _published_live_model(choice, threshold, videos)
    return _folder_live_model(choice, threshold, settings.recipe.extract.engine, videos)


def load_live_model(
    folder: Path,
    threshold: float | None = None,
    head: str = "",
    engine: str = "auto",
    videos: int = 1,
) -> LiveModel:
    """Return the model of a model folder.

    Args:
        folder: The model folder.
        threshold: The probability, 0 to 1, that a label has to reach; None for the model's own,
            which is one for each label in a multi-label model.
        head: Name of a head; see `extract.extractor.choice.choose_head`.
        engine: Name of an engine; see `extract.engines.registry.make_engine`.
        videos: Number of videos at once.

    Raises:
        LookbackError: A part is missing, or the parts do not belong together.
    """
    config = require_config(folder)
    choice = FolderModel(folder, config, head=choose_head(folder, config, head))
    return _folder_live_model(choice, threshold, engine, videos)


def _folder_live_model(
    choice: FolderModel, threshold: float | None, engine: str, videos: int
) -> LiveModel:
    folder, config = choice.folder, choice.config
    if choice.head == OWN_HEAD:
        extractor = load_extractor(folder, config, engine, live=videos)
        predictor = own_predictor(extractor)
        predictor.use_engine(engine, extractor.folder, videos)
        shown_from = _OWN_THRESHOLD if threshold is None else threshold
        thresholds = _thresholds(predictor, threshold)
        labels = config.backbone.labels
        return LiveModel(extractor, predictor, labels, shown_from, thresholds=thresholds)
    trained = require_sequence(folder, config)
    extractor = load_extractor(folder, config, engine, live=videos)
    # Check this before loading the weights: their shape depends on the features.
    require_spec(config, extractor.spec(trained.dtype), str(folder))
    predictor = load_live_predictor(folder, config, engine, videos)
    shown_from = trained.threshold if threshold is None else threshold
    thresholds = _thresholds(predictor, threshold)
    return LiveModel(extractor, predictor, config.labels, shown_from, trained.dtype, thresholds)


def _thresholds(predictor: Predictor, asked: float | None) -> tuple[float, ...]:
    """Return the thresholds of a multi-label model: its own, or the one that is asked for."""
    own = predictor.thresholds
    return own if asked is None else (asked,) * len(own)


def _published_live_model(
    choice: PretrainedModel, threshold: float | None, videos: int
) -> LiveModel:
    extractor = load_published(choice, videos)
    predictor = own_predictor(extractor)
    predictor.use_engine(choice.settings.recipe.extract.engine, extractor.folder, videos)
    # With 400 classes the top probability rarely reaches 0.5: without an explicit threshold the
    # label is always shown.
    return LiveModel(extractor, predictor, extractor.config.labels, threshold or 0.0)
