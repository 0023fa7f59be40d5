"""Models that classify videos, loaded from a model folder or from published weights."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from extract.extractor.choice import OWN_HEAD
from live.cameras.addresses import source_kind
from live.decision import Decision
from live.loop import decisions
from live.model import LiveModel, choose_live_model, load_live_model
from live.pace import slower_pace
from lookback.arguments import require_clip_network, require_file, require_values
from lookback.results import Prediction
from metrics.pooling import pool
from recipes.loader import load as load_settings
from storage.mirror import is_url
from storage.roles import model_folder
from storage.trees import leave
from video.console import logger
from video.errors import UsageError, VideoError
from video.frame import Frame
from video.sources import SOURCES, open_video

if TYPE_CHECKING:
    from sequence.explain.explainer import Explainer
    from sequence.explain.explanation import Explanation

_LOG = logger(__name__)

_EVERY_CORE = 0  # decoder threads of a file


class Model:
    """A classifier of videos: a backbone that computes features and a second stage over them.

    `lookback.load` creates it. A model has no state of a video. One model can process any number of
    videos, one after another or in several threads. The results are those of separate models.
    """

    def __init__(self, live_model: LiveModel) -> None:
        """Wrap both stages.

        Args:
            live_model: The loaded stages.
        """
        self._live = live_model
        self._explainer: Explainer | None = None

    def __repr__(self) -> str:
        return (
            f"Model({self.backbone}, {len(self.labels)} labels, look-back {self.look_back}, "
            f"engine {self.engine})"
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """The K names, in the order of the probabilities."""
        return self._live.labels

    @property
    def threshold(self) -> float:
        """The probability, 0 to 1, below which `Decision.above_threshold` is false."""
        return self._live.threshold

    @property
    def thresholds(self) -> dict[str, float]:
        """The probability, 0 to 1, from which each label is found, of a multi-label model; empty
        if one label holds at a time."""
        return dict(zip(self.labels, self._live.thresholds, strict=False))

    @property
    def look_back(self) -> int:
        """L, the number of steps that one prediction sees."""
        return self._live.look_back

    @property
    def backbone(self) -> str:
        """The name of the network that computes the features, such as `x3d_s`."""
        return self._live.extractor.config.backbone.name

    @property
    def engine(self) -> str:
        """The name of the engine that computes the features: openvino, onnx or keras."""
        return self._live.extractor.engine.name

    def predict(self, video: str | os.PathLike[str]) -> Prediction:
        """Return the probabilities at every step of a video file.

        They equal those that `run --csv` writes, and those of the evaluation report.

        Args:
            video: The path of a video file of any format that FFmpeg reads.

        Returns:
            The prediction: `seconds` is float64 (N,), `probabilities` float64 (N, K), `full` bool
            (N,).

        Raises:
            VideoError: There is no such file, or no frame of it can be decoded. If the damage is
                later in the file, the steps before it are returned and a warning is logged.

        Example:
            result = model.predict("match.mp4")
            print(result.label, result.label_at(3.2))
            result.to_csv("match.csv")
        """
        require_file(video)
        stream = self._live.stream()
        made: list[Decision] = []
        end = 0.0
        for frame, frame_end in self._frames(video):
            made += stream.push(frame)
            end = frame_end
        _require_steps(len(made), video)
        rows = np.stack([each.probabilities for each in made])
        full = np.array([each.full for each in made])
        whole = self._pooled(rows, full, np.array([each.score for each in made]))
        seconds = [each.seconds for each in made]
        limits = self._live.thresholds
        return Prediction(self.labels, seconds, rows, full, whole, self.threshold, end, limits)

    def features(self, video: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the features of a video file, as the second stage sees them.

        They equal those in the feature file that `extract` writes: within 1e-4 for another engine
        or batch size.

        Args:
            video: The path of a video file.

        Returns:
            seconds: float64 (N,), the time of each step on the video's clock.
            features: float32 (N, D).

        Raises:
            VideoError: There is no such file, or no frame of it can be decoded.

        Example:
            seconds, features = model.features("match.mp4")
        """
        require_file(video)
        stream, dtype = self._live.extractor.stream(), np.dtype(self._live.dtype)
        made = [each for frame, _ in self._frames(video) for each in stream.push(frame)]
        _require_steps(len(made), video)
        rows = np.stack([feature for _, feature in made])
        seconds = np.array([step.seconds for step, _ in made], np.float64)
        return seconds, rows.astype(dtype).astype(np.float32)

    def stream(self, source: int | str | os.PathLike[str]) -> Generator[Decision, None, None]:
        """Yield a decision at every step of a running source.

        The source opens at the first step and closes when the generator ends or is closed. A file
        yields every step. A camera gives its newest frame, however long the loop's body
        takes, and ends when it is disconnected.

        Args:
            source: The index of a camera (0 is the first), a camera's device (`/dev/video0`), the
                address of a stream (`rtsp://...`, `http://...`) or the path of a video file.

        Yields:
            The decisions, in order of time.

        Raises:
            VideoError: The source cannot be opened, or it ends before the first step.

        Example:
            for decision in model.stream(0):
                if decision.above_threshold:
                    print(f"{decision.seconds:.1f} s  {decision.label}")
        """
        address = source if isinstance(source, int) else os.fspath(source)
        kind, number = source_kind(address), 0
        # A camera opens after the warm-up, so that its first frame is not an old one.
        seconds_per_step = 0.0 if kind == "video" else self._live.warm_up()
        with SOURCES[kind](address) as opened:
            stride = slower_pace(self._live, opened.rate, seconds_per_step) if opened.live else None
            for decision in decisions(opened, self._live, stride):
                number += 1
                yield decision
            _warn(opened.name, opened.note)
            _require_steps(number, opened.name)

    def explain(
        self,
        video: str | os.PathLike[str],
        label: str | None = None,
        span: tuple[float, float] = (0.0, float("inf")),
    ) -> "Explanation":
        """Return which places of a video file speak for a class.

        Convolutional networks are explained by Grad-CAM, VideoMAE and TimeSformer by
        gradient-weighted attention rollout. The first call loads the network in Keras, beside that
        of the engine, and needs its memory.

        Args:
            video: The path of a video file.
            label: One of `labels`; None for the most probable one.
            span: The start and end of the explained part, in seconds.

        Returns:
            The explanation: `maps` is float32 (N, h, w), from 0 to 1 for the strongest place.

        Raises:
            UsageError: There is no such label.
            VideoError: The file cannot be read, or has no step in the span.

        Example:
            found = model.explain("match.mp4", label="kick")
            found.save_video("kick.mp4")
        """
        from sequence.explain.loading import explainer_of  # loads Keras

        require_file(video)
        if self._explainer is None:
            live = self._live
            self._explainer = explainer_of(live.extractor, live.predictor, live.labels, live.dtype)
        return self._explainer.explain(Path(video), label, span)

    def _pooled(self, rows: np.ndarray, full: np.ndarray, scores: np.ndarray) -> np.ndarray | None:
        """Return the probabilities (K,) of a video by the model's pooling; None for the mean."""
        pooling = self._live.predictor.pooling
        if pooling.rule == "mean":
            return None
        used = np.flatnonzero(full) if full.any() else np.array([len(full) - 1])
        whole: np.ndarray = pool(rows[used], np.zeros(len(used), int), pooling, scores[used])[0]
        return whole

    def _frames(self, video: str | os.PathLike[str]) -> Iterator[tuple[Frame, float]]:
        """Yield the frames of a file that the sampling needs, with the time when each ends."""
        sampling = self._live.extractor.config.sampling
        with open_video(Path(video), _EVERY_CORE, sampling) as source:
            for frame in source:
                yield frame, frame.seconds + 1 / source.rate
            _warn(source.name, source.note)


