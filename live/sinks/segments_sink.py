"""Timeline of a file as segments with labels, written when the run ends."""

from pathlib import Path

import numpy as np

from live.decision import Decision
from live.overlay import AnnotatedFrame
from live.sinks.base import Sink
from metrics.timeline import TimelineRules, timeline_of
from sequence.timeline_files import write_timeline
from video.frame import Frame


class SegmentsSink(Sink):
    """Writes the segments of a file, also if the run was ended early.

    Without any step, nothing is written.

    Raises:
        LookbackError: A file cannot be written.
    """

    def __init__(
        self, paths: tuple[Path, ...], video: str, frame_seconds: float, rules: TimelineRules
    ) -> None:
        """Begin a timeline.

        Args:
            paths: The files, each in the format of its suffix.
            video: Name of the video, for JSON.
            frame_seconds: Duration of the last frame.
            rules: Rules of smoothing and merging.
        """
        self._paths, self._video, self._rules = paths, video, rules
        self._frame_seconds, self._end = frame_seconds, 0.0
        self._labels: tuple[str, ...] = ()
        self._thresholds: tuple[float, ...] = ()
        self._seconds: list[float] = []
        self._full: list[bool] = []
        self._rows: list[np.ndarray] = []

    def on_step(self, decision: Decision, step_seconds: float) -> None:
        self._labels, self._thresholds = decision.labels, decision.thresholds
        self._seconds.append(decision.seconds)
        self._full.append(decision.full)
        self._rows.append(decision.probabilities)

    def on_frame(self, frame: Frame, image: AnnotatedFrame | None) -> None:
        self._end = frame.seconds + self._frame_seconds

    def close(self) -> None:
        if not self._rows:
            return
        rows, self._rows = np.stack(self._rows), []
        steps = self._labels, self._seconds, rows, self._full, self._end, self._rules
        found = timeline_of(*steps, thresholds=self._thresholds)
        for path in self._paths:
            write_timeline(path, found, self._video)
