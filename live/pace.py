"""Keeping up with a camera: how often a clip network can make a step, and steps made meanwhile.

A file waits for its reader, so every step of it is made, in the loop itself. A camera does not. A
clip network that takes longer than its steps are apart would fall behind without end, and frames
that come while it computes would be missing from the clips. So it computes beside the loop, which
goes on collecting frames, and its stride is as long as it needs.
"""

import math
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from live.decision import Decision
from live.model import LiveModel
from live.stream import VideoStream
from live.timing import Stopwatch
from video.console import logger
from video.steps import Step

_LOG = logger(__name__)

# The rest of the time is for collecting, drawing and showing frames.
_SHARE = 0.8


def stride_that_keeps_up(seconds_a_step: float, fps: float, stride: int) -> int:
    """Return the least number of sampled frames between two steps, at least `stride`, that leaves a
    step the time it takes.

    >>> stride_that_keeps_up(0.1, fps=15.0, stride=8)
    8
    >>> stride_that_keeps_up(0.86, fps=15.0, stride=8)
    17
    """
    return max(stride, math.ceil(seconds_a_step * fps / _SHARE))


def slower_pace(model: LiveModel, rate: float, seconds_a_step: float) -> int | None:
    """Return the stride that a clip network needs on a camera, and print it; None where its own
    will do.

    Args:
        model: The model to run.
        rate: Frames per second of the camera.
        seconds_a_step: Time that a step takes, as `LiveModel.warm_up` found.
    """
    config = model.extractor.config
    fps, own = config.sampling.fps or rate, config.sampling.stride
    stride = stride_that_keeps_up(seconds_a_step, fps, own)
    if model.extractor.clip_length == 1 or stride == own:
        return None
    takes, due, made = (1000 * each for each in (seconds_a_step, own / fps, stride / fps))
    _LOG.warning(
        f"note: a step of {config.backbone.name} takes {takes:.0f} ms here and is due every "
        f"{due:.0f} ms: to keep up with the camera, there is one every {made:.0f} ms."
    )
    if model.look_back > 1:
        _LOG.warning(f"note: the second stage was trained on steps {due:.0f} ms apart.")
    return stride


class Synchronous:
    """Decides at every step before the next frame is read."""

    skipped = 0

    def __init__(self, stream: VideoStream, watch: Stopwatch) -> None:
        self._stream, self._watch = stream, watch

    def push(self, step: Step) -> Iterator[tuple[Decision, float]]:
        """Yield the decision at a step, and the seconds that it took."""
        decision = self._stream.decide(step, self._watch)
        yield decision, self._watch.step_done(step.repeats)

    def ready(self) -> Iterator[tuple[Decision, float]]:
        """Yield what was decided since the last call."""
        return iter(())

    def close(self) -> None:
        """Wait for what is under way."""


class Asynchronous:
    """Decides in a thread of its own, one step at a time; steps that come meanwhile are skipped.

    Attributes:
        skipped: how many.
    """

    def __init__(self, stream: VideoStream, watch: Stopwatch) -> None:
        self._stream, self._watch = stream, watch
        self._thread = ThreadPoolExecutor(1, "decide")
        self._pending: tuple[Step, Stopwatch, Future] | None = None
        self.skipped, self._has_skipped = 0, False

    def push(self, step: Step) -> Iterator[tuple[Decision, float]]:
        """Begin with a step, or skip it; yield what is ready."""
        yield from self.ready()
        if self._pending:
            self.skipped, self._has_skipped = self.skipped + 1, True
            return
        if self._has_skipped:  # what it repeats was not decided
            step, self._has_skipped = replace(step, repeats=False), False
        watch = Stopwatch()
        future = self._thread.submit(self._stream.decide, step, watch)
        self._pending = (step, watch, future)

    def ready(self) -> Iterator[tuple[Decision, float]]:
        """Yield the decision that was made since the last call, if one was."""
        if self._pending and self._pending[2].done():
            step, watch, future = self._pending
            self._pending = None
            decision = future.result()
            self._watch.take_over(watch)
            yield decision, self._watch.step_done(step.repeats)

    def close(self) -> None:
        """Wait for the step under way, which is not told any more."""
        self._thread.shutdown()
