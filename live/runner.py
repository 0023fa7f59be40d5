"""The run command on a file: opens it and the sinks, runs the loop and prints a summary."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from live.loop import run_loop
from live.model import LiveModel, choose_live_model
from live.sinks import (
    ChangeLines,
    CsvSink,
    SegmentsSink,
    Sink,
    StepLines,
    VideoSink,
    WindowSink,
)
from metrics.timeline import TimelineRules
from recipes.loader import Settings
from recipes.schema import Timeline
from sequence.timeline_files import require_suffix
from video.console import logger
from video.errors import LookbackError, UsageError
from video.image_folder import is_video
from video.sources import SOURCES, VideoSource

_LOG = logger(__name__)


@dataclass(frozen=True)
class RunOptions:
    """Source and outputs of a run.

    Attributes:
        source: The kind of source, a key of `video.sources.SOURCES`.
        address: The file, the index or device of a camera, or the address of a stream.
        window: Whether to show a window.
        csv: The CSV file to write, or None.
        save: The annotated video to write, or None.
        step_lines: Whether to print two lines per step.
        segments: The files of the timeline to write, each in the format of its suffix.
    """

    source: str
    address: str | int
    window: bool = False
    csv: Path | None = None
    save: Path | None = None
    step_lines: bool = False
    segments: tuple[Path, ...] = ()


def run(options: RunOptions, settings: Settings) -> None:
    """Run a model on a source until it ends.

    Args:
        options: The source and the outputs.
        settings: The recipe, which names the model folder or a published clip network.

    Raises:
        LookbackError: The model or the source cannot be opened, or there was no step.
        UsageError: An output is the source or the other output, or the video's name does not end
            in .mp4.
    """
    _check_outputs(options)
    model = choose_live_model(settings)
    model.warm_up()
    with ExitStack() as stack:
        source = stack.enter_context(SOURCES[options.source](options.address))
        _LOG.info(f"{source.name}: {source.size[0]}x{source.size[1]} at {source.rate:.3g} frames/s")
        extractor = model.extractor
        name, engine = extractor.config.backbone.name, extractor.engine
        _LOG.info(f"{name}, engine: {engine.name}, {engine.precision}")
        sinks = [stack.enter_context(sink) for sink in _sinks(options, source, model, settings)]
        watch = run_loop(source, model, sinks)
    _LOG.info(watch.summary())
    if source.note:
        _LOG.warning(f"note: {source.name}: {source.note}")
    for path in (options.csv, options.save, *(options.segments if watch.steps else ())):
        if path:
            _LOG.info(path)
    if not watch.steps:
        raise LookbackError(f"{source.name}: ended before the first step")


def _check_outputs(options: RunOptions) -> None:
    """Refuse a source that is no video, and outputs; see `check_outputs`."""
    if options.source == "video" and not is_video(options.address):
        what = "is a folder" if Path(options.address).is_dir() else "there is no such file"
        raise LookbackError(
            f"{options.address}: {what}; --video takes one video file, or a folder of frames with "
            "its rate, such as frames@25fps"
        )
    source = Path(options.address) if options.source == "video" else None
    for path in options.segments:
        require_suffix(path, "--segments")
        if source and path.resolve() == source.resolve():
            raise UsageError(f"--segments {path}: is the video itself; name another file")
        if options.csv and options.csv.resolve() == path.resolve():
            raise UsageError(f"--segments {path}: is the file of --csv as well; name another")
    check_outputs(options.csv, options.save, source)


def check_outputs(csv: Path | None, save: Path | None, source: Path | None = None) -> None:
    """Refuse outputs that would destroy the source or each other, or that no player would open.

    Args:
        csv: The CSV file, or None.
        save: The video, or None.
        source: The file that is played, or None.

    Raises:
        UsageError: A name must be another.
    """
    for flag, path in (("--csv", csv), ("--save", save)):
        if path and source and path.resolve() == source.resolve():
            raise UsageError(f"{flag} {path}: is the video itself; name another file")
    if csv and save and csv.resolve() == save.resolve():
        raise UsageError(f"--save {save}: is the file of --csv as well; name another")
    if csv and csv.suffix.lower() == ".mp4" and csv.is_file():
        raise UsageError(f"--csv {csv}: is a video; name the table of probabilities .csv")
    if save and save.suffix.lower() != ".mp4":
        raise UsageError(f"--save {save}: the video is H.264 in mp4; name it .mp4")


def _sinks(
    options: RunOptions, source: VideoSource, model: LiveModel, settings: Settings
) -> list[Sink]:
    # The window is opened first: without a screen, no older file is overwritten.
    window = [WindowSink(source.live)] if options.window else []
    best = None if model.shows_all else model.best
    sinks: list[Sink] = [StepLines() if options.step_lines else ChangeLines(best or 1)]
    if options.csv:
        sinks.append(CsvSink(options.csv, model.labels, best))
    if options.save:
        sinks.append(VideoSink(options.save, source.size, source.rate, source.pixel_aspect))
    if options.segments:
        rules = timeline_rules(settings.recipe.timeline, model.threshold)
        sinks.append(SegmentsSink(options.segments, source.name, 1 / source.rate, rules))
    return [*sinks, *window]


def timeline_rules(chosen: Timeline, threshold: float) -> TimelineRules:
    """Return the rules of a recipe's timelines.

    Args:
        chosen: Section `timeline` of the recipe.
        threshold: Probability that a label has to reach, 0 to 1.
    """
    return TimelineRules(chosen.smoothing_seconds, chosen.min_seconds, threshold)
