"""Inference stage: fills each engine batch with clips, across videos."""

import threading
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from extract.engines import Engine
from extract.pipeline.reader import StepBatch
from video.pipeline_stage import PipelineStage


@dataclass
class ComputedSteps:
    """A batch of steps with the features of its clips.

    Attributes:
        steps: Batch of steps.
        features: Features of its clips, float32 (U, D).
        missing: Number of clips whose features are not computed yet.
    """

    steps: StepBatch
    features: np.ndarray
    missing: int = field(init=False)

    def __post_init__(self) -> None:
        self.missing = len(self.steps.clips)


@dataclass(frozen=True)
class _Part:
    """Consecutive clips of a batch of steps, from row `start` to `stop` (exclusive)."""

    computed: ComputedSteps
    start: int
    stop: int

    @property
    def clips(self) -> np.ndarray:
        return self.computed.steps.clips[self.start : self.stop]


class _Packing:
    """Fills the engine's batches across videos. Thread-safe."""

    def __init__(self, batches: Iterator[StepBatch], engine: Engine) -> None:
        self._batches, self._engine = batches, engine
        self._current: ComputedSteps | None = None
        self._taken = 0  # number of clips taken from the current batch of steps
        self._lock = threading.Lock()

    def take(self) -> list[_Part]:
        """Return the parts of the next engine batch. Only the last one is not full."""
        parts, room = [], self._engine.batch_size
        with self._lock:
            while room and (part := self._take_part(room)):
                parts.append(part)
                room -= part.stop - part.start
        return parts

    def _take_part(self, room: int) -> _Part | None:
        """Return up to `room` clips of the current batch of steps; None after the last one."""
        if self._current is None:
            steps = next(self._batches, None)
            if steps is None:
                return None
            shape = (len(steps.clips), self._engine.feature_size)
            self._current, self._taken = ComputedSteps(steps, np.empty(shape, np.float32)), 0
        clips = len(self._current.steps.clips)
        part = _Part(self._current, self._taken, min(self._taken + room, clips))
        self._taken = part.stop
        if part.stop == clips:
            self._current = None
        return part

    def store(self, part: _Part, features: np.ndarray) -> bool:
        """Store a part's features; return whether its batch of steps is complete."""
        computed = part.computed
        computed.features[part.start : part.stop] = features
        with self._lock:
            computed.missing -= part.stop - part.start
            return not computed.missing


def inference_stage(
    reading: Iterable[StepBatch], engine: Engine
) -> PipelineStage[int, ComputedSteps]:
    """Return the pipeline stage that yields the steps of a reading stage with their features.

    Batches come as they become complete; `restore_order` sorts them.

    Args:
        reading: Batches of steps.
        engine: Engine that computes the features.
    """
    packing = _Packing(iter(reading), engine)

    def compute(_: int) -> Generator[ComputedSteps, None, None]:
        while True:
            with stage.waiting():
                parts = packing.take()
            if not parts:
                return
            features, start = _features(engine, parts), 0
            for part in parts:
                stop = start + part.stop - part.start
                if packing.store(part, features[start:stop]):
                    yield part.computed
                start = stop

    count = engine.parallel
    stage = PipelineStage("inference", compute, range(count), count, ahead=2 * count)
    return stage


def _features(engine: Engine, parts: list[_Part]) -> np.ndarray:
    clips = [part.clips for part in parts if part.stop > part.start]
    if not clips:
        return np.empty((0, engine.feature_size), np.float32)
    try:
        return engine(clips[0] if len(clips) == 1 else np.concatenate(clips))
    except Exception as error:
        videos = dict.fromkeys(part.computed.steps.video for part in parts)
        error.add_note(f"while computing {', '.join(videos)}")
        raise


def restore_order(computed: Iterable[ComputedSteps]) -> Iterator[ComputedSteps]:
    """Yield computed steps so that the batches of each video come in order.

    A batch waits only for earlier ones of its video that are being computed, so the number of
    waiting batches is limited by the engine's threads.
    """
    early: dict[tuple[str, int], ComputedSteps] = {}
    due: dict[str, int] = {}
    for item in computed:
        video = item.steps.video
        early[video, item.steps.number] = item
        while ready := early.pop((video, due.get(video, 0)), None):
            due[video] = ready.steps.number + 1
            yield ready
