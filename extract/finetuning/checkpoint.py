"""Checkpoints of an unfinished fine-tuning run, which resumes to the same bits.

    checkpoint/state.h5          after each epoch: all weights, the optimizer, the run's progress
    checkpoint/best.weights.h5   the best epoch so far

Arrays and JSON, no code. Data order and augmentation are functions of seed and epoch, so no state
of random generators or readers is stored.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from clips.manifest.segments import Segment
from extract.finetuning.validation import Scores
from recipes.schema import Recipe
from training.keras_backend import keras
from training.loop import RunState
from video.atomic_write import atomic_write
from video.errors import LookbackError, UsageError

FOLDER = "checkpoint"
BEST = "best.weights.h5"
_STATE = "state.h5"


@dataclass(frozen=True)
class SavedRun:
    """The part of a checkpoint that is stored as JSON.

    Attributes:
        identity: Settings and clips of the run, see `run_identity`.
        state: Progress of the run.
    """

    identity: dict[str, Any]
    state: RunState[Scores]

    def to_json(self) -> str:
        return json.dumps({"identity": self.identity, "state": self.state.to_json()})

    @classmethod
    def from_json(cls, text: str) -> "SavedRun":
        """Return the run that `to_json` wrote.

        Raises:
            ValueError, TypeError, KeyError: The text has other content.
        """
        content = json.loads(text)
        return cls(content["identity"], RunState.from_json(content["state"], Scores))


class Checkpoint:
    """The checkpoint of a model folder.

    Attributes:
        folder: Folder of the checkpoint's files.
        best: Weights file of the best epoch.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / FOLDER
        self.best = self.folder / BEST

    @property
    def exists(self) -> bool:
        return (self.folder / _STATE).is_file()

    def save(self, model: keras.Model, optimizer: keras.Optimizer, run: SavedRun) -> None:
        """Write the checkpoint; it replaces the previous one atomically."""
        with atomic_write(self.folder / _STATE) as temporary, h5py.File(temporary, "w") as file:
            _write(file.create_group("model"), model.variables)
            _write(file.create_group("optimizer"), optimizer.variables)
            file.attrs["state"] = run.to_json()

    def read(self) -> SavedRun:
        """Return the run of a checkpoint, without its arrays.

        Raises:
            LookbackError: There is no checkpoint, or it is damaged, or of an earlier version.
        """
        if not self.exists:
            raise LookbackError(
                f"{self.folder}: there is no unfinished run to resume; leave out --resume"
            )
        run = self._read_run()
        if run is None or not self.best.is_file():
            damaged = self.folder / _STATE if run is None else self.best
            raise LookbackError(
                f"{damaged}: is damaged; remove {self.folder} and start again without --resume"
            )
        return run

    def _read_run(self) -> SavedRun | None:
        """Return the run of state.h5; None if the file is damaged."""
        try:
            with h5py.File(self.folder / _STATE) as file:
                if "recipe" in json.loads(file.attrs["state"]):
                    raise LookbackError(
                        f"{self.folder}: was written by an earlier version of this program; remove "
                        "it and start again without --resume"
                    )
                complete = {"model", "optimizer"} <= file.keys()
                return SavedRun.from_json(file.attrs["state"]) if complete else None
        except (OSError, KeyError, ValueError, TypeError):
            return None

    def load(self, model: keras.Model, optimizer: keras.Optimizer) -> None:
        """Set all variables of a model and of its built optimizer.

        Raises:
            LookbackError: The arrays are damaged or belong to another network.
        """
        with h5py.File(self.folder / _STATE) as file:
            try:
                _read(file["model"], model.variables)
                _read(file["optimizer"], optimizer.variables)
            except (OSError, KeyError, ValueError, TypeError):
                raise LookbackError(
                    f"{self.folder}: belongs to another network or is damaged; start again "
                    "without --resume"
                ) from None

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _write(group: h5py.Group, variables: list) -> None:
    for number, variable in enumerate(variables):
        group[str(number)] = keras.ops.convert_to_numpy(variable.value)


def _read(group: h5py.Group, variables: list) -> None:
    if len(group) != len(variables):
        raise ValueError("another number of variables")
    for number, variable in enumerate(variables):
        variable.assign(np.asarray(group[str(number)]))


def run_identity(recipe: Recipe, segments: list[Segment]) -> dict[str, Any]:
    """Return all that determines the course of a run, as JSON values.

    Args:
        recipe: The recipe. The length of the run is left out if the finished epochs do not depend
            on it, so a resumed run may change it.
        segments: Segments for training and validation.
    """
    values = recipe.model_dump(mode="json")
    parts = {key: values[key] for key in ("seed", "sampling", "preprocessing", "backbone")}
    parts["extract"] = {"engine": values["extract"]["engine"]}  # computes the frozen part
    finetune = {key: value for key, value in values["finetune"].items() if key != "patience"}
    schedule = recipe.finetune.learning_rate_schedule
    if schedule.kind != "cosine" or schedule.cosine_epochs:
        finetune.pop("epochs")
    # Times as text: JSON has no infinity.
    clips = [[s.video, s.label, s.split, f"{s.start}", f"{s.end}"] for s in segments]
    return {**parts, "finetune": finetune, "clips": clips}


def require_same_run(saved: dict[str, Any], current: dict[str, Any], folder: Path) -> None:
    """Raise `UsageError` if a resumed run would differ from the unfinished one.

    Args:
        saved: Identity of the unfinished run.
        current: Identity of this run.
        folder: Folder of the checkpoint, for the message.
    """
    if saved.get("clips") != current.get("clips"):
        raise UsageError(
            "--resume: the clips for training and validation differ from those of the unfinished "
            f"run in {folder}; start again without --resume"
        )
    if difference := _first_difference(saved, current):
        key, before, now = difference
        raise UsageError(
            f"--resume: {key} is {now!r} now and was {before!r} in the unfinished run in {folder}; "
            "resume with the same recipe, or start again without --resume"
        )


def _first_difference(
    before: dict[str, Any], now: dict[str, Any], prefix: str = ""
) -> tuple[str, Any, Any] | None:
    """Return (dotted key, value before, value now) of the first key whose values differ."""
    for key in sorted(before.keys() | now.keys()):
        one, two = before.get(key), now.get(key)
        if isinstance(one, dict) and isinstance(two, dict):
            if found := _first_difference(one, two, f"{prefix}{key}."):
                return found
        elif one != two:
            return f"{prefix}{key}", one, two
    return None
