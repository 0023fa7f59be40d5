"""Results of a prediction, as plain arrays. Needs only NumPy."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from metrics.timeline import TimelineSegment


@dataclass(frozen=True, eq=False)
class Prediction:
    """The probabilities of a video at every step.

    Attributes:
        labels: The K names, in the order of the probabilities.
        seconds: (N,) float64, the time of each step on the video's clock, ascending.
        probabilities: (N, K) floating point, one row per step.
        full: (N,) bool, whether the window of a step has L different steps. The window
            of an early step is filled up with its oldest row, so its label is less certain. Without
            this argument all steps count as full.
        whole: (K,) float64, the probabilities of the whole video if they are not the mean over the
            full steps, or None. `Model.predict` sets it for a model with another pooling.
        threshold: The probability, 0 to 1, that a label has to reach in a timeline.
        end: The end of the video in seconds, or None if it is not known.
        thresholds: The probability from which each label is found, K numbers, of a multi-label
            model; empty if one label holds at a time.

    Raises:
        ValueError: The shapes do not fit together, there is no step, or the times descend.

    Examples:
        >>> import numpy as np
        >>> probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.1, 0.9]], np.float32)
        >>> result = Prediction(("down", "raise"), [0.0, 0.1, 0.2], probabilities)
        >>> result.label
        'raise'
        >>> result.label_at(0.05)
        'down'
        >>> result
        Prediction(raise, 0.533: 3 steps, 0.0 to 0.2 s, 2 labels)
    """

    labels: tuple[str, ...]
    seconds: np.ndarray
    probabilities: np.ndarray
    full: np.ndarray
    whole: np.ndarray | None
    threshold: float
    end: float | None
    thresholds: tuple[float, ...]

    def __init__(
        self,
        labels: "tuple[str, ...] | list[str]",
        seconds: ArrayLike,
        probabilities: ArrayLike,
        full: ArrayLike | None = None,
        whole: ArrayLike | None = None,
        threshold: float = 0.0,
        end: float | None = None,
        thresholds: "tuple[float, ...] | list[float]" = (),
    ) -> None:
        times, rows = np.asarray(seconds, np.float64), np.asarray(probabilities)
        if not np.issubdtype(rows.dtype, np.floating):
            rows = rows.astype(np.float32)
        windows = np.ones(len(times), bool) if full is None else np.asarray(full, bool)
        video = None if whole is None else np.asarray(whole, np.float64)
        _require_shapes(tuple(labels), times, rows, windows)
        if video is not None and video.shape != (len(labels),):
            raise ValueError(f"whole must be {(len(labels),)}, and is {video.shape}")
        if len(thresholds) not in (0, len(labels)):
            raise ValueError(f"thresholds must be {len(labels)} numbers, and are {len(thresholds)}")
        fields: dict[str, object] = {"labels": tuple(labels), "seconds": times, "whole": video}
        fields |= {"probabilities": rows, "full": windows, "threshold": threshold, "end": end}
        fields["thresholds"] = tuple(thresholds)
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        """Return N, the number of steps."""
        return len(self.seconds)

    def __repr__(self) -> str:
        first, last = self.seconds[[0, -1]]
        return (
            f"Prediction({self.label}, {self.video_probabilities.max():.3f}: {len(self)} steps, "
            f"{first:.1f} to {last:.1f} s, {len(self.labels)} labels)"
        )

    @property
    def video_probabilities(self) -> np.ndarray:
        """The probabilities of the whole video, float64 (K,).

        They are those of the report of evaluate.py: the mean over the steps with a full window, or
        what the model's pooling makes of these steps. A video shorter than one window has the
        probabilities of its last step.
        """
        if self.whole is not None:
            return self.whole
        rows = self.probabilities[self.full] if self.full.any() else self.probabilities[-1:]
        mean: np.ndarray = rows.mean(axis=0, dtype=np.float64)
        return mean

    @property
    def label(self) -> str:
        """The most probable label of the whole video; of a multi-label model all that are found,
        such as `run|wave`, or `background` if none is."""
        return self._text(self.video_probabilities)

    @property
    def video_labels(self) -> tuple[str, ...]:
        """The labels that are found in the whole video: one, or any number of them."""
        if not self.thresholds:
            return (self.label,)
        reached = self.video_probabilities >= np.array(self.thresholds)
        return tuple(label for label, found in zip(self.labels, reached, strict=True) if found)

    def _text(self, probabilities: np.ndarray) -> str:
        """Return the label of probabilities (K,)."""
        from sequence.prediction_rows import label_text

        return label_text(probabilities, self.labels, self.thresholds)

    def label_at(self, seconds: float) -> str:
        """Return the label at a time, as `label` does: that of the newest step up to then.

        Args:
            seconds: A time on the video's clock. Before the first step, the first step's label is
                returned; after the last step, that of the last.

        Raises:
            ValueError: The time is not a number.
        """
        if np.isnan(seconds):
            raise ValueError("label_at: the time is not a number")
        step = max(int(np.searchsorted(self.seconds, seconds, side="right")) - 1, 0)
        return self._text(self.probabilities[step])

    def segments(
        self,
        smoothing_seconds: float = 0.5,
        min_seconds: float = 0.5,
        threshold: float | None = None,
    ) -> "list[TimelineSegment]":
        """Return the timeline: parts of the video with one label each, in order of time.

        The parts of a multi-label model may overlap.

        The defaults are those of `run.py --segments`. Parts in which no label reaches the threshold
        are left out.

        Args:
            smoothing_seconds: The time over which probabilities are averaged, centered on each
                step; 0 for none.
            min_seconds: The length below which a segment is merged into the neighbor whose label
                is more probable there; 0 keeps all.
            threshold: The probability, 0 to 1, that a label has to reach; None for that of the
                prediction, which is one for each label in a multi-label model.

        Raises:
            ValueError: An argument is out of its range.

        Example:
            for each in model.predict("match.mp4").segments():
                print(f"{each.start:.1f} - {each.end:.1f} s  {each.label}")
        """
        from metrics.timeline import TimelineRules, timeline_of

        least = self.threshold if threshold is None else threshold
        rules = TimelineRules(smoothing_seconds, min_seconds, least)
        limits = self.thresholds if threshold is None else (threshold,) * len(self.thresholds)
        steps = self.labels, self.seconds, self.probabilities, self.full, self.end
        return timeline_of(*steps, rules, limits)

    def save_segments(
        self,
        path: str | Path,
        smoothing_seconds: float = 0.5,
        min_seconds: float = 0.5,
        threshold: float | None = None,
    ) -> None:
        """Write the timeline, replacing the file in one step.

        Args:
            path: The file. Its suffix names the format: .csv, .json, or .srt or .vtt for players.
            smoothing_seconds: As for `segments`.
            min_seconds: As for `segments`.
            threshold: As for `segments`.

        Raises:
            LookbackError: The file cannot be written.
            UsageError: The suffix names no format.
            ValueError: An argument is out of its range.
        """
        # This module imports the video libraries, which a result itself does not need.
        from sequence.timeline_files import write_timeline

        found = self.segments(smoothing_seconds, min_seconds, threshold)
        write_timeline(Path(path), found)

    def to_csv(self, path: str | Path) -> None:
        """Write every step as `run.py --csv` does, replacing the file in one step.

        Columns are `step,seconds,label,probability` and one per label. With more than 100 labels,
        the columns are the five most probable labels with their probabilities instead.

        Raises:
            LookbackError: The file cannot be written.
        """
        # These modules import the video libraries, which a result itself does not need.
        from clips.manifest import write_rows
        from sequence import prediction_rows as rows
        from video.errors import LookbackError

        labels = list(self.labels)
        steps = enumerate(zip(self.seconds, self.probabilities, strict=True))
        if len(labels) > rows.MAX_COLUMNS:
            header = rows.best_header(rows.BEST_OF_MANY)
            body = [
                rows.best_row(step, time, rows.likeliest(row, labels, rows.BEST_OF_MANY))
                for step, (time, row) in steps
            ]
        else:
            header = rows.prediction_header(labels)
            body = [
                rows.prediction_row(step, time, row, labels, self.thresholds)
                for step, (time, row) in steps
            ]
        try:
            write_rows(Path(path), header, body)
        except OSError as error:
            raise LookbackError(f"{path}: cannot be written ({error.strerror})") from None


def _require_shapes(
    labels: tuple[str, ...], seconds: np.ndarray, probabilities: np.ndarray, full: np.ndarray
) -> None:
    if seconds.ndim != 1 or not len(seconds):
        raise ValueError(f"seconds must be (N,) with at least one step, and is {seconds.shape}")
    if probabilities.shape != (len(seconds), len(labels)):
        raise ValueError(
            f"probabilities must be {(len(seconds), len(labels))} for {len(seconds)} steps and "
            f"{len(labels)} labels, and are {probabilities.shape}"
        )
    if full.shape != seconds.shape:
        raise ValueError(f"full must be {seconds.shape}, and is {full.shape}")
    if (np.diff(seconds) < 0).any():
        raise ValueError("seconds must ascend")
