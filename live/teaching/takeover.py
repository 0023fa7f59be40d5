"""A new model beside the old one: checked, warmed, and taken over at one step of each camera."""

import shutil
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from live.decision import Decision
from live.model import LiveModel, load_live_model
from live.stream import VideoStream
from live.teaching.record import FILE, LearningRecord, read_record, write_record
from live.timing import Stopwatch
from model_folder.config import (
    BACKBONE_WEIGHTS,
    BASELINES,
    MEAN_WEIGHTS,
    QUANTIZED,
    QUANTIZED_WEIGHTS,
    SEQUENCE_WEIGHTS,
    read_config,
    write_config,
)
from model_folder.provenance import SEEN, keep_previous
from video.atomic_write import atomic_write
from video.errors import LookbackError
from video.frame import Frame
from video.steps import Step

MAX_LOST_SHARE = 0.1
MAX_LOST_CLIPS = 2
_LEAST_COMPARED = 5
BEFORE_TEACHING = "before_teaching"
_FILES = (
    BACKBONE_WEIGHTS,
    QUANTIZED,
    QUANTIZED_WEIGHTS,
    SEQUENCE_WEIGHTS,
    MEAN_WEIGHTS,
    BASELINES,
    SEEN,
    "metrics.json",
    "history.csv",
)


@dataclass(frozen=True)
class TakeOver:
    """A model that is loaded and warm.

    Attributes:
        model: The model.
        folder: Its model folder.
        record: Record of its learning; None of a model that another command trained.
    """

    model: LiveModel
    folder: Path
    record: LearningRecord | None = None


class ModelSlot:
    """The model that all cameras use. Methods may be called from any thread.

    A camera asks for `current` at each frame: another object than before is a new model. It then
    needs a new stream, because windows must not mix features; `ModelStream` does this without a
    gap.
    """

    def __init__(
        self,
        first: TakeOver | None = None,
        armed: Callable[[], Collection[str]] = lambda: (),
    ) -> None:
        """Begin with a model, or without any.

        Args:
            first: The model to begin with; None if there is none yet.
            armed: Function that returns the classes of the rules that raise alarms.
        """
        self._current, self._armed = first, armed
        self._lock = threading.Lock()

    def current(self) -> TakeOver | None:
        """Return the model to use; None before the first."""
        return self._current

    def offer(self, new: TakeOver) -> str:
        """Make a loaded and warm model the current one, unless a check refuses it.

        Returns:
            Why it is refused, in one line; empty if it is the current model now.
        """
        with self._lock:
            reason = self._missing_classes(new) or worse_score(self._current, new)
            if not reason:
                self._current = new
            return reason

    def _missing_classes(self, new: TakeOver) -> str:
        # Before the first model a rule may name a class that was only planned.
        before = set(self._current.model.labels) if self._current else set()
        missing = sorted((set(self._armed()) & before) - set(new.model.labels))
        if not missing:
            return ""
        return (
            f"the new model does not know {', '.join(missing)}, which an alarm needs: record clips "
            "of it, or take the class out of the alarms"
        )


def worse_score(old: TakeOver | None, new: TakeOver) -> str:
    """Return why a new model is worse than the old one; empty if it is not.

    Only clips that both were measured on count: each was predicted by models that had not seen it.
    New clips are often harder, so two scores over different clips cannot be compared. The new model
    may lose as many as two clips or 10 % of them, whichever is more.
    """
    if old is None or old.record is None or new.record is None:
        return ""
    common = sorted(old.record.hits.keys() & new.record.hits.keys())
    if len(common) < _LEAST_COMPARED or old.record.method != new.record.method:
        return ""
    before = sum(old.record.hits[each] for each in common)
    after = sum(new.record.hits[each] for each in common)
    if before - after <= max(MAX_LOST_CLIPS, MAX_LOST_SHARE * len(common)):
        return ""
    return (
        f"the new model is worse: of {len(common)} clips that both were measured on, it knows "
        f"{after}, and the one in use {before}; look at the newest clips for wrong labels"
    )


def load_warm(
    folder: Path, engine: str = "auto", threshold: float | None = None, videos: int = 1
) -> TakeOver:
    """Load the model of a folder and compile it, so that its first step is as fast as the others.

    Args:
        folder: The model folder.
        engine: Name of the engine.
        threshold: Probability that a label has to reach; None for the model's own.
        videos: Number of videos at once.

    Raises:
        LookbackError: The model cannot be loaded.
    """
    model = load_live_model(folder, threshold, engine=engine, videos=videos)
    model.warm_up()
    return TakeOver(model, folder, read_record(folder))


