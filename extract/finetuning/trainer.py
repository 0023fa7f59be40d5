"""Fine-tuning a backbone on the clips: the head first, then stage after stage."""

import time
from contextlib import nullcontext
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import numpy as np

from clips.manifest import Manifest
from extract.backbones.defaults import resolve_backbone
from extract.backbones.heads import feature_network, weights_sha256
from extract.backbones.model_config import make_config
from extract.finetuning.checkpoint import Checkpoint, State, require_same_run
from extract.finetuning.dataset import ClipDataset
from extract.finetuning.learning_rates import Plateau, learning_rate_at
from extract.finetuning.model import FineTunedModel
from extract.finetuning.schedule import Phases
from extract.finetuning.train_step import TrainingStep, seed_dropout
from extract.finetuning.validation import Scores, scores_of
from model_folder.config import (
    BACKBONE_WEIGHTS,
    ModelConfig,
    read_config,
    save_weights,
    write_config,
)
from model_folder.provenance import keep_previous, record_seen
from recipes.commands import command
from recipes.loader import Settings
from training.history import History
from training.interruption import defer_interrupts
from training.keras_backend import keras
from video.console import logger, progress_bar
from video.errors import LookbackError, UsageError

_LOG = logger(__name__)


class Trainer:
    """One run of fine-tuning; `train` leaves the best network in the model folder."""

    def __init__(self, settings: Settings, manifest: Manifest, resume: bool = False) -> None:
        recipe = settings.recipe
        self.settings, self.recipe, self.chosen = settings, recipe, recipe.finetune
        self.folder = Path(recipe.model.folder)
        self.manifest, self.place = manifest, manifest.path.parent
        self.backbone = resolve_backbone(recipe)
        self.clips = ClipDataset(recipe, manifest, self.backbone)
        self.labels = self.clips.labels
        if self.chosen.head.one_logit and len(self.labels) != 2:
            raise UsageError(
                f"finetune.head.one_logit: is for two classes, and {manifest.path} has "
                f"{len(self.labels)} ({', '.join(self.labels[:5])})"
            )
        spec, weights = self.backbone.spec, self.backbone.weights_name
        self.phases = Phases(self.chosen.phases, spec.stages, self.chosen.epochs)
        self.checkpoint = Checkpoint(self.folder)
        if resume:  # before a network is built, or its weights fetched, for nothing
            self._unfinished()
        _LOG.info(f"Fine-tuning {spec.name} (weights: {weights}).")
        if weights == "none" and len(self.phases.at(0).rates) < len(spec.stages):
            _LOG.warning(
                "note: the weights are random, and the schedule's first phase leaves some so."
            )
        keras.utils.set_random_seed(recipe.seed)
        self.network = FineTunedModel(recipe, self.clips, self.backbone)
        self._plateau = Plateau(self.chosen.learning_rate_schedule.patience)
        self._batches = 0  # in an epoch, as far as is known

    def train(self, resume: bool = False) -> Scores:
        """Train, validate each epoch, keep the best epoch's weights; Ctrl-C keeps the best so far.

        Args:
            resume: go on with the unfinished run whose checkpoint is in the folder, to the same
                end as if it had never stopped.

        Raises:
            LookbackError: no clip can be read, there is nothing to resume, or it was stopped before
                the first epoch's end.
            UsageError: the unfinished run had another recipe.
        """
        best, best_epoch, done = self._begin(resume)
        logs = self.folder / "logs" / "finetune"
        self.folder.mkdir(parents=True, exist_ok=True)
        stopped = False
        try:
            with History(self.folder / "finetune_history.csv", logs, kept=done) as history:
                for epoch in range(done, self.chosen.epochs):
                    if best and self._has_waited(epoch - best_epoch):
                        break
                    self._enter_phase(epoch)
                    started = time.perf_counter()
                    loss = self._train_epoch(epoch)
                    with (
                        self.network.step.averaged() if self.chosen.ema_momentum else nullcontext()
                    ):
                        scores = self._validate()
                        is_best = scores.better_than(best, self.chosen.monitor)
                        seconds = time.perf_counter() - started
                        with defer_interrupts():
                            if is_best:
                                save_weights(self.network.without_optimizer, self.checkpoint.best)
                                best, best_epoch = scores, epoch
                    with defer_interrupts():
                        self._plateau.epoch_done(is_best)
                        history.write(epoch + 1, _columns(loss, scores, self.network.step))
                        self._save(epoch + 1, best, best_epoch)
                    # Last: who reads it may press Ctrl-C, and the epoch is safe.
                    _tell(epoch, loss, scores, is_best, seconds)
        except KeyboardInterrupt:
            if best is None:
                raise
            stopped = True
            _LOG.info("\nStopped; the best epoch so far is kept, and --resume goes on from here.")
        self._finish(best, stopped)
        return best

    def _has_waited(self, epochs: int) -> bool:
        """Whether the best epoch lies so far back that nothing better is expected."""
        patience = self.chosen.patience
        if not patience or epochs <= patience:
            return False
        _LOG.info(f"No better validation for {patience} epochs: done.")
        return True

    def _begin(self, resume: bool) -> tuple[Scores | None, int, int]:
        """Return (best scores, their epoch, finished epochs) of the run to go on with."""
        if not resume:
            if self.checkpoint.exists:
                _LOG.warning(f"note: the unfinished run in {self.checkpoint.folder} is given up.")
                self.checkpoint.remove()
            return None, 0, 0
        state = self._unfinished()
        progress = state.progress
        best = Scores(**progress["best"])
        self._enter_phase(state.epochs - 1, tell=False)
        self._plateau.waited, self._plateau.cuts = progress["waited"], progress["cuts"]
        self._batches = progress["batches"]
        self.checkpoint.load(self.network.model, self.network.step.optimizer)
        _LOG.info(f"Resumed after epoch {state.epochs}.")
        return best, progress["best_epoch"], state.epochs

    def _unfinished(self) -> State:
        """Return the checkpoint's state; refuse one of another run."""
        state = self.checkpoint.read()
        require_same_run(state.recipe, self._decides, self.checkpoint.folder)
        return state

    def _save(self, epochs: int, best: Scores, best_epoch: int) -> None:
        progress = {
            "best": asdict(best),
            "best_epoch": best_epoch,
            "waited": self._plateau.waited,
            "cuts": self._plateau.cuts,
            "batches": self._batches,
        }
        state = State(self._decides, epochs, progress)
        self.checkpoint.save(self.network.model, self.network.step.optimizer, state)

    @cached_property
    def _decides(self) -> dict:
        """Return what decides the course of a run, as JSON values."""
        recipe = self.recipe.model_dump(mode="json")
        parts = {key: recipe[key] for key in ("seed", "sampling", "preprocessing", "backbone")}
        parts["extract"] = {"engine": recipe["extract"]["engine"]}  # of a frozen trunk
        # How long it goes on may be chosen anew; nothing in the past depends on it.
        finetune = {key: value for key, value in recipe["finetune"].items() if key != "patience"}
        if (
            self.chosen.learning_rate_schedule.kind != "cosine"
            or self.chosen.learning_rate_schedule.cosine_epochs
        ):
            finetune.pop("epochs")
        segments = [*self.clips.training, *self.clips.validation]
        # Times as text: JSON has no infinity.
        clips = [[s.video, s.label, s.split, f"{s.start}", f"{s.end}"] for s in segments]
        return {**parts, "finetune": finetune, "clips": clips}

    def _finish(self, best: Scores, stopped: bool) -> None:
        path = self.folder / BACKBONE_WEIGHTS
        self.network.without_optimizer.load_weights(self.checkpoint.best)
        config = self._card(best)
        keep_previous(self.folder)
        save_weights(self.network.without_optimizer, path)
        write_config(self.folder, config)
        record_seen(self.folder, config.backbone.sha256, self.manifest)
        if not stopped:
            self.checkpoint.remove()

    def _enter_phase(self, epoch: int, tell: bool = True) -> None:
        phase = self.phases.at(epoch)
        if self.network.step is not None and epoch != phase.first:
            return
        if tell:
            _LOG.info(phase)
        self.network.enter(phase)
        if self.chosen.learning_rate_schedule.per_phase:
            self._plateau = Plateau(self.chosen.learning_rate_schedule.patience)

    def _train_epoch(self, epoch: int) -> float:
        step, weights = self.network.step, self.clips.class_weights
        seed_dropout(self.network.model, self.recipe.seed, epoch)
        expected = self._batches or self.clips.least_batches
        total, count, done = 0.0, 0, 0
        batches = self.network.inputs.train(epoch)
        with progress_bar(batches, f"epoch {epoch + 1}", unit="batch", leave=False) as bar:
            for inputs, classes in bar:
                done += 1
                step.set_rates(self._rates(epoch + min(done / expected, 1.0)))
                loss = step(inputs, classes, weights[classes])
                total += loss * len(classes)
                count += len(classes)
                bar.set_postfix_str(f"loss {total / count:.3f}")
        if not count:
            raise LookbackError(f"{self.place}: no training clip can be read")
        self._batches = done
        return total / count

    def _rates(self, elapsed: float) -> list[float]:
        """Return every group's learning rate at a time, in epochs since the run began."""
        decay, step = self.chosen.learning_rate_schedule, self.network.step
        phase = step.phase
        begun, length = (phase.first, phase.length) if decay.per_phase else (0, self.chosen.epochs)
        cuts = self._plateau.cuts
        return [learning_rate_at(r, decay, elapsed - begun, length, cuts) for r in step.base_rates]

    def _validate(self) -> Scores:
        logits, segments = [], []
        for inputs, indices in self.network.inputs.validate():
            logits.append(self.network.step.logits(inputs))
            segments += indices.tolist()
        if not logits:
            raise LookbackError(f"{self.place}: no validation clip can be read")
        _, clip_of = np.unique(segments, return_inverse=True)
        return scores_of(np.concatenate(logits), self.clips.validation_classes[segments], clip_of)

    def _card(self, best: Scores) -> ModelConfig:
        return make_config(
            self.settings,
            self.backbone,
            read_config(self.folder),
            sha256=weights_sha256(self.network.model),
            feature_size=feature_network(self.network.without_optimizer).output_shape[-1],
            labels=tuple(self.labels),
            network=self.chosen.head,
            temperature=best.temperature,
        )


