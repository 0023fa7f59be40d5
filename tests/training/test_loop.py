"""The training loop: early stopping, best epoch, checkpoints, Ctrl-C, learning-rate plateaus."""

import json
import math
import os
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.history_files import rows_of
from training.history import History
from training.loop import Plateau, RunState, run_epochs
from training.tensorboard import Answers


@dataclass(frozen=True)
class Loss:
    """Validation scores of one number."""

    loss: float

    def __str__(self) -> str:
        return f"validation: {self.loss:g}"


class ScriptedRun:
    """A run whose validation losses are given; `events` lists the calls of the loop."""

    def __init__(self, losses: list, interrupted_at: str = "") -> None:
        self._losses = dict(enumerate(losses))
        self._interrupted_at = interrupted_at
        self.events: list[str] = []
        self.saved: list[dict] = []

    def _call(self, name: str) -> None:
        self.events.append(name)
        if name == self._interrupted_at:
            os.kill(os.getpid(), signal.SIGINT)

    def begin_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        self._call(f"begin {epoch}")

    def train_epoch(self, epoch: int) -> float:
        self._call(f"train {epoch}")
        return 0.5

    @contextmanager
    def validation_weights(self):
        self.events.append("average")
        yield
        self.events.append("trained")

    def validate(self) -> Loss:
        self._call(f"validate {self.epoch}")
        return Loss(self._losses[self.epoch])

    def is_better(self, scores: Loss, best: Loss | None) -> bool:
        return best is None or scores.loss < best.loss

    def keep_best(self) -> None:
        self._call(f"keep {self.epoch}")
        self.events.append("kept")

    def columns(self, loss: float, scores: Loss) -> dict[str, float]:
        return {"loss": loss, "val_loss": scores.loss}

    def answers(self) -> Answers:
        self.events.append("answers")
        return Answers(["a", "b"], np.eye(2, dtype=bool), np.eye(2))

    def save(self, state: RunState[Loss]) -> None:
        self._call(f"save {self.epoch}")
        self.saved.append(state.to_json())


def run(losses: list, patience: int = 0, epochs: int = 0, state: RunState | None = None, **keys):
    """Return (run, state, lines, completed) of a scripted run."""
    scripted, lines = ScriptedRun(losses, **keys), []
    state = state or RunState()
    total = epochs or len(losses)
    completed = run_epochs(scripted, state, total, patience, None, lines.append)
    return scripted, state, lines, completed


def test_an_epoch_keeps_the_best_weights_within_the_validation_weights_and_saves_last():
    scripted, state, lines, completed = run([2, 3])
    first = ["begin 0", "train 0", "average", "validate 0", "keep 0", "kept", "trained", "save 0"]
    second = ["begin 1", "train 1", "average", "validate 1", "trained", "save 1"]
    assert scripted.events == first + second
    assert (state.epochs, state.best, state.best_epoch) == (2, Loss(2), 0)
    assert completed
    assert lines[0].startswith("epoch   1  loss 0.500  validation: 2  ")
    assert lines[0].endswith(" s  best")
    assert lines[1].endswith(" s")


@pytest.mark.parametrize(
    ("losses", "patience", "done"),
    [
        ([3, 2, 2.5, 2.2, 1, 0], 2, 4),
        ([3, 4, 2, 3, 1, 2], 2, 6),
        ([1, 2, 3, 4, 5, 6], 1, 2),
        ([1, 2, 3, 4, 5, 6], 0, 6),
        ([1, 2, 3], 2, 3),
    ],
)
def test_early_stopping_after_patience_epochs_without_a_better_score(losses, patience, done):
    _, state, lines, completed = run(losses, patience)
    assert state.epochs == done
    assert completed
    stopped = done < len(losses)
    assert (lines[-1] == f"No better validation for {patience} epochs: done.") == stopped


