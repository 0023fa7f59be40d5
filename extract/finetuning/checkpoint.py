"""The state of an unfinished fine-tuning: enough to go on as if it had never stopped.

    checkpoint/state.h5          after each epoch: all weights, the optimizer, what was decided
    checkpoint/best.weights.h5   the best epoch so far

Arrays and JSON, no code. The order of the clips and the draws follow seed and epoch alone, so
nothing of them need be kept.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from training.keras_backend import keras
from video.atomic_write import atomic_write
from video.errors import LookbackError, UsageError

FOLDER = "checkpoint"
BEST = "best.weights.h5"
_STATE = "state.h5"


@dataclass(frozen=True)
class State:
    """What a checkpoint holds beside the arrays.

    Attributes:
        recipe: everything that decides the run, to be compared on resuming.
        epochs: finished ones.
        progress: what the run has decided so far; JSON values.
    """

    recipe: dict
    epochs: int
    progress: dict


class Checkpoint:
    """The checkpoint of a model folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / FOLDER
        self.best = self.folder / BEST

    @property
    def exists(self) -> bool:
        return (self.folder / _STATE).is_file()

    def save(self, model: keras.Model, optimizer: keras.Optimizer, state: State) -> None:
        """Write the state, replacing the one before in one step."""
        with atomic_write(self.folder / _STATE) as temporary, h5py.File(temporary, "w") as file:
            _write(file.create_group("model"), model.variables)
            _write(file.create_group("optimizer"), optimizer.variables)
            file.attrs["state"] = json.dumps(vars(state))

    def read(self) -> State:
        """Return what a checkpoint says, without its arrays.

        Raises:
            LookbackError: there is none, or it is not whole.
        """
        if not self.exists:
            raise LookbackError(
                f"{self.folder}: no unfinished run is there to resume; leave --resume away"
            )
        try:
            with h5py.File(self.folder / _STATE) as file:
                state = State(**json.loads(file.attrs["state"]))
                whole = {"model", "optimizer"} <= file.keys()
        except (OSError, KeyError, ValueError, TypeError):
            whole = False
        good = {self.folder / _STATE: whole, self.best: self.best.is_file()}
        damaged = [path for path in good if not good[path]]
        if damaged:
            raise LookbackError(
                f"{damaged[0]}: is damaged; remove {self.folder} and start again without --resume"
            )
        return state

    def load(self, model: keras.Model, optimizer: keras.Optimizer) -> None:
        """Set all variables of a model and of its built optimizer.

        Raises:
            LookbackError: they are of another network, or damaged.
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


def require_same_run(before: dict, now: dict, folder: Path) -> None:
    """Raise `UsageError` where a resumed run would not be the one that was begun."""
    if before.get("clips") != now.get("clips"):
        raise UsageError(
            f"--resume: the clips that train and validate are others than in the unfinished run of "
            f"{folder}; begin anew without --resume"
        )
    if other := _first_difference(before, now):
        key, one, two = other
        raise UsageError(
            f"--resume: {key} is {two!r} now and was {one!r} in the unfinished run of {folder}; "
            "resume with the recipe it began with, or begin anew without --resume"
        )


def _first_difference(before: dict, now: dict, prefix: str = "") -> tuple | None:
    """Return (dotted key, value before, value now) of the first key whose values differ."""
    for key in sorted(before.keys() | now.keys()):
        one, two = before.get(key), now.get(key)
        if isinstance(one, dict) and isinstance(two, dict):
            if found := _first_difference(one, two, f"{prefix}{key}."):
                return found
        elif one != two:
            return f"{prefix}{key}", one, two
    return None
