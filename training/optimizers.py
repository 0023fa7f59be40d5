"""Optimizers by name, with a learning rate for each part of a network, and class weights."""

from collections.abc import Callable
from functools import cache

import numpy as np

from training.keras_backend import keras

MOMENTUM = 0.9  # of sgd


def make_optimizer(name: str, learning_rate: float, weight_decay: float) -> keras.Optimizer:
    """Return the Keras optimizer `adam`, `adamw`, `rmsprop` or `sgd` (momentum 0.9)."""
    return _class_of(name)(learning_rate, **_options(name, weight_decay))


def make_grouped_optimizer(
    name: str, rates: list[float], group_of: Callable, weight_decay: float, **options
) -> keras.Optimizer:
    """Return an optimizer of that name in which every group of variables has its learning rate.

    Args:
        name: as for `make_optimizer`.
        rates: the learning rate of each group; `set_rates` changes them between updates.
        group_of: maps a model's variable to the number of its group.
        weight_decay: decoupled from the gradient (Loshchilov and Hutter 2017), at its group's rate.
        options: of `keras.optimizers.Optimizer`: clipping, accumulation, moving average.
    """
    made = _grouped(name)(rates[0], **_options(name, weight_decay), **options)
    made.prepare(rates, group_of)
    return made


def class_weights(classes: np.ndarray, count: int, choice: str) -> np.ndarray:
    """Return a weight for each of `count` classes: float32, mean 1 over the examples.

    `auto` weighs every class alike in all; with even classes, and with `none`, all weights are 1.
    """
    if choice == "none":
        return np.ones(count, np.float32)
    numbers = np.bincount(classes, minlength=count)
    return (len(classes) / (count * np.maximum(numbers, 1))).astype(np.float32)


def _class_of(name: str) -> type[keras.Optimizer]:
    names = {"adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "sgd": "SGD"}
    return getattr(keras.optimizers, names[name])


def _options(name: str, weight_decay: float) -> dict:
    # AdamW takes 0 for no decay, the others None.
    options = {"weight_decay": weight_decay if name == "adamw" else weight_decay or None}
    return {**options, "momentum": MOMENTUM} if name == "sgd" else options


class _Grouped:
    """Gives each variable its group's learning rate; stands before a Keras optimizer class.

    A Keras optimizer has one rate. `keras.optimizers.MultiOptimizer` joins one optimizer a group,
    but each clips by the norm of its own group's gradients, not by that of all. Scaling gradients
    instead would do nothing to Adam, which divides them by their size. The rates are optimizer
    variables, so every backend takes changed ones without compiling anew, and a checkpoint holds
    them.
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
        """Set the learning rate of every group, from the next update on."""
        self._first_rates = list(rates)
        if self.built:
            for variable, rate in zip(self.group_rates, rates, strict=True):
                variable.assign(rate)

    def _rate(self, variable):
        return self.group_rates[self._groups[self._get_variable_index(variable)]]

    def update_step(self, gradient, variable, learning_rate) -> None:
        super().update_step(gradient, variable, self._rate(variable))

    def _apply_weight_decay(self, variables: list) -> None:
        if not self.weight_decay:
            return
        for variable in variables:
            if self._use_weight_decay(variable):  # as `exclude_from_weight_decay` has it
                rate = keras.ops.cast(self._rate(variable), variable.dtype)
                variable.assign(variable - variable * (self.weight_decay * rate))


@cache
def _grouped(name: str) -> type:
    base = _class_of(name)
    return type(f"Grouped{base.__name__}", (_Grouped, base), {})
