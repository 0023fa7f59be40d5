"""The training loop of both stages: early stopping, the best epoch, history rows, Ctrl-C.

begin_epoch -> train_epoch -> validate -> keep_best, if improved -> history row -> save
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from training.history import History
from training.interruption import defer_interrupts
from training.tensorboard import Answers

S = TypeVar("S")  # the validation scores of a run, a dataclass


@dataclass
class Plateau:
    """Counts reductions of the learning rate: one after more than `patience` epochs without a
    better validation score, then the count of epochs starts over.

    `patience` counts as in torch.optim.lr_scheduler.ReduceLROnPlateau; Keras reduces one epoch
    earlier.
    """

    patience: int = 0
    epochs_waited: int = 0
    reductions: int = 0

    def epoch_done(self, improved: bool) -> None:
        self.epochs_waited = 0 if improved else self.epochs_waited + 1
        if self.epochs_waited > self.patience:
            self.epochs_waited, self.reductions = 0, self.reductions + 1


@dataclass
class RunState(Generic[S]):
    """Progress of a run between two epochs; a checkpoint saves and loads it as one.

    Attributes:
        epochs: Finished epochs.
        best: Validation scores of the best epoch; None before the first.
        best_epoch: Index of the best epoch.
        batches: Batches per epoch, if known; 0 before the first.
        plateau: Learning-rate reductions so far.
    """

    epochs: int = 0
    best: S | None = None
    best_epoch: int = 0
    batches: int = 0
    plateau: Plateau = field(default_factory=Plateau)

    def is_out_of_patience(self, patience: int) -> bool:
        """Return whether the best epoch is `patience` or more epochs ago; with 0, always False."""
        waited = self.epochs - 1 - self.best_epoch
        return self.best is not None and 0 < patience <= waited

    def to_json(self) -> dict[str, Any]:
        """Return JSON values for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any], scores: type[S]) -> "RunState[S]":
        """Return the state that `to_json` wrote.

        Args:
            values: JSON values.
            scores: Type of `best`.

        Raises:
            TypeError, KeyError: `values` has other fields.
        """
        best = None if values["best"] is None else scores(**values["best"])
        return cls(**{**values, "best": best, "plateau": Plateau(**values["plateau"])})


class TrainingRun(Protocol[S]):
    """The parts of an epoch that differ between the stages."""

    def begin_epoch(self, epoch: int) -> None:
        """Prepare an epoch, counted from 0; its time is not measured."""

    def train_epoch(self, epoch: int) -> float:
        """Train on all batches of an epoch; return the mean loss."""
        ...

    def validation_weights(self) -> AbstractContextManager[None]:
        """Return a context in which the model has the weights that are validated and kept."""
        ...

    def validate(self) -> S:
        """Return the validation scores of the model; their `str` is part of the epoch's line."""
        ...

    def is_better(self, scores: S, best: S | None) -> bool:
        """Return whether an epoch's scores are better than the best so far."""
        ...

    def keep_best(self) -> None:
        """Keep the model's weights as those of the best epoch."""

    def columns(self, loss: float, scores: S) -> dict[str, float]:
        """Return the history row of an epoch."""
        ...

    def answers(self) -> Answers | None:
        """Return the answers of the last `validate`, for TensorBoard; None if it is not worth the
        time of drawing them."""
        ...

    def save(self, state: RunState[S]) -> None:
        """Save a checkpoint after an epoch, if the run has checkpoints."""


def run_epochs(
    run: TrainingRun[S],
    state: RunState[S],
    epochs: int,
    patience: int,
    history: History | None,
    log: Callable[[str], object],
) -> bool:
    """Train until `epochs` are done or early stopping ends the run.

    Ctrl-C during a write is deferred to its end. After the first validated epoch Ctrl-C stops the
    run and keeps the best epoch.

    Args:
        run: The run.
        state: Progress of the run; updated after every epoch.
        epochs: Total number of epochs, including those that `state` has finished.
        patience: Epochs without a better validation score that end the run; 0: no early stopping.
        history: History that receives a row per epoch; None for no history.
        log: Function that receives a line per epoch.

    Returns:
        True; False if Ctrl-C stopped the run.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed before there was a best epoch.
    """
    try:
        while state.epochs < epochs:
            if state.is_out_of_patience(patience):
                log(f"No better validation for {patience} epochs: done.")
                break
            _run_epoch(run, state, history, log)
    except KeyboardInterrupt:
        if state.best is None:
            raise
        return False
    return True


def _run_epoch(
    run: TrainingRun[S],
    state: RunState[S],
    history: History | None,
    log: Callable[[str], object],
) -> None:
    epoch = state.epochs
    run.begin_epoch(epoch)
    started = time.perf_counter()
    loss = run.train_epoch(epoch)
    with run.validation_weights():
        scores = run.validate()
        improved = run.is_better(scores, state.best)
        seconds = time.perf_counter() - started
        if improved:
            with defer_interrupts():
                run.keep_best()
                state.best, state.best_epoch = scores, epoch
    with defer_interrupts():
        state.epochs = epoch + 1
        state.plateau.epoch_done(improved)
        if history:
            history.write(state.epochs, run.columns(loss, scores))
        run.save(state)
    if history and improved and (answers := run.answers()):
        history.log.answers(state.epochs, answers)
    # The last statement: a user who reads the line may press Ctrl-C, and the epoch is saved.
    log(
        f"epoch {epoch + 1:>3}  loss {loss:.3f}  {scores}  {seconds:.1f} s"
        f"{'  best' if improved else ''}"
    )
