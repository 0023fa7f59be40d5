"""Optimizers by name, with learning rates by parameter group, and class weights."""

from collections.abc import Callable
from functools import cache

import numpy as np

from training.devices import assign
from training.keras_backend import keras

MOMENTUM = 0.9  # of sgd


def make_optimizer(name: str, learning_rate: float, weight_decay: float) -> keras.Optimizer:
    """Return the Keras optimizer `adam`, `adamw`, `rmsprop` or `sgd` (momentum 0.9)."""
    return _class_of(name)(learning_rate, **_options(name, weight_decay))


def make_grouped_optimizer(
    name: str, rates: list[float], group_of: Callable, weight_decay: float, **options
) -> keras.Optimizer:
    """Return an optimizer with a learning rate per parameter group.

    Args:
        name: Name for `make_optimizer`.
        rates: Learning rate of each group; `set_rates` changes them between updates.
        group_of: Function from a variable of the model to the index of its group.
        weight_decay: Weight decay, decoupled from the gradient (Loshchilov and Hutter 2017) and
            multiplied by the group's learning rate.
        options: Options of `keras.optimizers.Optimizer`: gradient clipping and accumulation, EMA.
    """
    made = _grouped(name)(rates[0], **_options(name, weight_decay), **options)
    made.prepare(rates, group_of)
    return made


def class_weights(classes: np.ndarray, count: int, choice: str) -> np.ndarray:
    """Return the loss weights of the classes, float32 (count,), with mean 1 over the examples.

    With several classes per example the mean over the classes is 1.

    Args:
        classes: Class index of each example (n,), or indicators of several classes (n, count).
        count: Number of classes.
        choice: `auto`: inversely proportional to the class frequency; `none`: 1.
    """
    if choice == "none":
        return np.ones(count, np.float32)
    if classes.ndim == 2:
        shares = 1 / np.maximum(classes.sum(0), 1)
        return (shares / shares.mean()).astype(np.float32)
    numbers = np.bincount(classes, minlength=count)
    return (len(classes) / (count * np.maximum(numbers, 1))).astype(np.float32)


def _class_of(name: str) -> type[keras.Optimizer]:
    names = {"adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "sgd": "SGD"}
    return getattr(keras.optimizers, names[name])


def _options(name: str, weight_decay: float) -> dict:
    # No weight decay is 0 for AdamW and None for the others.
    options = {"weight_decay": weight_decay if name == "adamw" else weight_decay or None}
    return {**options, "momentum": MOMENTUM} if name == "sgd" else options


class _Grouped:
    """Mixin for a Keras optimizer class: a learning rate per parameter group.

    A Keras optimizer has one learning rate. `keras.optimizers.MultiOptimizer` combines one
    optimizer per group, but each clips by the norm of its group's gradients, not by the global
    norm. Scaled gradients would not change Adam, which divides them by their magnitude. The rates
    are optimizer variables, so they change without recompilation and are part of a checkpoint.
    """

    def prepare(self, rates: list[float], group_of: Callable) -> None:
        self._first_rates, self._group_of = list(rates), group_of

    def build(self, variables: list) -> None:
        if self.built:
            return
        super().build(variables)
        self._groups = [self._group_of(variable) for variable in variables]
        self.group_rates = [
            self.add_variable((), initializer=keras.initializers.Constant(rate), name=f"rate{n}")
            for n, rate in enumerate(self._first_rates)
        ]

    def set_rates(self, rates: list[float]) -> None:
        """Set the learning rate of every group for the next updates."""
        self._first_rates = list(rates)
        if self.built:
            for variable, rate in zip(self.group_rates, rates, strict=True):
                assign(variable, rate)

    def _rate(self, variable):
        return self.group_rates[self._groups[self._get_variable_index(variable)]]

    def update_step(self, gradient, variable, learning_rate) -> None:
        super().update_step(gradient, variable, self._rate(variable))

    def _apply_weight_decay(self, variables: list) -> None:
        if not self.weight_decay:
            return
        for variable in variables:
            if self._use_weight_decay(variable):  # see `exclude_from_weight_decay`
                rate = keras.ops.cast(self._rate(variable), variable.dtype)
                variable.assign(variable - variable * (self.weight_decay * rate))


@cache
def _grouped(name: str) -> type:
    base = _class_of(name)
    return type(f"Grouped{base.__name__}", (_Grouped, base), {})
