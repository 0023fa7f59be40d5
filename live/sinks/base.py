"""Interface of the sinks of decisions."""

from live.decision import Decision
from live.overlay import AnnotatedFrame
from video.frame import Frame


class StopRequested(Exception):
    """The user ended the run: q, Esc, or the window was closed."""


class Sink:
    """Takes decisions and frames of the loop; a context manager whose end completes its output.

    Attributes:
        draws: Whether `on_frame` needs the annotated image.
    """

    draws = False

    def on_step(self, decision: Decision, step_seconds: float) -> None:
        """Take a decision, and the seconds from decoding to the decision."""

    def on_frame(self, frame: Frame, image: AnnotatedFrame | None) -> None:
        """Take a frame of the source.

        Args:
            frame: The frame.
            image: The frame with the latest decision on it, drawn in the format that is asked for;
                None if no sink needs it.
        """

    def close(self) -> None:
        """Complete the output. May be called twice."""

    def __enter__(self) -> "Sink":
        return self

    def __exit__(self, *_) -> None:
        self.close()