def test_every_epoch_has_a_history_row_and_every_best_one_its_answers(tmp_path: Path):
    scripted = ScriptedRun([2, 3])
    with History(tmp_path / "h.csv", tmp_path / "logs") as history:
        run_epochs(scripted, RunState(), 2, 0, history, lambda _: None)
    assert scripted.events.index("answers") == scripted.events.index("save 0") + 1
    assert scripted.events.count("answers") == 1
    assert rows_of(tmp_path / "h.csv") == [
        {"epoch": "1", "loss": "0.5", "val_loss": "2"},
        {"epoch": "2", "loss": "0.5", "val_loss": "3"},
    ]


def test_ctrl_c_before_the_first_best_epoch_is_raised():
    with pytest.raises(KeyboardInterrupt):
        run([1], interrupted_at="train 0")


def test_ctrl_c_later_stops_the_run_and_keeps_the_best():
    _, state, lines, completed = run([2, 1, 3], interrupted_at="train 2")
    assert not completed
    assert (state.epochs, state.best, state.best_epoch) == (2, Loss(1), 1)
    assert len(lines) == 2


def test_ctrl_c_while_the_best_weights_are_written_waits_until_they_are():
    scripted, state, _, completed = run([2, 1], interrupted_at="keep 0")
    assert not completed
    assert scripted.events[-1] == "kept"
    assert (state.best, state.epochs) == (Loss(2), 0)


def test_ctrl_c_while_a_checkpoint_is_written_waits_until_it_is():
    scripted, state, lines, completed = run([2, 1], interrupted_at="save 0")
    assert not completed
    assert scripted.saved[0]["epochs"] == state.epochs == 1
    assert lines == []


@pytest.mark.parametrize("stopped", [1, 2, 3, 4])
def test_a_run_continues_from_a_saved_state_as_if_it_had_not_stopped(stopped):
    losses, patience = [5, 3, 4, 3.5, 3.2, 1], 3
    whole, wanted, _, _ = run(losses, patience)
    text = json.dumps(whole.saved[stopped - 1])
    state = RunState.from_json(json.loads(text), Loss)
    again, found, _, _ = run(losses, patience, state=state)
    assert found == wanted
    assert whole.saved[stopped:] == again.saved


def test_a_finished_state_trains_no_more():
    scripted, _, _, completed = run([1], epochs=3, state=RunState(epochs=3, best=Loss(1)))
    assert completed
    assert scripted.events == []


def test_a_state_is_the_same_after_json():
    state = RunState(4, Loss(math.inf), 2, 17, Plateau(3, 1, 2))
    assert RunState.from_json(json.loads(json.dumps(state.to_json())), Loss) == state
    assert RunState.from_json(RunState().to_json(), Loss) == RunState()


@pytest.mark.parametrize("change", [{"more": 1}, {"best": {"accuracy": 1.0}}, {"plateau": None}])
def test_other_fields_are_an_error(change):
    with pytest.raises(TypeError):
        RunState.from_json({**RunState().to_json(), **change}, Loss)


def reductions_after(patience: int, *improved: bool) -> list[int]:
    plateau, reductions = Plateau(patience), []
    for each in improved:
        plateau.epoch_done(each)
        reductions.append(plateau.reductions)
    return reductions


def test_a_plateau_reduces_after_more_than_patience_epochs_without_improvement():
    """`patience` as torch.optim.lr_scheduler.ReduceLROnPlateau counts it."""
    assert reductions_after(2, *[False] * 7) == [0, 0, 1, 1, 1, 2, 2]
    assert reductions_after(0, *[False] * 3) == [1, 2, 3]


def test_an_improvement_restarts_the_patience_and_reverts_no_reduction():
    assert reductions_after(1, False, True, False, True, False, False) == [0, 0, 0, 0, 0, 1]
    assert reductions_after(1, False, False, True, False, False) == [0, 1, 1, 1, 2]


def test_the_loop_counts_the_plateau_and_saves_it():
    scripted, _, _, _ = run([3, 3, 2, 3, 3], state=RunState(plateau=Plateau(patience=0)))
    assert [saved["plateau"]["reductions"] for saved in scripted.saved] == [0, 1, 1, 2, 3]
