"""The sinks of watched cameras: terminal, window, CSV file and annotated video."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from live.cameras.reader import CameraReader
from live.decision import Decision
from live.model import LiveModel
from live.overlay import AnnotatedFrame
from live.sinks import ChangeLines, CsvSink, Sink, StepLines, VideoSink, WindowSink
from video.console import logger
from video.errors import LookbackError
from video.frame import Frame

_LOG = logger(__name__)


@dataclass(frozen=True)
class Outputs:
    """The outputs of a run.

    Attributes:
        window: Whether to show a window.
        csv: The CSV file to write, or None.
        save: The annotated video to write, or None.
        step_lines: Whether to print two lines per step.
    """

    window: bool = False
    csv: Path | None = None
    save: Path | None = None
    step_lines: bool = False


class SavedCamera(Sink):
    """The annotated video of a camera, which begins with its first frame."""

    draws = True

    def __init__(self, path: Path, reader: CameraReader) -> None:
        self._path, self._reader = path, reader
        self._video: VideoSink | None = None
        self._began = 0.0

    def on_frame(self, frame: Frame, image: AnnotatedFrame | None) -> None:
        if self._video is None:
            device, self._began = self._reader.device, frame.seconds
            self._video = VideoSink(self._path, frame.size, device.rate, device.pixel_aspect)
        self._video.on_frame(replace(frame, seconds=frame.seconds - self._began), image)

    def close(self) -> None:
        if self._video is not None:
            self._video.close()


class OutputSinks:
    """Makes the sinks of every camera; a context manager that completes them."""

    def __init__(self, outputs: Outputs, several: bool) -> None:
        """Open the window, if there is one, so that a missing screen is known at the start.

        Args:
            outputs: The outputs of the run.
            several: Whether there are several cameras: then rows and lines name the camera.
        """
        self._outputs, self._several = outputs, several
        self._open = ExitStack()
        self._csv: CsvSink | None = None
        self._labels: tuple[str, ...] = ()
        self._files = 0
        self._saved: SavedCamera | None = None
        self._window = [self._open.enter_context(WindowSink(True))] if outputs.window else []

    def of(self, reader: CameraReader, model: LiveModel) -> list[Sink]:
        """Return the sinks of a camera; called again if another model takes over.

        Args:
            reader: The camera.
            model: The model that decides.
        """
        outputs, name = self._outputs, reader.name if self._several else ""
        best = None if model.shows_all else model.best
        lines = StepLines(name) if outputs.step_lines else ChangeLines(best or 1, name)
        sinks: list[Sink] = [lines]
        if outputs.csv and (csv := self._csv_of(model, best)) is not None:
            sinks.append(_Rows(csv.rows_of(name)))
        if outputs.save:
            if self._saved is None:
                self._saved = self._open.enter_context(SavedCamera(outputs.save, reader))
            sinks.append(self._saved)
        return [*sinks, *self._window]

    def _csv_of(self, model: LiveModel, best: int | None) -> CsvSink | None:
        """Return the CSV file with the columns of a model: the next one if its classes are new.

        None if the next one cannot be written, which must not end the watching.

        Raises:
            LookbackError: The first one cannot be written.
        """
        if not self._files or self._labels != model.labels:
            path = self._outputs.csv
            assert path is not None
            self._files += 1
            if self._files > 1:
                path = path.with_stem(f"{path.stem}-{self._files}")
            self._labels, self._csv = model.labels, None
            try:
                csv = CsvSink(path, model.labels, best, with_camera=self._several)
            except LookbackError as error:
                if self._files == 1:
                    raise
                _LOG.error(f"{error}; watching goes on")
                return None
            self._csv = self._open.enter_context(csv)
        return self._csv

    def __enter__(self) -> "OutputSinks":
        return self

    def __exit__(self, *_) -> None:
        self._open.close()


class _Rows(Sink):
    """The rows of one camera in a file of several."""

    def __init__(self, write: Callable[[Decision], None]) -> None:
        self._write = write

    def on_step(self, decision: Decision, step_seconds: float) -> None:
        self._write(decision)
