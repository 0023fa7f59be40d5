"""Training step of fine-tuning: loss, gradient clipping and accumulation, EMA, parameter groups."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from extract.architectures.spec import Trunk
from extract.backbones.heads import class_logits
from extract.finetuning.schedule import ActivePhase
from recipes.schema import Finetune
from training.devices import Devices, assign
from training.keras_backend import keras
from training.objective import Objective
from training.optimizers import make_grouped_optimizer


class TrainingStep:
    """The compiled training step of a phase. Its trainable variables are fixed; learning rates may
    change between updates.

    Attributes:
        phase: The phase.
        base_rates: Learning rates of the phase by parameter group: the head, then each trained
            stage.
        rates: Current learning rates of the groups.
        optimizer: The optimizer; a LossScaleOptimizer under mixed_float16.
        uses_batch_statistics: Whether a trained layer depends on the mean and variance of a batch.
    """

    def __init__(
        self,
        model: keras.Model,
        trunk: Trunk,
        phase: ActivePhase,
        chosen: Finetune,
        objective: Objective | None = None,
        devices: Devices | None = None,
    ) -> None:
        """Compile a network, or the part of it above the frozen part, for a phase.

        Args:
            model: Network that contains all trainable layers, from its inputs to logits.
            trunk: Backbone whose layers are trainable as the phase requires.
            phase: Stages to train with their learning rates.
            chosen: Settings of the optimizer and the loss.
            objective: Loss of clips with several classes; None for clips with one.
            devices: Devices of the training; None for one.
        """
        self._model, self.phase = model, phase
        self.base_rates = [phase.head_rate, *phase.rates.values()]
        group_of = {
            id(variable): number
            for number, stage in enumerate(phase.rates, 1)
            for layer in trunk.stages[stage]
            for variable in layer.trainable_variables
        }
        accumulate = chosen.gradient_accumulation_steps
        self._grouped = make_grouped_optimizer(
            chosen.optimizer,
            self.base_rates,
            lambda variable: group_of.get(id(variable), 0),
            chosen.weight_decay,
            global_clipnorm=chosen.gradient_clip_norm or None,
            gradient_accumulation_steps=accumulate if accumulate > 1 else None,
            use_ema=chosen.ema_momentum > 0,
            # Keras updates the average after every batch, accumulation-only batches included.
            ema_momentum=chosen.ema_momentum ** (1 / accumulate),
        )
        smoothing = chosen.label_smoothing
        self._classes = model.output_shape[-1]
        if objective is not None:
            loss = objective.soft_loss(smoothing)
        elif self._classes == 1:
            loss = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=smoothing)
        else:
            loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
        # Without XLA: see extract/engines/keras_engine.py. Several devices need it.
        model.compile(self._grouped, loss, jit_compile=devices is not None)
        self.optimizer = model.optimizer
        self.optimizer.build(model.trainable_variables)
        self.rates = self.base_rates
        self._predict = devices.predictor(model) if devices else model.predict_on_batch
        self.uses_batch_statistics = any(
            isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
            for layers in trunk.stages.values()
            for layer in layers
        )

    def __call__(self, inputs: np.ndarray, classes: np.ndarray, weights: np.ndarray) -> float:
        """Train on a batch and return its loss.

        Of several processes, each gives its share of the batch; the loss is that of all.

        Args:
            inputs: Inputs of the model (B, ...).
            classes: Class indices (B,); or soft labels (B, K) of mixed clips, or indicators of
                several classes.
            weights: Loss weights (B,).
        """
        if classes.ndim == 2:
            targets = classes[:, 1:] if self._classes == 1 else classes
        elif self._classes == 1:
            targets = classes[:, None].astype(np.float32)
        else:
            targets = np.eye(self._classes, dtype=np.float32)[classes]
        loss = self._model.train_on_batch(inputs, targets, weights)
        return float(np.ravel(loss)[0])

    def set_rates(self, rates: list[float]) -> None:
        """Set the learning rate of every group."""
        self.rates = rates
        self._grouped.set_rates(rates)

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        """Return the logits (B, K) of the model's inputs (B, ...) in inference mode."""
        return class_logits(np.asarray(self._predict(inputs)))

    def take_average(self) -> None:
        """Set the trainable variables to their exponential moving average."""
        self._grouped.finalize_variable_values(self._model.trainable_variables)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Set the trainable variables to their moving average within the block."""
        trained = self._model.trainable_variables
        before = [keras.ops.convert_to_numpy(variable.value) for variable in trained]
        self.take_average()
        try:
            yield
        finally:
            for variable, value in zip(trained, before, strict=True):
                assign(variable, value)


def seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Seed every dropout layer of a network for an epoch.

    The masks of an epoch depend only on seed and epoch, so a resumed run has the same ones. All
    layers and epochs have different seeds.
    """
    states = [each for each in model.variables if "seed_generator" in each.path]
    for number, state in enumerate(states):
        value = np.random.SeedSequence([seed, epoch, number]).generate_state(2)
        assign(state, value.astype(state.dtype))