def _columns(loss: float, scores: Scores, step: TrainingStep) -> dict[str, float]:
    return {
        "loss": loss,
        "val_loss": scores.loss,
        "val_accuracy": scores.accuracy,
        "val_clip_accuracy": scores.clip_accuracy,
        "val_roc_auc": scores.roc_auc,
        "learning_rate": step.rates[0],
    }


def _tell(epoch: int, loss: float, scores: Scores, best: bool, seconds: float) -> None:
    _LOG.info(
        f"epoch {epoch + 1:>3}  loss {loss:.3f}  validation: loss {scores.loss:.3f}, accuracy "
        f"{scores.accuracy:.3f}, of whole clips {scores.clip_accuracy:.3f}  {seconds:.1f} s"
        f"{'  best' if best else ''}"
    )


def print_outcome(tuning: Trainer, best: Scores) -> None:
    _LOG.info(
        f"{tuning.recipe.backbone.name}: validation accuracy {best.accuracy:.3f}, of whole clips "
        f"{best.clip_accuracy:.3f}\n{tuning.folder / BACKBONE_WEIGHTS}\n"
        f"Next: {command('extract')}, then {command('train')} for the second stage, or "
        f"{command('evaluate')} for this network alone; {command('run')} runs it at once; all with "
        "the same --weights."
    )
