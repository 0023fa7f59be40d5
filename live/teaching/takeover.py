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


def load_warm(folder: Path, engine: str = "auto", threshold: float | None = None) -> TakeOver:
    """Load the model of a folder and compile it, so that its first step is as fast as the others.

    Args:
        folder: The model folder.
        engine: Name of the engine.
        threshold: Probability that a label has to reach; None for the model's own.

    Raises:
        LookbackError: The model cannot be loaded.
    """
    model = load_live_model(folder, threshold, engine=engine)
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


@dataclass(frozen=True, slots=True)
class ModelStep:
    """A step of one of the two models that a camera may have.

    Attributes:
        step: The step.
        stream: The stream that decides on it.
    """

    step: Step
    stream: VideoStream


class ModelStream:
    """The stream of one camera and session, which changes to a new model at one step.

    It has the two halves of `VideoStream.push`. A new model first fills its own window, from frames
    that the old one still decides on; the first step at which the window is full is the old model's
    last. So no window has features of both, and every step has a decision. Meanwhile a step costs
    both models.
    """

    def __init__(self, slot: ModelSlot, stride: int | None = None) -> None:
        """Begin a session with the current model, which may be none.

        Args:
            slot: The model of all cameras.
            stride: The sampled frames from one step to the next; None for the model's own.
        """
        self._slot, self._stride = slot, stride
        self._used = slot.current()
        self._stream = self._used.model.stream(stride) if self._used else None
        self._coming: tuple[TakeOver, VideoStream] | None = None
        self._next, self._offset = 0, 0

    @property
    def model(self) -> LiveModel | None:
        """The model that decides; None before the first."""
        return self._used.model if self._used else None

    def steps(self, frame: Frame) -> Iterator[ModelStep]:
        """Yield the steps that a frame completes, those of a coming model last.

        Args:
            frame: The next frame.
        """
        self._look_for_a_new_model()
        for stream in (self._stream, self._coming[1] if self._coming else None):
            if stream is not None:
                for step in stream.steps(frame):
                    yield ModelStep(step, stream)

    def decide(self, step: ModelStep, watch: Stopwatch | None = None) -> Decision | None:
        """Return the decision at a step; None for a step that only fills a coming model's window.

        Args:
            step: A step of `steps`, in order.
            watch: The stopwatch that times both stages, or None.
        """
        coming = self._coming
        if coming is None or step.stream is not coming[1]:
            if step.stream is not self._stream:
                return None  # of a model that has been replaced since
            decision = step.stream.decide(step.step, watch)
            self._next = decision.step + self._offset + 1
            return replace(decision, step=self._next - 1)
        decision = step.stream.decide(step.step, watch)
        if decision.full:
            self._used, self._stream = coming
            self._coming = None
            self._offset = self._next - decision.step - 1
        return None

    def _look_for_a_new_model(self) -> None:
        newest = self._slot.current()
        if newest is self._used or newest is None:
            self._coming = None
        elif self._used is None:
            self._used, self._stream = newest, newest.model.stream(self._stride)
        elif self._coming is None or self._coming[0] is not newest:
            self._coming = newest, newest.model.stream(self._stride)