def install(new: Path, folder: Path) -> None:
    """Copy a new model into the model folder, for the next start of the program.

    The model that was there goes to `previous/`, and the one that another command trained also to
    `before_teaching/`, where it stays. If the program is killed meanwhile, the folder has no
    sequence model instead of one that does not match its config, and `taught/` has the new model.

    Args:
        new: Folder of the new model.
        folder: The model folder.
    """
    config = read_config(new)
    if config is None:
        raise LookbackError(f"{new}: there is no model")
    before = read_config(folder)
    if before is not None:
        keep_previous(folder)
        kept = folder / BEFORE_TEACHING
        if not (folder / FILE).is_file() and before.sequence is not None and not kept.exists():
            shutil.copytree(folder / "previous", kept)
        write_config(folder, before.model_copy(update={"sequence": None}))
    for name in _FILES:
        if (new / name).is_file():
            with atomic_write(folder / name) as temporary:
                shutil.copy2(new / name, temporary)
        else:
            (folder / name).unlink(missing_ok=True)  # of the model before
    write_config(folder, config)
    record = read_record(new)
    if record is not None:
        write_record(folder, record)


@dataclass(frozen=True, eq=False)
class _Running:
    """A model with its stream, which began at a time of the source.

    A `VideoStream` expects its first frame at 0, and would make up the time before.
    """

    source: TakeOver
    stream: VideoStream
    began: float

    def steps(self, frame: Frame) -> Iterator["ModelStep"]:
        """Yield the steps that a frame completes, on the clock of the source."""
        if self.began:
            frame = replace(frame, seconds=max(0.0, frame.seconds - self.began))
        for step in self.stream.steps(frame):
            yield ModelStep(replace(step, seconds=step.seconds + self.began), self)


@dataclass(frozen=True, slots=True)
class ModelStep:
    """A step of one of the two models that a camera may have.

    Attributes:
        step: The step.
        of: The model that decides on it.
    """

    step: Step
    of: _Running


class ModelStream:
    """The stream of one camera and session, which changes to a new model at one step.

    It has the two halves of `VideoStream.push`. A new model first fills its own window, from frames
    that the old one still decides on; the first step at which the window is full is the old model's
    last. So no window has features of both, and every step has a decision. Meanwhile a step costs
    both models. The first frame may have any time.
    """

    def __init__(self, slot: ModelSlot, stride: int | None = None) -> None:
        """Begin a session with the current model, which may be none.

        Args:
            slot: The model of all cameras.
            stride: The sampled frames from one step to the next; None for the model's own.
        """
        self._slot, self._stride = slot, stride
        self._used: _Running | None = None
        self._coming: _Running | None = None
        self._next, self._offset = 0, 0

    @property
    def model(self) -> LiveModel | None:
        """The model that decides; None before the first."""
        if self._used is not None:
            return self._used.source.model
        newest = self._slot.current()
        return newest.model if newest else None

    def steps(self, frame: Frame) -> Iterator[ModelStep]:
        """Yield the steps that a frame completes, those of a coming model last.

        Args:
            frame: The next frame.
        """
        newest = self._slot.current()
        if self._used is None:
            if newest is None:
                return
            self._used = self._begun(newest, frame.seconds)
        if self._coming is not None and self._coming.source is not newest:
            self._coming = None  # a newer one was offered meanwhile
        used, last = self._used, None
        for step in used.steps(frame):
            last = step.step.seconds
            yield step
        if newest is not None and newest is not used.source and self._used is used:
            if self._coming is None and last is not None:
                # At a step of the old model, so that the steps of both have the same times.
                self._coming = self._begun(newest, last)
            if self._coming is not None:
                yield from self._coming.steps(frame)

    def decide(self, step: ModelStep, watch: Stopwatch | None = None) -> Decision | None:
        """Return the decision at a step; None for a step that only fills a coming model's window.

        Args:
            step: A step of `steps`, in order.
            watch: The stopwatch that times both stages, or None.
        """
        if step.of is self._used:
            decision = step.of.stream.decide(step.step, watch)
            self._next = decision.step + self._offset + 1
            return replace(decision, step=self._next - 1)
        if step.of is self._coming:
            decision = step.of.stream.decide(step.step, watch)
            if decision.full:
                self._used, self._coming = self._coming, None
                self._offset = self._next - decision.step - 1
        return None  # also for a step of a model that was replaced meanwhile

    def _begun(self, source: TakeOver, seconds: float) -> _Running:
        return _Running(source, source.model.stream(self._stride), seconds)
