"""One running video: frames in, decisions out. All state of a video is here, none in the model."""

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
    """The steps, the window and the kept results of one video; `LiveModel.stream` makes it.

    Streams of one model share its networks and nothing else, so any number of them can run by
    turns or in threads. One stream belongs to one video, and decides in one thread at a time.
    """

    def __init__(
        self,
        features: FeatureStream,
        predictor: Predictor,
        labels: tuple[str, ...],
        threshold: float,
        dtype: str,
    ) -> None:
        """Begin a video.

        Args:
            features: The stream of this video's features, a new one.
            predictor: The second stage, shared with other streams.
            labels: Names in the order of the probabilities.
            threshold: Probability below which a label counts as undecided.
            dtype: Type that the features of the training were stored in.
        """
        self._features, self._predictor = features, predictor
        self._labels, self._threshold = labels, threshold
        self._dtype = np.dtype(dtype)
        self._window = RollingWindow(predictor.look_back)
        self._full_steps = 0

    def push(self, frame: Frame) -> Iterator[Decision]:
        """Yield the decisions at the steps that `frame` settles.

        Frames come in order, from the first. Exhaust the iterator before the next push.
        """
        for step in self.steps(frame):
            yield self.decide(step)

    def steps(self, frame: Frame) -> Iterator[Step]:
        """Yield the steps that `frame` settles, undecided: the first half of `push`."""
        return self._features.steps(frame)

    def decide(self, step: Step, watch: Stopwatch | None = None) -> Decision:
        """Return the decision at a step: the second half of `push`.

        Args:
            step: The step, of `steps`. Steps come in order; one that repeats the step before comes
                after that one.
            watch: The stopwatch that counts the seconds of both stages, if anybody asks.
        """
        watch = watch or Stopwatch()
        with watch.stage("backbone"):
            # Rounded as the feature file rounds, or live would differ from the report.
            feature = self._features.feature(step).astype(self._dtype).astype(np.float32)
        with watch.stage("sequence"):
            window = self._window.push(feature)
            probabilities = self._predictor.probabilities(window[None])[0]
        self._full_steps += step.full
        full = self._full_steps >= self._predictor.look_back
        return Decision(
            step.index, step.seconds, probabilities, self._labels, self._threshold, full
        )
