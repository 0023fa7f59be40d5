"""A new model beside the old one: checked, warmed, and taken over at one step of each camera."""

import shutil
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from live.model import LiveModel, load_live_model
from live.teaching.record import FILE, LearningRecord, read_record, write_record
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
from model_folder.weights_files import copy_converted
from video.atomic_write import atomic_write
from video.errors import LookbackError

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
        seconds_a_step: The time that one step takes, measured when it was warmed.
    """

    model: LiveModel
    folder: Path
    record: LearningRecord | None = None
    seconds_a_step: float = 0.0


class ModelSlot:
    """The model that all cameras use. Methods may be called from any thread.

    The watching loop asks for `current` in every round: another object than before is a new model,
    which `live.watching.camera_stream` takes over without a gap.
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
    seconds_a_step = model.warm_up()
    return TakeOver(model, folder, read_record(folder), seconds_a_step)


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
    copy_converted(new, folder)
    write_config(folder, config)
    record = read_record(new)
    if record is not None:
        write_record(folder, record)
