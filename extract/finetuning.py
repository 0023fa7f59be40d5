"""Fine-tuning a frame network on the clips' frames: the head first, then stage after stage."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from clips.manifest import Manifest
from clips.spans import spans_of
from extract.backbones import Trunk, build_trunk, spec_of
from extract.extractor import licence_of, preprocessing_of, sampling_of, weights_name
from extract.history import History
from extract.model_folder import (
    BACKBONE_WEIGHTS,
    BackboneCard,
    ModelCard,
    made_with,
    read_card,
    save_weights,
    write_card,
)
from extract.network import classifier_network, weights_sha256
from extract.optimizers import class_weights, make_optimizer
from extract.provenance import keep_previous, record_seen
from extract.training_frames import Drawing, drawn_clips, training_batches
from recipes.loader import Settings
from recipes.schema import Finetune, Phase
from video.errors import LookbackError, UsageError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Scores:
    """Validation of an epoch: over pictures, and over clips by the mean of their pictures."""

    loss: float
    accuracy: float
    clip_accuracy: float


def stages_of_phase(phase: Phase, names: tuple[str, ...]) -> set[str]:
    """Return the names of the stages that a phase trains.

    Raises:
        UsageError: a name is not one of the backbone's.
    """
    if phase.stages == "all":
        return set(names)
    if isinstance(phase.stages, int):
        return set(names[max(0, len(names) - phase.stages) :]) if phase.stages else set()
    unknown = [name for name in phase.stages if name not in names]
    if unknown:
        raise UsageError(
            f"finetune.schedule: there is no stage {unknown[0]}; this backbone's are "
            f"{', '.join(names)}"
        )
    return set(phase.stages)


def set_trainable(trunk: Trunk, stages: set[str], freeze_batch_norm: bool) -> None:
    """Let the layers of `stages` train and freeze all others.

    A frozen batch normalisation also keeps its running statistics: Keras runs it for inference.
    """
    from extract.framework import keras

    for stage, layers in trunk.stages.items():
        for layer in layers:
            is_norm = isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = stage in stages and not (is_norm and freeze_batch_norm)


class FineTuning:
    """One run of fine-tuning; `train` leaves the best network in the model folder."""

    def __init__(self, settings: Settings, manifest: Manifest) -> None:
        from extract.framework import keras

        recipe = settings.recipe
        self.settings, self.recipe, self.chosen = settings, recipe, recipe.finetune
        self.folder = Path(recipe.model.folder)
        self.labels = manifest.labels
        self.class_of = {label: index for index, label in enumerate(self.labels)}
        spans = spans_of(manifest)
        self.training = [span for span in spans if span.split == "train"]
        self.validation = [span for span in spans if span.split == "val"]
        self.sampling, self.preprocessing = sampling_of(recipe), preprocessing_of(recipe)
        self.manifest, self.place = manifest, manifest.path.parent
        spec = spec_of(recipe.backbone.name)
        for phase in self.chosen.schedule:
            stages_of_phase(phase, spec.stages)
        print(f"Fine-tuning {spec.name} (weights: {weights_name(recipe)}).")
        keras.utils.set_random_seed(recipe.seed)
        self.trunk = build_trunk(spec.name, recipe.backbone.weights, self.preprocessing.width)
        self.model = classifier_network(self.trunk, self.chosen.network, len(self.labels))

    def train(self) -> Scores:
        """Train, validate each epoch, keep the best epoch's weights; Ctrl-C keeps the best so far.

        Raises:
            LookbackError: no picture can be read, or it was stopped before the first epoch's end.
        """
        best: Scores | None = None
        best_epoch, path = 0, self.folder / BACKBONE_WEIGHTS
        self.folder.mkdir(parents=True, exist_ok=True)
        candidate = path.with_name("candidate." + path.name)
        logs = self.folder / "logs" / "finetune"
        try:
            with History(self.folder / "finetune_history.csv", logs) as history:
                for epoch in range(self.chosen.epochs):
                    self._enter_phase(epoch)
                    started = time.perf_counter()
                    loss = self._train_epoch(epoch)
                    scores = self._validate()
                    history.write(epoch + 1, _columns(loss, scores))
                    is_best = best is None or scores.loss < best.loss
                    _tell(epoch, loss, scores, is_best, time.perf_counter() - started)
                    if is_best:
                        save_weights(self.model, candidate)  # first: Ctrl-C may fall into it
                        best, best_epoch = scores, epoch
                    elif self.chosen.patience and epoch - best_epoch >= self.chosen.patience:
                        print(f"No better validation for {self.chosen.patience} epochs: done.")
                        break
        except KeyboardInterrupt:
            if best is None:
                raise
            print("\nStopped; the best epoch so far is kept.")
        self.model.load_weights(candidate)
        card = self._card()
        keep_previous(self.folder)
        candidate.replace(path)
        write_card(self.folder, card)
        record_seen(self.folder, card.backbone.sha256, self.manifest)
        return best

    def _enter_phase(self, epoch: int) -> None:
        phases = [phase for phase in self.chosen.schedule if phase.epoch <= epoch]
        if not phases:
            raise UsageError("finetune.schedule: its first phase must begin at epoch 0")
        phase = max(phases, key=lambda phase: phase.epoch)
        if epoch not in (0, phase.epoch):
            return
        stages = stages_of_phase(phase, tuple(self.trunk.stages))
        set_trainable(self.trunk, stages, self.chosen.freeze_batch_norm)
        _compile(self.model, self.chosen, phase)
        trained = [name for name in self.trunk.stages if name in stages]
        print(
            f"From epoch {epoch + 1}: {', '.join(['head', *trained])} at {phase.learning_rate:g}."
        )

    def _drawing(self, augment: bool) -> Drawing:
        return Drawing(
            self.place,
            self.sampling,
            self.preprocessing,
            self.chosen.frames_per_clip,
            self.chosen.augment if augment else None,
        )

    def _train_epoch(self, epoch: int) -> float:
        numbers = np.array([self.class_of[span.label] for span in self.training])
        weights = class_weights(numbers, len(self.labels), self.chosen.class_weights)
        batches = training_batches(
            self.training,
            self.class_of,
            self._drawing(augment=True),
            self.chosen.batch_size,
            self.recipe.seed,
            epoch,
        )
        total, count = 0.0, 0
        with tqdm(batches, f"epoch {epoch + 1}", unit="batch", leave=False, disable=None) as bar:
            for pictures, classes in bar:
                targets = np.eye(len(self.labels), dtype=np.float32)[classes]
                loss = self.model.train_on_batch(pictures, targets, weights[classes])
                total += float(np.ravel(loss)[0]) * len(classes)
                count += len(classes)
        if not count:
            raise LookbackError(f"{self.place}: no training clip can be read")
        return total / count

    def _validate(self) -> Scores:
        losses, hits, clip_hits = [], [], []
        # The same pictures in every epoch, or the scores could not be compared.
        drawn = drawn_clips(self.validation, self._drawing(augment=False), (self.recipe.seed,))
        for index, pictures in drawn:
            if not len(pictures):
                continue
            wanted = self.class_of[self.validation[index].label]
            probabilities = np.asarray(self.model.predict_on_batch(pictures))
            losses += list(-np.log(np.maximum(probabilities[:, wanted], 1e-7)))
            hits += list(probabilities.argmax(1) == wanted)
            clip_hits.append(probabilities.mean(0).argmax() == wanted)
        if not losses:
            raise LookbackError(f"{self.place}: no validation clip can be read")
        return Scores(float(np.mean(losses)), float(np.mean(hits)), float(np.mean(clip_hits)))

    def _card(self) -> ModelCard:
        before = read_card(self.folder)
        return ModelCard(
            seed=self.recipe.seed,
            recipe=self.settings.source,
            labels=tuple(self.labels),
            sampling=self.sampling,
            preprocessing=self.preprocessing,
            backbone=BackboneCard(
                name=self.recipe.backbone.name,
                weights=weights_name(self.recipe),
                fine_tuned=True,
                sha256=weights_sha256(self.model),
                feature_size=self.chosen.network.features,
                licence=licence_of(self.recipe),
                network=self.chosen.network,
                labels=tuple(self.labels),
            ),
            sequence=before.sequence if before else None,
            made_with=made_with(),
        )


def _compile(model: "keras.Model", chosen: Finetune, phase: Phase) -> None:
    from extract.framework import keras

    model.compile(
        make_optimizer(chosen.optimizer, phase.learning_rate, chosen.weight_decay),
        keras.losses.CategoricalCrossentropy(label_smoothing=chosen.label_smoothing),
        jit_compile=False,  # see engines/keras_engine.py
    )


def _columns(loss: float, scores: Scores) -> dict[str, float]:
    return {
        "loss": loss,
        "val_loss": scores.loss,
        "val_accuracy": scores.accuracy,
        "val_clip_accuracy": scores.clip_accuracy,
    }


def _tell(epoch: int, loss: float, scores: Scores, best: bool, seconds: float) -> None:
    print(
        f"epoch {epoch + 1:>3}  loss {loss:.3f}  validation: loss {scores.loss:.3f}, frames "
        f"{scores.accuracy:.3f}, clips {scores.clip_accuracy:.3f}  {seconds:.1f} s"
        f"{'  best' if best else ''}"
    )


def print_outcome(tuning: FineTuning, best: Scores) -> None:
    print(
        f"{tuning.recipe.backbone.name}: validation frames {best.accuracy:.3f}, clips "
        f"{best.clip_accuracy:.3f} by the mean of their frames\n{tuning.folder / BACKBONE_WEIGHTS}"
    )
