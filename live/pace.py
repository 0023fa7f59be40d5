"""Pace on a camera: the smallest stride that a network can sustain, and steps in a thread.

A file waits for its reader, so every step of it is computed in the loop itself. A camera does not
wait. A network that takes longer than the time between two steps would fall behind without limit,
and frames that arrive during a computation would be missing from the clips and change pictures. So
it computes in a thread while the loop collects frames, and its stride is as long as it needs.
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

# The share of the time that steps may take; the rest is for collecting, drawing and showing frames.
_SHARE = 0.8


def stride_that_keeps_up(seconds_a_step: float, fps: float, stride: int) -> int:
    """Return the minimum stride, not below the model's own, that leaves enough time per step.

    Args:
        seconds_a_step: The time that one step takes.
        fps: The sampled frames per second.
        stride: The model's own stride, in sampled frames.

    >>> stride_that_keeps_up(0.1, fps=15.0, stride=8)
    8
    >>> stride_that_keeps_up(0.86, fps=15.0, stride=8)
    17
    """
    return max(stride, math.ceil(seconds_a_step * fps / _SHARE))


def slower_pace(model: LiveModel, rate: float, seconds_a_step: float) -> int | None:
    """Return the stride that a network of several frames needs on a camera, and log it; None if its
    own is long enough.

    Args:
        model: The model to run.
        rate: The frames per second of the camera.
        seconds_a_step: The time that one step takes, as `LiveModel.warm_up` measured it.
    """
    config = model.extractor.config
    fps, own = config.sampling.fps or rate, config.sampling.stride
    stride = stride_that_keeps_up(seconds_a_step, fps, own)
    if model.extractor.frames_per_clip == 1 or stride == own:
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
    """Decides at every step before the next frame is read.

    Attributes:
        skipped: The number of steps that were skipped: none.
    """

    skipped = 0

    def __init__(self, stream: VideoStream, watch: Stopwatch) -> None:
        self._stream, self._watch = stream, watch

    def push(self, step: Step) -> Iterator[tuple[Decision, float]]:
        """Yield the decision at a step, and the seconds that it took."""
        decision = self._stream.decide(step, self._watch)
        yield decision, self._watch.step_done(step.repeats)

    def ready(self) -> Iterator[tuple[Decision, float]]:
        """Yield the decisions since the last call: none, because `push` waits."""
        return iter(())

    def finish(self) -> Iterator[tuple[Decision, float]]:
        """Wait for the running step and yield its decision: none, because `push` waits."""
        return iter(())

    def close(self) -> None:
        """Wait for the running step; its result is discarded."""


class Asynchronous:
    """Decides in a thread, one step at a time; steps that arrive during a computation are skipped.

    Attributes:
        skipped: The number of steps that were skipped.
    """

    def __init__(self, stream: VideoStream, watch: Stopwatch) -> None:
        self._stream, self._watch = stream, watch
        self._thread = ThreadPoolExecutor(1, "decide")
        self._pending: tuple[Step, Stopwatch, Future[Decision]] | None = None
        self.skipped, self._has_skipped = 0, False

    def push(self, step: Step) -> Iterator[tuple[Decision, float]]:
        """Start a step, or skip it while another one is running; yield what is ready."""
        yield from self.ready()
        if self._pending:
            self.skipped, self._has_skipped = self.skipped + 1, True
            return
        if self._has_skipped:  # the step it repeats was skipped, so there is no feature to reuse
            step, self._has_skipped = replace(step, repeats=False), False
        watch = Stopwatch()
        future = self._thread.submit(self._stream.decide, step, watch)
        self._pending = (step, watch, future)

    def ready(self) -> Iterator[tuple[Decision, float]]:
        """Yield the decision since the last call, if there is one."""
        if self._pending and self._pending[2].done():
            yield from self.finish()

    def finish(self) -> Iterator[tuple[Decision, float]]:
        """Wait for the running step, if there is one, and yield its decision."""
        if self._pending:
            step, watch, future = self._pending
            self._pending = None
            decision = future.result()
            self._watch.take_over(watch)
            yield decision, self._watch.step_done(step.repeats)

    def close(self) -> None:
        """Wait for the running step; its result is discarded."""
        self._thread.shutdown()
