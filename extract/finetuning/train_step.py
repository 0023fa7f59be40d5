"""One update of fine-tuning: loss, gradients, clipping, accumulation, averages, rates by group."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from extract.architectures.spec import Trunk
from extract.backbones.heads import class_logits
from extract.finetuning.schedule import ActivePhase
from recipes.schema import Finetune
from training.keras_backend import keras
from training.optimizers import make_grouped_optimizer


class TrainingStep:
    """The compiled training step of a phase: which variables train is fixed, rates are not.

    Attributes:
        phase: which.
        base_rates: of the groups before any decay: the head's, then each trained stage's.
        rates: as they are now.
        optimizer: with all its state; under mixed_float16 it scales the loss as well.
    """

    def __init__(
        self, model: keras.Model, trunk: Trunk, phase: ActivePhase, chosen: Finetune
    ) -> None:
        """Compile a network, or the part of it behind a frozen trunk, for a phase.

        Args:
            model: with all that trains; its inputs to logits.
            trunk: whose layers are set to what the phase trains.
            phase: which stages train, at which rates.
            chosen: optimizer and loss.
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
            # Keras averages after every batch, also where a batch only adds to the gradients.
            ema_momentum=chosen.ema_momentum ** (1 / accumulate),
        )
        smoothing = chosen.label_smoothing
        self._classes = model.output_shape[-1]
        if self._classes == 1:
            loss = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=smoothing)
        else:
            loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
        # On XLA see engines/keras_engine.py.
        model.compile(self._grouped, loss, jit_compile=False)
        self.optimizer = model.optimizer
        self.optimizer.build(model.trainable_variables)
        self.rates = self.base_rates

    def __call__(self, inputs: np.ndarray, classes: np.ndarray, weights: np.ndarray) -> float:
        """Train on the model's inputs (B, ...) of class numbers (B,), weighted by (B,); return the
        loss."""
        if self._classes == 1:
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
        """Return the logits (B, K) of the model's inputs (B, ...), as for inference."""
        return class_logits(np.asarray(self._model.predict_on_batch(inputs)))

    def take_average(self) -> None:
        """Give the model's trained variables the moving average of what they were."""
        self._grouped.finalize_variable_values(self._model.trainable_variables)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The model with the moving average of its weights, for a while."""
        trained = self._model.trainable_variables
        before = [keras.ops.convert_to_numpy(variable.value) for variable in trained]
        self.take_average()
        try:
            yield
        finally:
            for variable, value in zip(trained, before, strict=True):
                variable.assign(value)


def seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Set the random state of every dropout layer of a whole network, so that an epoch draws alike
    whatever came before it, and no two layers or epochs draw alike."""
    states = [each for each in model.variables if "seed_generator" in each.path]
    for number, state in enumerate(states):
        drawn = np.random.SeedSequence([seed, epoch, number]).generate_state(2)
        state.assign(drawn.astype(state.dtype))
