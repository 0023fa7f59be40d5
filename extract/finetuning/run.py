"""The epochs of a fine-tuning run: phases, learning rates, training, validation, checkpoints."""

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict

import numpy as np

from extract.finetuning.checkpoint import Checkpoint, SavedRun, run_identity
from extract.finetuning.dataset import ClipDataset
from extract.finetuning.learning_rates import learning_rate_at
from extract.finetuning.model import FineTunedModel
from extract.finetuning.schedule import Phases
from extract.finetuning.shares import training_batches
from extract.finetuning.train_step import TrainingStep, seed_dropout
from extract.finetuning.validation import Scores, scores_of
from metrics.calibration import clip_means
from metrics.targets import truth_of
from model_folder.config import save_weights
from recipes.schema import Recipe
from storage.trees import copy_up_if_possible
from training.devices import Devices, assign
from training.keras_backend import keras
from training.loop import Plateau, RunState
from training.tensorboard import Answers, sample_numbers
from video.console import logger, progress_bar
from video.errors import LookbackError

_LOG = logger(__name__)


class FineTuningRun:
    """A run of `training.loop.run_epochs`.

    Attributes:
        state: Progress of the run.
    """

    def __init__(
        self,
        recipe: Recipe,
        clips: ClipDataset,
        network: FineTunedModel,
        phases: Phases,
        checkpoint: Checkpoint,
        devices: Devices | None = None,
    ) -> None:
        self._devices = devices
        self._best: list[np.ndarray] | None = None  # weights of the best epoch, with processes
        self._recipe, self._chosen = recipe, recipe.finetune
        self._clips, self._network = clips, network
        self._phases, self._checkpoint = phases, checkpoint
        self._identity = run_identity(recipe, [*clips.training, *clips.validation])
        self.state: RunState[Scores] = RunState(plateau=self._new_plateau())
        self._frames: dict[int, np.ndarray] | None = None  # of sample clips, once they are read

    def resume(self, state: RunState[Scores]) -> None:
        """Continue after a checkpoint's last epoch, to the same bits as without the interruption.

        Args:
            state: Progress of the run in the checkpoint.
        """
        self._enter(state.epochs - 1)  # builds the optimizer whose variables are loaded
        if self._clips.processes:
            self.load_best()
            self._hold_best()
        self._checkpoint.load(self._network.model, self._step.optimizer)
        self.state = state

    def begin_epoch(self, epoch: int) -> None:
        """Enter the phase that begins with an epoch, if one does."""
        phase = self._phases.at(epoch)
        if self._network.step is None or epoch == phase.first:
            _LOG.info(phase)
            self._enter(epoch)

    def train_epoch(self, epoch: int) -> float:
        """Train on all batches of an epoch; return the mean loss over the clips.

        Raises:
            LookbackError: No training clip can be read.
        """
        step, objective = self._step, self._clips.objective
        seed_dropout(self._network.model, self._recipe.seed, epoch)
        expected = self.state.batches or self._clips.min_batches
        total, count, done = 0.0, 0, 0
        whole = step.uses_batch_statistics
        batches = training_batches(self._network.inputs, epoch, self._devices, whole)
        with progress_bar(batches, f"epoch {epoch + 1}", unit="batch", leave=False) as bar:
            for batch in bar:
                done += 1
                step.set_rates(self._learning_rates(epoch + min(done / expected, 1.0)))
                weights = objective.example_weights(batch.classes)
                if batch.factors is not None:
                    weights = weights * batch.factors
                loss = step(batch.inputs, batch.classes, weights)
                total += loss * batch.count
                count += batch.count
                bar.set_postfix_str(f"loss {total / count:.3f}")
        if not count:
            raise LookbackError(f"{self._clips.folder}: no training clip can be read")
        self.state.batches = done
        return total / count

    def validation_weights(self) -> AbstractContextManager[None]:
        """Return a context with the moving average of the weights, if the recipe enables it."""
        return self._step.averaged() if self._chosen.ema_momentum else nullcontext()

    def validate(self) -> Scores:
        """Return the validation scores of the network.

        Raises:
            LookbackError: No validation clip can be read.
        """
        logits, segments = [np.zeros((0, len(self._clips.labels)), np.float32)], [np.zeros(0, int)]
        for inputs, indices in self._network.inputs.validate():
            logits.append(self._step.logits(inputs))
            segments.append(indices)
        joined, places = np.concatenate(logits), np.concatenate(segments)
        if processes := self._clips.processes:
            joined = np.concatenate(processes.gathered(joined))
            places = np.concatenate(processes.gathered(places))
            order = np.argsort(places, kind="stable")
            joined, places = joined[order], places[order]
        if not len(places):
            raise LookbackError(f"{self._clips.folder}: no validation clip can be read")
        labeled, segment_of = np.unique(places, return_inverse=True)
        self._validated = labeled, segment_of, joined
        scores = scores_of(joined, self._clips.validation_classes[places], segment_of)
        if processes:  # another processor may round otherwise, and all have to decide alike
            scores = Scores(**json.loads(processes.from_first(json.dumps(asdict(scores)))))
        return scores

    def is_better(self, scores: Scores, best: Scores | None) -> bool:
        """Return whether scores are better than the best ones by the recipe's `monitor`."""
        return scores.better_than(best, self._chosen.monitor)

    def keep_best(self) -> None:
        """Save the weights to the checkpoint folder as those of the best epoch."""
        if not self.writes:
            return
        save_weights(self._network.without_optimizer, self._checkpoint.best)
        if self._clips.processes:
            self._hold_best()

    def load_best(self) -> None:
        """Set the weights to those of the best epoch."""
        network = self._network.without_optimizer
        if self._best is None:
            network.load_weights(self._checkpoint.best)
            return
        # Keras would wait for the other processes, which may have ended.
        for variable, value in zip(network.variables, self._best, strict=True):
            assign(variable, value)

    def _hold_best(self) -> None:
        variables = self._network.without_optimizer.variables
        self._best = [keras.ops.convert_to_numpy(variable.value) for variable in variables]

    def columns(self, loss: float, scores: Scores) -> dict[str, float]:
        """Return the row of finetune_history.csv for an epoch."""
        return {"loss": loss, **scores.columns(), "learning_rate": self._step.rates[0]}

    def answers(self) -> Answers:
        """Return the probabilities of the last `validate`, with frames as the network sees them."""
        segments, segment_of, logits = self._validated
        truth = truth_of(self._clips.validation_classes, len(self._clips.labels))
        if self._frames is None:
            chosen = segments[sample_numbers(len(segments))]
            self._frames = self._clips.validation_frames(chosen.tolist())
        place = {segment: number for number, segment in enumerate(segments.tolist())}
        frames = {place[segment]: frame for segment, frame in self._frames.items()}
        probabilities = clip_means(self._clips.task.probabilities(logits), segment_of)
        return Answers(self._clips.labels, truth[segments], probabilities, frames)

    def save(self, state: RunState[Scores]) -> None:
        """Save the checkpoint of the last finished epoch."""
        if not self.writes:
            return
        saved = SavedRun(self._identity, state)
        self._checkpoint.save(self._network.model, self._step.optimizer, saved)
        copy_up_if_possible(self._checkpoint.folder)

    @property
    def writes(self) -> bool:
        """Whether this process writes the files of the run."""
        return self._devices is None or self._devices.rank == 0

    @property
    def _step(self) -> TrainingStep:
        step = self._network.step
        assert step is not None, "begin_epoch comes first"
        return step

    def _new_plateau(self) -> Plateau:
        return Plateau(self._chosen.learning_rate_schedule.patience)

    def _enter(self, epoch: int) -> None:
        self._network.enter(self._phases.at(epoch))
        if self._chosen.learning_rate_schedule.per_phase:
            self.state.plateau = self._new_plateau()

    def _learning_rates(self, elapsed: float) -> list[float]:
        """Return the learning rate of every group at a time in epochs since the run began."""
        schedule, phase = self._chosen.learning_rate_schedule, self._step.phase
        start, length = 0, self._chosen.epochs
        if schedule.per_phase:
            start, length = phase.first, phase.length
        reductions = self.state.plateau.reductions
        return [
            learning_rate_at(base, schedule, elapsed - start, length, reductions)
            for base in self._step.base_rates
        ]
