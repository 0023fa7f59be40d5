"""The epochs of a fine-tuning run: phases, learning rates, training, validation, checkpoints."""

from contextlib import AbstractContextManager, nullcontext

import numpy as np

from extract.finetuning.checkpoint import Checkpoint, SavedRun, run_identity
from extract.finetuning.dataset import ClipDataset
from extract.finetuning.learning_rates import learning_rate_at
from extract.finetuning.model import FineTunedModel
from extract.finetuning.schedule import Phases
from extract.finetuning.train_step import TrainingStep, seed_dropout
from extract.finetuning.validation import Scores, scores_of
from metrics.calibration import clip_means
from metrics.targets import truth_of
from model_folder.config import save_weights
from recipes.schema import Recipe
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
    ) -> None:
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
        batches = self._network.inputs.train(epoch)
        with progress_bar(batches, f"epoch {epoch + 1}", unit="batch", leave=False) as bar:
            for inputs, classes in bar:
                done += 1
                step.set_rates(self._learning_rates(epoch + min(done / expected, 1.0)))
                loss = step(inputs, classes, objective.example_weights(classes))
                total += loss * len(classes)
                count += len(classes)
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
        logits, segments = [], []
        for inputs, indices in self._network.inputs.validate():
            logits.append(self._step.logits(inputs))
            segments += indices.tolist()
        if not logits:
            raise LookbackError(f"{self._clips.folder}: no validation clip can be read")
        labeled, segment_of = np.unique(segments, return_inverse=True)
        joined = np.concatenate(logits)
        self._validated = labeled, segment_of, joined
        return scores_of(joined, self._clips.validation_classes[segments], segment_of)

    def is_better(self, scores: Scores, best: Scores | None) -> bool:
        """Return whether scores are better than the best ones by the recipe's `monitor`."""
        return scores.better_than(best, self._chosen.monitor)

    def keep_best(self) -> None:
        """Save the weights to the checkpoint folder as those of the best epoch."""
        save_weights(self._network.without_optimizer, self._checkpoint.best)

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
        saved = SavedRun(self._identity, state)
        self._checkpoint.save(self._network.model, self._step.optimizer, saved)

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
