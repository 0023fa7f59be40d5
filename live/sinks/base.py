"""What a sink of decisions is."""

import numpy as np

from live.decision import Decision
from video.frame import Frame


class StopRequested(Exception):
    """The user asked for the end (q, or the window closed)."""


class Sink:
    """Takes what comes out of the loop; a context manager whose end completes its output.

    Attributes:
        draws: whether `on_frame` wants the annotated picture.
    """

    draws = False

    def on_step(self, decision: Decision, step_seconds: float) -> None:
        """Take a decision, and what it took from decoding to deciding."""

    def on_frame(self, frame: Frame, picture: np.ndarray | None) -> None:
        """Take a frame of the source, annotated (uint8 RGB) where the sink draws."""

    def close(self) -> None:
        """Complete the output. May be called twice."""

    def __enter__(self) -> "Sink":
        return self

    def __exit__(self, *_) -> None:
        self.close()
