"""The study of a search: its trials in a file, from which a stopped search goes on.

Optuna (MIT, Akiba et al. 2019, arXiv:1907.10902) proposes values with the tree-structured Parzen
estimator and gives up trials that are worse than the median at the same step.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, fields
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sequence.search.scoring import Progress, Score
from sequence.search.space import Configuration, SearchSpace
from video.console import logger
from video.errors import LookbackError

if TYPE_CHECKING:
    import optuna

_LOG = logger(__name__)

FOLDER, FILE = "search", "study.journal"
_SCORE, _TEXT, _REPORTS = "score", "configuration", "test_reports"
_COLUMNS = tuple(field.name for field in fields(Score))
# Trials before the estimator and the median take effect.
_RANDOM_TRIALS = 10
_UNPRUNED_TRIALS = 5
_FIRST_FOLDS = 1  # a trial is never given up before its second fold, or after so many epochs
_FIRST_EPOCHS = 4


def require_optuna() -> None:
    """Check that Optuna is installed.

    Raises:
        LookbackError: It is missing.
    """
    if find_spec("optuna") is None:
        raise LookbackError(
            "--search needs Optuna: python -m pip install -r requirements-extras.txt"
        )


def study_name(identity: dict[str, Any]) -> str:
    """Return the name of the study of some data and settings: other ones make another study."""
    text = json.dumps(identity, sort_keys=True)
    return f"search-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


class Study:
    """Trials of one search, in a file.

    Attributes:
        path: The file. It may hold studies of other data and settings as well.
    """

    def __init__(self, path: Path, name: str, seed: int, by_folds: bool) -> None:
        """Open a study, or make it.

        Args:
            path: File of the study.
            name: Name of the study.
            seed: Seed of the proposals.
            by_folds: Whether the steps of a trial are folds, not epochs.

        Raises:
            LookbackError: Optuna is missing, or the file is damaged.
        """
        require_optuna()
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        first = _FIRST_FOLDS if by_folds else _FIRST_EPOCHS
        # Links, the default of the lock, need a right on Windows.
        lock = JournalFileOpenLock(str(path)) if os.name == "nt" else None
        try:
            storage = JournalStorage(JournalFileBackend(str(path), lock_obj=lock))
            self._study = optuna.create_study(
                storage=storage,
                study_name=name,
                load_if_exists=True,
                direction="minimize",
                pruner=optuna.pruners.MedianPruner(_UNPRUNED_TRIALS, first),
            )
            done = len(self._finished())
        except (ValueError, KeyError, TypeError, AssertionError):
            raise LookbackError(
                f"{path}: the study is damaged; remove it to begin the search anew"
            ) from None
        # With the same seed a search that goes on would propose its first values again.
        self._study.sampler = optuna.samplers.TPESampler(
            n_startup_trials=_RANDOM_TRIALS, seed=seed + done
        )

    def _finished(self) -> "list[optuna.trial.FrozenTrial]":
        from optuna.trial import TrialState

        return self._study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))

    @property
    def finished(self) -> int:
        """Number of trials that were scored or given up."""
        return len(self._finished())

    @property
    def pruned(self) -> int:
        """Number of trials that were given up."""
        return sum(trial.state.name == "PRUNED" for trial in self._finished())

    def run(
        self,
        space: SearchSpace,
        score: Callable[[Configuration, Progress], Score],
        trials: int,
    ) -> None:
        """Try configurations until there are `trials`; those of earlier runs count.

        Args:
            space: Values to try.
            score: Function that trains and scores a configuration.
            trials: Number of trials of the study in all.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed. The finished trials are in the file.
        """
        self._forget_unfinished()
        for values in space.first:
            self._study.enqueue_trial(values, skip_if_exists=True)
        while self.finished < trials:
            self._try_one(space, score, trials)

    def _forget_unfinished(self) -> None:
        """Mark the trials that a killed run left behind, and enqueue their values again."""
        from optuna.trial import TrialState

        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._study.tell(trial.number, state=TrialState.FAIL)
            if trial.params:
                self._study.enqueue_trial(trial.params)

    def _try_one(
        self,
        space: SearchSpace,
        score: Callable[[Configuration, Progress], Score],
        trials: int,
    ) -> None:
        import optuna

        trial = self._study.ask()
        configuration = space.suggest(trial)
        trial.set_user_attr(_TEXT, str(configuration))

        def progress(step: int, value: float) -> None:
            trial.report(value, step)
            if trial.should_prune():
                raise optuna.TrialPruned

        before = self._best()
        try:
            result = score(configuration, progress)
        except optuna.TrialPruned:
            self._study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            outcome = "given up"
        else:
            trial.set_user_attr(_SCORE, asdict(result))
            self._study.tell(trial, result.log_loss)
            outcome = f"log loss {result.log_loss:.3f}, accuracy {result.accuracy:.3f}"
            if before is None or result.log_loss < before:
                outcome += "  best"
        _LOG.info(f"trial {self.finished:>3} of {trials}  {configuration}: {outcome}")

    def _best(self) -> float | None:
        return min((t.value for t in self._finished() if t.state.name == "COMPLETE"), default=None)

    def best(self, space: SearchSpace) -> tuple[Configuration, Score]:
        """Return the configuration with the lowest log loss, and its score."""
        from optuna.trial import FixedTrial

        found = self._study.best_trial
        return space.suggest(FixedTrial(found.params)), Score(**found.user_attrs[_SCORE])

    def table(self) -> list[dict[str, Any]]:
        """Return a row per trial, for trials.csv."""
        rows = []
        for trial in self._finished():
            score = trial.user_attrs.get(_SCORE)
            values = [f"{value:.6g}" for value in score.values()] if score else [""] * len(_COLUMNS)
            rows.append(
                {
                    "trial": trial.number,
                    "state": "scored" if score else "given up",
                    **dict(zip(_COLUMNS, values, strict=True)),
                    "configuration": trial.user_attrs[_TEXT],
                }
            )
        return rows

    def count_test_report(self) -> int:
        """Count one more report on the test clips, and return the number of all of them."""
        count = int(self._study.user_attrs.get(_REPORTS, 0)) + 1
        self._study.set_user_attr(_REPORTS, count)
        return count
