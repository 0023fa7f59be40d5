"""Loop over a source: frames in, decisions out. Files and cameras share the same code."""

from collections.abc import Iterable, Iterator

from live.decision import Decision
from live.model import LiveModel
from live.overlay import Overlay
from live.pace import Asynchronous, Synchronous
from live.sinks import Sink, StopRequested
from live.stream import VideoStream
from live.timing import Stopwatch
from video.frame import Frame
from video.signals import defer_signals
from video.sources import VideoSource


def run_loop(
    source: VideoSource, model: LiveModel, sinks: list[Sink], stride: int | None = None
) -> Stopwatch:
    """Run until the source ends, a sink requests the end, or Ctrl-C.

    The caller closes source and sinks, so that whatever ends the loop leaves complete outputs.

    Args:
        source: The source of the frames.
        model: The model that decides.
        sinks: The sinks that take decisions and frames.
        stride: The sampled frames from one step to the next; None for the model's own.

    Returns:
        The stopwatch with the time of every section.
    """
    watch = Stopwatch()
    stream = model.stream(stride)
    decider = _decider(source, model, stream, watch)
    outcome = _Outcome(sinks, watch, model.best)
    # Waiting for a camera is timed apart from decoding a file.
    arrival = "wait" if source.live else "decode"
    frames = iter(source)
    try:
        while True:
            with watch.section(arrival):
                frame = next(frames, None)
            if frame is None:
                break
            watch.frames += 1
            with defer_signals():
                steps = stream.steps(frame)
                while True:
                    with watch.section("preprocess"):
                        step = next(steps, None)
                    outcome.pass_on(decider.ready() if step is None else decider.push(step))
                    if step is None:
                        break
                outcome.show(frame)
    except (KeyboardInterrupt, StopRequested):
        pass  # the usual ways to end a live run
    finally:
        decider.close()
    watch.skipped = decider.skipped
    return watch


def decisions(
    source: VideoSource, model: LiveModel, stride: int | None = None
) -> Iterator[Decision]:
    """Yield the decisions on a source as they are made: `run_loop` without sinks.

    The caller closes the source. Arguments as for `run_loop`.
    """
    stream = model.stream(stride)
    decider = _decider(source, model, stream, Stopwatch())
    try:
        for frame in source:
            for step in stream.steps(frame):
                for decision, _ in decider.push(step):
                    yield decision
            for decision, _ in decider.ready():
                yield decision
        for decision, _ in decider.finish():
            yield decision
    finally:
        decider.close()


def _decider(
    source: VideoSource, model: LiveModel, stream: VideoStream, watch: Stopwatch
) -> Synchronous | Asynchronous:
    # A single frame is computed quickly, and then the newest one is read. The frames of a clip or a
    # change picture must be collected while the previous one is computed.
    if source.live and model.extractor.frames_per_clip > 1:
        return Asynchronous(stream, watch)
    return Synchronous(stream, watch)


class _Outcome:
    """Passes decisions to the sinks, and frames with the latest decision on them."""

    def __init__(self, sinks: list[Sink], watch: Stopwatch, bars: int) -> None:
        self._sinks, self._watch, self._overlay = sinks, watch, Overlay(bars)
        self._draws = any(sink.draws for sink in sinks)
        self._latest: Decision | None = None

    def pass_on(self, decisions: Iterable[tuple[Decision, float]]) -> None:
        for decision, seconds in decisions:
            self._latest = decision
            for sink in self._sinks:
                sink.on_step(decision, seconds)

    def show(self, frame: Frame) -> None:
        with self._watch.section("output"):
            image = self._overlay.on(frame, self._latest) if self._draws else None
            for sink in self._sinks:
                sink.on_frame(frame, image)
