"""From clips to features: the engine kept busy with full batches, whatever video they are of."""

import threading
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from extract.engines import Engine
from extract.pipeline.reader import StepBatch
from video.pipeline_stage import PipelineStage


@dataclass
class _Pending:
    """A batch of steps whose pictures are shared out to the engine's batches."""

    steps: StepBatch
    features: np.ndarray
    given: int = 0
    missing: int = field(init=False)

    def __post_init__(self) -> None:
        self.missing = len(self.steps.clips)


@dataclass(frozen=True)
class _Part:
    """Some pictures in a row of a batch of steps."""

    pending: _Pending
    start: int
    stop: int

    @property
    def clips(self) -> np.ndarray:
        return self.pending.steps.clips[self.start : self.stop]


@dataclass(frozen=True)
class ComputedSteps:
    """A batch of steps with the features (U, D) of its pictures."""

    steps: StepBatch
    features: np.ndarray


class _Packing:
    """Fills the engine's batches across videos; called by all its threads."""

    def __init__(self, batches: Iterator[StepBatch], engine: Engine) -> None:
        self._batches, self._engine = batches, engine
        self._filling: _Pending | None = None
        self._lock = threading.Lock()

    def take(self) -> list[_Part]:
        """Return the parts of the next batch; fewer pictures than that only at the end."""
        with self._lock:
            parts, room = [], self._engine.batch_size
            while room:
                if self._filling is None:
                    steps = next(self._batches, None)
                    if steps is None:
                        break
                    shape = (len(steps.clips), self._engine.feature_size)
                    self._filling = _Pending(steps, np.empty(shape, np.float32))
                pending = self._filling
                count = min(room, len(pending.steps.clips) - pending.given)
                parts.append(_Part(pending, pending.given, pending.given + count))
                pending.given += count
                room -= count
                if pending.given == len(pending.steps.clips):
                    self._filling = None
            return parts

    def done(self, part: _Part, features: np.ndarray) -> bool:
        """Put a part's features in their place; return whether its steps now have all."""
        part.pending.features[part.start : part.stop] = features
        with self._lock:
            part.pending.missing -= part.stop - part.start
            return not part.pending.missing


def inference_stage(
    reading: Iterable[StepBatch], engine: Engine
) -> PipelineStage[int, ComputedSteps]:
    """Return the stage that gives the steps of a reading stage with their features, as they become
    ready."""
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
                if packing.done(part, features[start:stop]):
                    yield ComputedSteps(part.pending.steps, part.pending.features)
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
        videos = dict.fromkeys(part.pending.steps.video for part in parts)
        error.add_note(f"while computing {', '.join(videos)}")
        raise


def in_order(computed: Iterator[ComputedSteps]) -> Iterator[ComputedSteps]:
    """Yield computed steps so that those of a video come in order.

    A batch waits only for earlier ones of its video, which are being computed; so only as many wait
    as an engine has threads.
    """
    early: dict[tuple[str, int], ComputedSteps] = {}
    due: dict[str, int] = {}
    for item in computed:
        video = item.steps.video
        early[video, item.steps.number] = item
        while ready := early.pop((video, due.get(video, 0)), None):
            due[video] = ready.steps.number + 1
            yield ready
