"""Stream of one running video: frames in, decisions out. It has all state of the video."""

from collections.abc import Iterator

import numpy as np

from extract.extractor import FeatureStream
from live.decision import Decision
from live.timing import Stopwatch
from sequence.prediction import Predictor
from sequence.windows import RollingWindow
from video.frame import Frame
from video.steps import Step


class VideoStream:
    """The sampler, the window and the cached results of one video; created by `LiveModel.stream`.

    Streams of one model share only its networks, so any number of them can be interleaved or run in
    threads. A stream belongs to one video and is used by one thread at a time.
    """

    def __init__(
        self,
        features: FeatureStream,
        predictor: Predictor,
        labels: tuple[str, ...],
        threshold: float,
        dtype: str,
        thresholds: tuple[float, ...] = (),
    ) -> None:
        """Begin a video.

        Args:
            features: A new feature stream for this video.
            predictor: The second stage, shared with other streams.
            labels: The K names, in the order of the probabilities.
            threshold: The probability, 0 to 1, that a label has to reach.
            dtype: The type that the training's features were stored in: float32 or float16.
            thresholds: The probability from which each label is found, of a multi-label model.
        """
        self._features, self._predictor = features, predictor
        self._labels, self._threshold = labels, threshold
        self._dtype, self._thresholds = np.dtype(dtype), thresholds
        self._window = RollingWindow(predictor.look_back)
        self._newest: np.ndarray | None = None
        self._full_steps = 0

    def push(self, frame: Frame) -> Iterator[Decision]:
        """Yield the decisions at the steps that a frame completes.

        Exhaust the iterator before the next push.

        Args:
            frame: The next frame; frames come in order, from the first.
        """
        for step in self.steps(frame):
            yield self.decide(step)

    def steps(self, frame: Frame) -> Iterator[Step]:
        """Yield the steps that a frame completes, before their decisions: the first half of `push`.

        Args:
            frame: The next frame.
        """
        return self._features.steps(frame)

    def fill(self, count: int) -> None:
        """Repeat the newest row of the window for steps that are not computed, so that its rows
        stay as far apart in time as in training.

        Args:
            count: The number of steps between the newest one and the next.
        """
        if self._newest is None:
            return
        for _ in range(min(count, self._predictor.look_back)):
            self._window.push(self._newest)
        self._full_steps += count if self._full_steps else 0

    def decide(self, step: Step, watch: Stopwatch | None = None) -> Decision:
        """Return the decision at a step: the second half of `push`.

        Args:
            step: A step of `steps`, in order. A repeating step directly follows the repeated one.
            watch: The stopwatch that times both stages, or None.
        """
        watch = watch or Stopwatch()
        with watch.section("backbone"):
            # Round as the feature file does; otherwise live would differ from the report.
            feature = self._features.feature(step).astype(self._dtype).astype(np.float32)
        self._newest = feature
        with watch.section("sequence"):
            window = self._window.push(feature)
            probabilities, scores = self._predictor.scored(window[None])
        self._full_steps += step.full
        full = self._full_steps >= self._predictor.look_back
        return Decision(
            step.index,
            step.seconds,
            probabilities[0],
            self._labels,
            self._threshold,
            full,
            float(scores[0]),
            self._thresholds,
        )
