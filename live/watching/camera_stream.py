"""A camera between its reading thread and the deciding thread: frames in, the newest step out."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from live.cameras.reader import Session
from live.decision import Decision
from live.hub import Hub
from live.model import LiveModel
from live.stream import VideoStream
from live.timing import Stopwatch
from video.frame import Frame
from video.steps import Step

# Takes a frame in the reading thread, such as a recorder: frame, time of arrival, session number.
FrameHook = Callable[[Frame, float, int], None]


@dataclass(frozen=True)
class Job:
    """A step that waits for its decision.

    Attributes:
        step: The step.
        frame: The frame that completed it.
        arrived: Time of `time.monotonic` at which that frame arrived.
        session: The session of the camera.
        run: The state of the session's windows.
        coming: The step of a model that is to take over, at the same time; None without one.
    """

    step: Step
    frame: Frame
    arrived: float
    session: Session
    run: "_Run"
    coming: "tuple[Step, _Run] | None" = None

    @property
    def model(self) -> LiveModel:
        """The model that decides on it."""
        return self.run.model

    @property
    def seconds(self) -> float:
        """The time of the step on the clock of `time.monotonic`."""
        return self.session.began + self.run.began + self.step.seconds


class _Run:
    """One session of a camera with one model: its windows, and the last step decided.

    A `VideoStream` expects its first frame at 0, and would make up the time before.
    """

    def __init__(self, model: LiveModel, began: float) -> None:
        self.model = model
        self.began = began  # seconds of the session at which the run began
        self._stream: VideoStream = model.stream()
        self._decided = -1  # index of the last step that was decided

    def steps(self, frame: Frame) -> Iterator[Step]:
        """Yield the steps that a frame of the session completes."""
        seconds = max(0.0, frame.seconds - self.began)
        return self._stream.steps(replace(frame, seconds=seconds))

    def decide(self, step: Step, watch: Stopwatch | None = None) -> Decision:
        """Return the decision at a step; steps before it that nobody took are filled up."""
        missed = step.index - self._decided - 1
        if missed:
            self._stream.fill(missed)
            step = replace(step, repeats=False)  # the step that it repeats was not computed
        self._decided = step.index
        return self._stream.decide(step, watch)


class CameraStream:
    """Makes steps of a camera's frames in the reading thread, and keeps only the newest one.

    A step that is not taken before the next one is skipped, so a slow network never adds delay.
    Steps of an earlier session, or of an earlier model, are dropped.

    Attributes:
        number: Number of the camera.
        name: Name of the camera.
        skipped: Number of steps that were not computed in time.
        decision: The newest decision of the present session; None before the first.
    """

    def __init__(
        self, number: int, name: str, hub: Hub, wake: Callable[[], None], hooks: list[FrameHook]
    ) -> None:
        """Begin without a model.

        Args:
            number: Number of the camera in the hub.
            name: Name of the camera.
            hub: The hub that shows its frames.
            wake: Called when a step waits.
            hooks: Take every frame in the reading thread.
        """
        self.number, self.name = number, name
        self.skipped = 0
        self.decision: Decision | None = None
        self._hub, self._wake, self._hooks = hub, wake, hooks
        self._lock = threading.Lock()
        self._model: LiveModel | None = None  # the newest; the run's may be the one before
        self._every, self._phase = 1, 0
        self._run: _Run | None = None
        self._coming: _Run | None = None
        self._session: Session | None = None
        self._waiting: Job | None = None
        self._counted: _Run | None = None  # the run whose steps have the present offset
        self._number, self._offset = -1, 0

    def use(self, model: LiveModel, every: int = 1, phase: int = 0) -> None:
        """Let a model take over.

        The model before it decides until the new one has filled its window, so that every step has
        a decision and no window has features of both.

        Args:
            model: The model.
            every: Number of steps of which one is computed; the window repeats its newest row for
                the others.
            phase: Which of them, from 0.
        """
        with self._lock:
            self._model, self._every, self._phase = model, every, phase
            self._coming = None

    def on_frame(self, frame: Frame, arrived: float, session: Session) -> None:
        """See `live.cameras.reader.FrameTaker`."""
        for hook in self._hooks:
            hook(frame, arrived, session.number)
        with self._lock:
            if self._session is None or session.number != self._session.number:
                self._session, self._run, self._coming = session, None, None
                self._waiting, self.decision = None, None
                self._hub.update(self.number, session=session.number, size=frame.size)
            if self._run is None and self._model is not None:
                self._run = _Run(self._model, frame.seconds)
            run, coming = self._run, self._coming
        self._hub.show(self.number, frame, self.decision, arrived)
        if run is None:
            return
        steps = list(run.steps(frame))
        others = list(coming.steps(frame)) if coming else []
        if steps:
            # At a step of the old model, so that the steps of both have the same times.
            self._begin_coming(run, frame, steps[-1])
            other = (others[-1], coming) if coming and others else None
            # The others show the frame before, whose feature the window repeats.
            if any(self._is_due(step) for step in steps):
                self._put(Job(steps[-1], frame, arrived, session, run, other))

    def _begin_coming(self, run: _Run, frame: Frame, step: Step) -> None:
        with self._lock:
            if self._model is run.model or self._coming is not None or self._model is None:
                return
            self._coming = _Run(self._model, run.began + step.seconds)
            coming = self._coming
        list(coming.steps(frame))

    def _is_due(self, step: Step) -> bool:
        return step.index == 0 or step.index % self._every == self._phase

    def _put(self, job: Job) -> None:
        with self._lock:
            if job.run is not self._run:
                return
            if self._waiting is not None:
                self.skipped += 1
            self._waiting = job
        self._wake()

    def take(self) -> Job | None:
        """Return the newest step that waits; None if there is none."""
        with self._lock:
            job, self._waiting = self._waiting, None
            return job

    def decide(self, job: Job, watch: Stopwatch | None = None) -> Decision | None:
        """Return the decision at a step, on the clock of `time.monotonic`; None if its session has
        ended meanwhile.

        Args:
            job: A step of `take`.
            watch: The stopwatch that times both stages, or None.
        """
        decision = job.run.decide(job.step, watch)
        is_filled = False
        if job.coming is not None:
            step, coming = job.coming
            is_filled = coming.decide(step).full
        with self._lock:
            if job.run is not self._run:
                return None
            if job.run is not self._counted:  # steps are numbered over sessions and models
                self._counted, self._offset = job.run, self._number + 1 - job.step.index
            self._number = self._offset + job.step.index
            decision = replace(decision, step=self._number, seconds=job.seconds)
            self.decision = decision
            if is_filled and job.coming is not None and job.coming[1] is self._coming:
                # This was the last decision of the model before.
                self._run, self._coming, self._waiting = self._coming, None, None
        return decision