def load(
    source: str | os.PathLike[str],
    engine: str = "auto",
    head: str | None = None,
    threshold: float | None = None,
    weights: str | os.PathLike[str] | None = None,
) -> Model:
    """Return the model of a model folder, or a clip network with its published labels.

    Args:
        source: A model folder, such as `weights` or `s3://bucket/model`, or the name of a clip
            network, such as `x3d_s`, whose published weights are downloaded once into
            `weights/pretrained/` of the current folder. If there is a folder of that name, the
            folder is taken.
        engine: The engine that computes the networks: openvino, onnx, keras, or auto for the
            fastest that is installed.
        head: The classifier over the features. `own` is the fine-tuned network's own. None takes
            the folder's second stage, or `own` if there is none.
        threshold: The probability, 0 to 1, below which `Decision.above_threshold` is false. None
            takes the model folder's value, or 0 for a published network.
        weights: A file that replaces the published weights of a named network, as `convert`
            writes it. It must hold the network's classifier.

    Raises:
        UsageError: An argument has an unknown value, or arguments contradict each other.
        LookbackError: A part of the model is missing or belongs to another model.

    Example:
        model = lookback.load("weights")
        network = lookback.load("x3d_s")  # 400 Kinetics labels, without any training
    """
    require_values(engine, threshold)
    name = os.fspath(source)
    if is_url(name):
        name = str(model_folder(name))
        leave(Path(name))
    if Path(name).is_dir():
        if weights is not None:
            raise UsageError(f"load: {name} is a model folder, which has its own weights")
        return Model(load_live_model(Path(name), threshold, head or "", engine))
    require_clip_network(name)
    if head not in (None, OWN_HEAD):
        raise UsageError(f"load: {name} has its published classifier; head={head!r} needs training")
    keys: dict[str, Any] = {"backbone.name": name, "extract.engine": engine}
    if weights is not None:
        keys["backbone.weights"] = os.fspath(weights)
    if threshold is not None:
        keys["sequence.threshold"] = threshold
    return Model(choose_live_model(load_settings(flags=keys)))


def _require_steps(number: int, source: str | os.PathLike[str]) -> None:
    if not number:
        raise VideoError(f"{os.fspath(source)}: ended before the first step")


def _warn(name: str, note: str) -> None:
    if note:
        _LOG.warning(f"note: {name}: {note}")
