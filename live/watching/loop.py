"""The watching loop: newest steps of all cameras in turn, decisions, alarms, and outputs."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Protocol

import numpy as np

from live.cameras.reader import CameraReader
from live.decision import Decision
from live.hub import Hub
from live.model import LiveModel
from live.overlay import Overlay
from live.sinks import Sink, StopRequested
from live.timing import Stopwatch
from live.watching.camera_stream import CameraStream, Job
from video.console import logger
from video.errors import LookbackError
from video.frame import Frame
from video.signals import defer_signals

_LOG = logger(__name__)

_WAIT_SECONDS = 0.1
_STATE_SECONDS = 0.2
_STEPS_KEPT = 6_000  # of the summary


class Judge(Protocol):
    """Takes the decisions of one camera, such as its alarms."""

    def on_decision(self, decision: Decision, frame: Frame, session: int) -> dict[str, float]:
        """Take a decision with the frame that completed its step; return smoothed probabilities."""

    def on_time(self, now: float, state: str, reason: str) -> None:
        """Take the time of `time.monotonic` and the camera's state, a few times a second."""


@dataclass
class Watched:
    """One camera of the loop.

    Attributes:
        reader: Its reading thread.
        stream: Its steps.
        judge: Takes its decisions; None without alarms.
        sinks: Take its decisions and frames.
        model: The model of its newest decision; None before the first.
        overlay: Draws its decisions on its frames.
        latest: The newest decision of the hub that was drawn.
        drawn: The same decision on the clock of the sinks.
        shown: Number of its newest picture that the sinks have.
        began: Time of `time.monotonic` of the first decision or frame that the sinks were given;
            they count from it.
    """

    reader: CameraReader
    stream: CameraStream
    judge: Judge | None = None
    sinks: list[Sink] = field(default_factory=list)
    model: LiveModel | None = None
    overlay: Overlay = field(default_factory=Overlay)
    latest: Decision | None = None
    drawn: Decision | None = None
    shown: int = 0
    began: float | None = None


@dataclass(frozen=True)
class _Decided:
    """What came of a step: `decision` is None if its session has ended meanwhile."""

    camera: Watched
    job: Job
    decision: Decision | None
    watch: Stopwatch
    age: float


