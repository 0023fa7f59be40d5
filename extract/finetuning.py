"""Fine-tuning a backbone on the clips: the head first, then stage after stage."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import numpy as np
from tqdm import tqdm

from clips.augmentation import check_augment
from clips.manifest import Manifest
from clips.spans import limited, spans_of
from extract.backbones import build_trunk, spec_of
from extract.checkpoint import Checkpoint, State, require_same_run
from extract.framework import keras
from extract.history import History
from extract.interruption import uninterrupted
from extract.learning_rates import Plateau, decayed
from extract.model_folder import BACKBONE_WEIGHTS, ModelCard, read_card, save_weights, write_card
from extract.network import class_logits, classifier_network, feature_network, weights_sha256
from extract.optimizers import class_weights
from extract.phases import Phases, set_trainable
from extract.precision import layers_in, training_precision
from extract.provenance import keep_previous, record_seen
from extract.resolving import (
    clip_length_of,
    draws_per_clip_of,
    make_card,
    preprocessing_of,
    sampling_of,
    training_batch_size_of,
    weights_name,
)
from extract.training_clips import Drawing, SpanFrames, training_batches, validation_batches
from extract.training_step import TrainingStep
from extract.validation import Scores, scores_of
from recipes.loader import Settings
from video.errors import LookbackError, UsageError


class FineTuning:
    """One run of fine-tuning; `train` leaves the best network in the model folder."""

    def __init__(self, settings: Settings, manifest: Manifest, resume: bool = False) -> None:
        recipe = settings.recipe
        self.settings, self.recipe, self.chosen = settings, recipe, recipe.finetune
        self.folder = Path(recipe.model.folder)
        self.labels = manifest.labels
        self.class_of = {label: index for index, label in enumerate(self.labels)}
        self.manifest, self.place = manifest, manifest.path.parent
        limit, spans = self.chosen.limit, spans_of(manifest)
        self.training = limited([s for s in spans if s.split == "train"], limit, recipe.seed)
        self.validation = limited([s for s in spans if s.split == "val"], limit, recipe.seed)
        if self.chosen.network.one_logit and len(self.labels) != 2:
            raise UsageError(
                f"finetune.network.one_logit: is for two classes, and {manifest.path} has "
                f"{len(self.labels)} ({', '.join(self.labels[:5])})"
            )
        self.sampling, self.preprocessing = sampling_of(recipe), preprocessing_of(recipe)
        check_augment(self.chosen.augment, self.preprocessing)
        spec = spec_of(recipe.backbone.name)
        self.phases = Phases(self.chosen.schedule, spec.stages, self.chosen.epochs)
        self.checkpoint = Checkpoint(self.folder)
        if resume:  # before a network is built, or its weights fetched, for nothing
            self._unfinished()
        print(f"Fine-tuning {spec.name} (weights: {weights_name(recipe)}).")
        if weights_name(recipe) == "none" and len(self.phases.at(0).rates) < len(spec.stages):
            print("note: the weights are random, and the schedule's first phase leaves some so.")
        keras.utils.set_random_seed(recipe.seed)
        self.precision = training_precision(self.chosen.precision)
        with layers_in(self.precision):
            side, clip_length = self.preprocessing.width, clip_length_of(recipe)
            self.trunk = build_trunk(spec.name, recipe.backbone.weights, side, clip_length)
            self.model = classifier_network(self.trunk, self.chosen.network, len(self.labels))
        # The same layers without an optimizer, whose state would go into the weights file.
        self._network = keras.Model(self.model.input, self.model.output)
        if self.precision != "float32":
            print(f"Training in {self.precision}; the weights stay float32.")
        self._span_frames = SpanFrames()
        self._step: TrainingStep | None = None
        self._plateau = Plateau(self.chosen.decay.patience)
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
                    with self._averaged():
                        scores = self._validate()
                        is_best = scores.better_than(best, self.chosen.monitor)
                        seconds = time.perf_counter() - started
                        with uninterrupted():
                            if is_best:
                                save_weights(self._network, self.checkpoint.best)
                                best, best_epoch = scores, epoch
                    with uninterrupted():
                        self._plateau.epoch_done(is_best)
                        history.write(epoch + 1, _columns(loss, scores, self._step))
                        self._save(epoch + 1, best, best_epoch)
                    # Last: who reads it may press Ctrl-C, and the epoch is safe.
                    _tell(epoch, loss, scores, is_best, seconds)
        except KeyboardInterrupt:
            if best is None:
                raise
            stopped = True
            print("\nStopped; the best epoch so far is kept, and --resume goes on from here.")
        self._finish(best, stopped)
        return best

    def _has_waited(self, epochs: int) -> bool:
        """Whether the best epoch lies so far back that nothing better is expected."""
        patience = self.chosen.patience
        if not patience or epochs <= patience:
            return False
        print(f"No better validation for {patience} epochs: done.")
        return True

    def _begin(self, resume: bool) -> tuple[Scores | None, int, int]:
        """Return (best scores, their epoch, finished epochs) of the run to go on with."""
        if not resume:
            if self.checkpoint.exists:
                print(f"note: the unfinished run in {self.checkpoint.folder} is given up.")
                self.checkpoint.remove()
            return None, 0, 0
        state = self._unfinished()
        progress = state.progress
        best = Scores(**progress["best"])
        self._enter_phase(state.epochs - 1, tell=False)
        self._plateau.waited, self._plateau.cuts = progress["waited"], progress["cuts"]
        self._batches = progress["batches"]
        self.checkpoint.load(self.model, self._step.optimizer)
        print(f"Resumed after epoch {state.epochs}.")
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
        self.checkpoint.save(self.model, self._step.optimizer, state)

    @cached_property
    def _decides(self) -> dict:
        """Return what decides the course of a run, as JSON values."""
        recipe = self.recipe.model_dump(mode="json")
        parts = {key: recipe[key] for key in ("seed", "sampling", "preprocessing", "backbone")}
        # How long it goes on may be chosen anew; nothing in the past depends on it.
        finetune = {key: value for key, value in recipe["finetune"].items() if key != "patience"}
        if self.chosen.decay.kind != "cosine" or self.chosen.decay.epochs:
            finetune.pop("epochs")
        spans = [*self.training, *self.validation]
        # Times as text: JSON has no infinity.
        clips = [[s.video, s.label, s.split, f"{s.start}", f"{s.end}"] for s in spans]
        return {**parts, "finetune": finetune, "clips": clips}

    def _finish(self, best: Scores, stopped: bool) -> None:
        path = self.folder / BACKBONE_WEIGHTS
        self._network.load_weights(self.checkpoint.best)
        card = self._card(best)
        keep_previous(self.folder)
        save_weights(self._network, path)
        write_card(self.folder, card)
        record_seen(self.folder, card.backbone.sha256, self.manifest)
        if not stopped:
            self.checkpoint.remove()

    def _enter_phase(self, epoch: int, tell: bool = True) -> None:
        phase = self.phases.at(epoch)
        if self._step is not None and epoch != phase.first:
            return
        set_trainable(self.trunk, set(phase.rates), self._freezes_batch_norm())
        self._step = TrainingStep(self.model, self.trunk, phase, self.chosen)
        if self.chosen.decay.per_phase:
            self._plateau = Plateau(self.chosen.decay.patience)
        if tell:
            print(phase)

    def _freezes_batch_norm(self) -> bool:
        # Published statistics are better than those of small batches; random weights have none.
        chosen = self.chosen.freeze_batch_norm
        return weights_name(self.recipe) != "none" if chosen is None else chosen

    def _train_epoch(self, epoch: int) -> float:
        step = self._step
        step.seed(self.recipe.seed, epoch)
        numbers = np.array([self.class_of[span.label] for span in self.training])
        weights = class_weights(numbers, len(self.labels), self.chosen.class_weights)
        batch_size = training_batch_size_of(self.recipe)
        drawing, seed = self._drawing(augment=True), self.recipe.seed
        batches = training_batches(self.training, self.class_of, drawing, batch_size, seed, epoch)
        # Of draws that are not counted yet, as many as there are clips is the least there can be.
        draws = drawing.count if drawing.count != "all" else 1
        expected = self._batches or -(-len(self.training) * draws // batch_size)
        total, count, done = 0.0, 0, 0
        with tqdm(batches, f"epoch {epoch + 1}", unit="batch", leave=False, disable=None) as bar:
            for clips, classes in bar:
                done += 1
                step.set_rates(self._rates(epoch + min(done / expected, 1.0)))
                loss = step(clips, classes, weights[classes])
                total += loss * len(classes)
                count += len(classes)
                bar.set_postfix_str(f"loss {total / count:.3f}")
        if not count:
            raise LookbackError(f"{self.place}: no training clip can be read")
        self._batches = done
        return total / count

    def _rates(self, elapsed: float) -> list[float]:
        """Return every group's learning rate at a time, in epochs since the run began."""
        decay, phase = self.chosen.decay, self._step.phase
        begun, length = (phase.first, phase.length) if decay.per_phase else (0, self.chosen.epochs)
        cuts = self._plateau.cuts
        return [decayed(r, decay, elapsed - begun, length, cuts) for r in self._step.base_rates]

    def _drawing(self, augment: bool) -> Drawing:
        return Drawing(
            folder=self.place,
            sampling=self.sampling,
            preprocessing=self.preprocessing,
            clip_length=clip_length_of(self.recipe),
            clip_sampling=self.chosen.clip_sampling,
            count=draws_per_clip_of(self.recipe),
            augment=self.chosen.augment if augment else None,
            span_frames=self._span_frames,
        )

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The model with the moving average of its weights, where the recipe asks for one."""
        if not self.chosen.ema:
            yield
            return
        trained = self.model.trainable_variables
        before = [keras.ops.convert_to_numpy(variable.value) for variable in trained]
        self._step.take_average()
        try:
            yield
        finally:
            for variable, value in zip(trained, before, strict=True):
                variable.assign(value)

    def _validate(self) -> Scores:
        logits, spans = [], []
        drawing, batch_size = self._drawing(augment=False), training_batch_size_of(self.recipe)
        for clips, indices in validation_batches(self.validation, drawing, batch_size):
            logits.append(class_logits(np.asarray(self.model.predict_on_batch(clips))))
            spans += indices.tolist()
        if not logits:
            raise LookbackError(f"{self.place}: no validation clip can be read")
        classes = np.array([self.class_of[self.validation[index].label] for index in spans])
        _, clip_of = np.unique(spans, return_inverse=True)
        return scores_of(np.concatenate(logits), classes, clip_of)

    def _card(self, best: Scores) -> ModelCard:
        return make_card(
            self.settings,
            read_card(self.folder),
            sha256=weights_sha256(self.model),
            feature_size=feature_network(self._network).output_shape[-1],
            labels=tuple(self.labels),
            network=self.chosen.network,
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
    print(
        f"epoch {epoch + 1:>3}  loss {loss:.3f}  validation: loss {scores.loss:.3f}, draws "
        f"{scores.accuracy:.3f}, clips {scores.clip_accuracy:.3f}  {seconds:.1f} s"
        f"{'  best' if best else ''}"
    )


def print_outcome(tuning: FineTuning, best: Scores) -> None:
    print(
        f"{tuning.recipe.backbone.name}: validation draws {best.accuracy:.3f}, clips "
        f"{best.clip_accuracy:.3f} by the mean of their draws\n{tuning.folder / BACKBONE_WEIGHTS}\n"
        "It is a classifier as it is (python extract.py, python evaluate.py; run.py), and its "
        "features are what python train_lstm.py takes."
    )
