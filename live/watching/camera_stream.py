"""A camera between its reading thread and the deciding thread: frames in, the newest step out."""

import threading
from collections.abc import Callable
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
    """

    step: Step
    frame: Frame
    arrived: float
    session: Session
    run: "_Run"

    @property
    def seconds(self) -> float:
        """The time of the step on the clock of `time.monotonic`."""
        return self.session.began + self.run.began + self.step.seconds


class _Run:
    """One session of a camera with one model: its windows, and the last step decided."""

    def __init__(self, model: LiveModel, stride: int | None, began: float) -> None:
        self.stream: VideoStream = model.stream(stride)
        self.began = began  # seconds of the session at which the run began
        self.decided = -1  # index of the last step that was decided


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
        self._model: LiveModel | None = None
        self._stride: int | None = None
        self._every, self._phase = 1, 0
        self._run: _Run | None = None
        self._session: Session | None = None
        self._waiting: Job | None = None

    def use(self, model: LiveModel, every: int = 1, phase: int = 0) -> None:
        """Take a model over at the next frame.

        Args:
            model: The model; its windows begin empty.
            every: Number of steps of which one is computed; the window repeats its newest row for
                the others.
            phase: Which of them, from 0.
        """
        with self._lock:
            self._model, self._every, self._phase = model, every, phase
            self._run, self._waiting = None, None

    def on_frame(self, frame: Frame, arrived: float, session: Session) -> None:
        """See `live.cameras.reader.FrameTaker`."""
        for hook in self._hooks:
            hook(frame, arrived, session.number)
        with self._lock:
            if self._session is None or session.number != self._session.number:
                self._session, self._run, self._waiting = session, None, None
                self.decision = None
                self._hub.update(self.number, session=session.number, size=frame.size)
            if self._run is None and self._model is not None:
                self._run = _Run(self._model, None, frame.seconds)
            run = self._run
        self._hub.show(self.number, frame, self.decision, arrived)
        if run is None:
            return
        shifted = replace(frame, seconds=frame.seconds - run.began) if run.began else frame
        for step in run.stream.steps(shifted):
            self._put(Job(step, frame, arrived, session, run))

    def _put(self, job: Job) -> None:
        if job.step.index % self._every != self._phase and job.step.index:
            return
        with self._lock:
            if job.run is not self._run:
                return
            self.skipped += self._waiting is not None
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
        run, step = job.run, job.step
        missed = step.index - run.decided - 1
        if missed:
            run.stream.fill(missed)
            step = replace(step, repeats=False)  # the step that it repeats was not computed
        decision = run.stream.decide(step, watch)
        run.decided = step.index
        decision = replace(decision, seconds=job.seconds)
        with self._lock:
            if run is not self._run:
                return None
            self.decision = decision
        return decision