class WatchLoop:
    """Decides on the newest steps of all cameras in turn, so that no camera starves.

    Where the engine computes several clips at a time, as many cameras are decided on at once.

    Attributes:
        watch: The stopwatch of the decisions.
        ages: Seconds from the arrival of a frame to the decision on its step, of the last steps.
    """

    def __init__(
        self,
        hub: Hub,
        beat: Callable[[], None] = lambda: None,
        each_round: Callable[[], None] = lambda: None,
        prepare: Callable[[Watched, LiveModel], None] = lambda camera, model: None,
        once: bool = False,
    ) -> None:
        """Begin without cameras.

        Args:
            hub: The hub that shows decisions and states.
            beat: Called in every round: the heartbeat of the watchdog.
            each_round: Called in every round, in the deciding thread; it may take a model over.
            prepare: Called before the first decision of a model on a camera; it sets the camera's
                judge and sinks.
            once: Whether to end when a camera is lost.
        """
        self.watch, self.ages = Stopwatch(_STEPS_KEPT), deque[float](maxlen=_STEPS_KEPT)
        self.cameras: list[Watched] = []
        self._hub, self._beat, self._each_round = hub, beat, each_round
        self._prepare, self._once = prepare, once
        self._ready = threading.Event()
        self._states_due = 0.0
        self._next = 0
        self._parallel = 1
        self._workers: ThreadPoolExecutor | None = None

    def wake(self) -> None:
        """Tell the loop that a step waits."""
        self._ready.set()

    def use(self, model: LiveModel, every: int = 1) -> None:
        """Let all cameras take over a model; their steps are spread evenly in time.

        Args:
            model: The model.
            every: Number of steps of which one is computed.
        """
        self._end_workers()
        self._parallel = max(1, min(model.extractor.engine.parallel, len(self.cameras)))
        for place, camera in enumerate(self.cameras):
            camera.stream.use(model, every, place % every)
            if camera.model is None:  # also for a camera that is not live yet
                self._hub.update(camera.stream.number, labels=model.labels)

    def run(self, stop: threading.Event | None = None) -> None:
        """Run until `stop` is set, a sink requests the end, or Ctrl-C.

        Args:
            stop: The event that ends the loop; None for a loop that only the others end.
        """
        try:
            while not (stop and stop.is_set()):
                self._ready.wait(_WAIT_SECONDS)
                self._ready.clear()
                self._beat()
                with defer_signals():
                    self._round()
                if self._once and self._is_over():
                    return
        except (KeyboardInterrupt, StopRequested):
            pass  # the usual ways to end a live run
        finally:
            self._end_workers()

    def _end_workers(self) -> None:
        if self._workers is not None:
            self._workers.shutdown(wait=False, cancel_futures=True)
            self._workers = None

    def _is_over(self) -> bool:
        return any(camera.reader.is_over() for camera in self.cameras)

    def _round(self) -> None:
        self._each_round()
        waiting = self._waiting()
        while chosen := list(islice(waiting, self._parallel)):
            for decided in self._decided(chosen):
                self._report(decided)
        for camera in self.cameras:
            self._show(camera)
        now = time.monotonic()
        if now >= self._states_due:
            self._states_due = now + _STATE_SECONDS
            self._update_states(now)

    def _waiting(self) -> Iterator[tuple[Watched, Job]]:
        """Yield the cameras with a step, taken as late as possible; another is first each time."""
        self._next += 1
        count = len(self.cameras)
        for place in range(count):
            camera = self.cameras[(self._next + place) % count]
            job = camera.stream.take()
            if job is not None:
                yield camera, job

    def _decided(self, chosen: list[tuple[Watched, Job]]) -> Iterator[_Decided]:
        """Yield the decisions on steps of several cameras, computed at once."""
        if len(chosen) == 1:
            yield self._decide(*chosen[0])
            return
        if self._workers is None:
            self._workers = ThreadPoolExecutor(self._parallel, "decide")
        yield from self._workers.map(lambda each: self._decide(*each), chosen)

    def _decide(self, camera: Watched, job: Job) -> _Decided:
        watch = Stopwatch()
        decision = camera.stream.decide(job, watch)
        return _Decided(camera, job, decision, watch, time.monotonic() - job.arrived)

    def _report(self, decided: _Decided) -> None:
        camera, job, decision = decided.camera, decided.job, decided.decision
        self.ages.append(decided.age)
        self.watch.take_over(decided.watch)
        seconds = self.watch.step_done(job.step.repeats)
        if decision is None:  # its session has ended: nobody saw what it would say
            return
        if job.model is not camera.model:
            camera.model, camera.overlay = job.model, Overlay(job.model.best)
            self._hub.update(camera.stream.number, labels=job.model.labels)
            self._prepare(camera, job.model)
        smoothed: dict[str, float] = {}
        if camera.judge is not None:
            smoothed = camera.judge.on_decision(decision, job.frame, job.session.number)
        self._hub.decided(camera.stream.number, decision, smoothed)
        camera.began = decision.seconds if camera.began is None else camera.began
        shown = replace(decision, seconds=decision.seconds - camera.began)
        self._give(camera, lambda sink: sink.on_step(shown, seconds))

    def _give(self, camera: Watched, write: Callable[[Sink], None]) -> None:
        """Give each sink of a camera what is new. A file that cannot be written, such as on a full
        disk, must not end the watching: it is told, and the sink gets nothing more."""
        for sink in list(camera.sinks):
            try:
                write(sink)
            except (LookbackError, OSError) as error:
                if isinstance(error, BrokenPipeError):
                    raise  # the reader of our output has ended
                camera.sinks.remove(sink)
                _LOG.error(f"{error}; nothing more is written to it, and watching goes on")

    def _show(self, camera: Watched) -> None:
        if not camera.sinks:
            return
        picture = self._hub.picture(camera.stream.number)
        if picture is None or picture.number == camera.shown:
            return
        camera.shown = picture.number
        self.watch.frames += 1
        with self.watch.section("output"):
            drawn = any(sink.draws for sink in camera.sinks)
            camera.began = picture.arrived if camera.began is None else camera.began
            if picture.decision is not camera.latest:
                camera.latest = new = picture.decision
                camera.drawn = new and replace(new, seconds=new.seconds - camera.began)
            frame = replace(picture.frame, seconds=picture.arrived - camera.began)
            image = camera.overlay.on(frame, camera.drawn) if drawn else None
            self._give(camera, lambda sink: sink.on_frame(frame, image))

    def _update_states(self, now: float) -> None:
        for camera in self.cameras:
            state, why = camera.reader.state(now)
            self._hub.update(
                camera.stream.number, state=state, reason=why, skipped=camera.stream.skipped
            )
            if camera.judge is not None:
                camera.judge.on_time(now, state, why)

    def summary(self) -> str:
        """Return the times per step, and the age of the frames at their decisions."""
        lines = [self.watch.summary()]
        if self.ages:
            median, high = np.percentile(1000 * np.array(self.ages), [50, 95])
            lines.append(f"age of a frame at its decision: median {median:.0f}, p95 {high:.0f} ms")
        skipped = sum(camera.stream.skipped for camera in self.cameras)
        if skipped:
            lines.append(
                f"{skipped} more steps were skipped: a newer one came before they were computed"
            )
        return "\n".join(lines)


def close_readers(cameras: Sequence[Watched], timeout: float = 1.0) -> None:
    """Ask the reading threads to end, all at once, and wait for `timeout` seconds in all."""
    deadline = time.monotonic() + timeout
    for camera in cameras:
        camera.reader.close(0.0)
    for camera in cameras:
        camera.reader.close(max(0.0, deadline - time.monotonic()))
