"""Optimizers as the recipe names them, and weights that make uneven classes count alike."""

from typing import get_args

import numpy as np
import pytest

from recipes.schema import Optimizer
from training.optimizers import class_weights, make_grouped_optimizer, make_optimizer


@pytest.mark.parametrize("name", get_args(Optimizer))
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_every_optimizer_of_the_schema_can_be_made(name, decay):
    optimizer = make_optimizer(name, 0.125, decay)
    assert type(optimizer).__name__.lower() == name
    assert float(optimizer.learning_rate) == 0.125
    assert (optimizer.weight_decay or 0) == decay


@pytest.mark.parametrize("name", get_args(Optimizer))
def test_every_optimizer_goes_downhill(name):
    from training.keras_backend import keras

    variable = keras.Variable([3.0])
    optimizer = make_optimizer(name, 0.1, 0.0)
    optimizer.build([variable])
    for _ in range(5):
        optimizer.apply([keras.ops.convert_to_tensor([1.0])])
    assert float(keras.ops.convert_to_numpy(variable)[0]) < 3.0


def test_uneven_classes_weigh_alike_in_all():
    classes = np.array([0] * 30 + [1] * 10 + [2] * 5)
    weights = class_weights(classes, 3, "auto")
    assert weights.dtype == np.float32
    sums = [weights[classes[classes == index]].sum() for index in range(3)]
    assert np.allclose(sums, sums[0])
    assert np.isclose(weights[classes].mean(), 1)


@pytest.mark.parametrize(("classes", "choice"), [([0, 1, 1, 0], "auto"), ([0, 1, 1, 1], "none")])
def test_even_classes_and_none_leave_all_weights_at_one(classes, choice):
    assert class_weights(np.array(classes), 2, choice).tolist() == [1, 1]


def test_a_class_without_examples_does_no_harm():
    weights = class_weights(np.array([0, 0, 2]), 3, "auto")
    assert np.isfinite(weights).all()
    assert weights[2] > weights[0] > 0


START = [np.array([1.0, -2.0, 0.5], np.float32), np.array([[3.0], [-1.0]], np.float32)]
GRADIENTS = [
    [np.array([0.5, -0.1, 2.0], np.float32), np.array([[0.2], [-0.7]], np.float32)],
    [np.array([-0.3, 0.4, 1.0], np.float32), np.array([[1.2], [0.1]], np.float32)],
    [np.array([0.1, 0.0, -1.0], np.float32), np.array([[-0.2], [0.3]], np.float32)],
]


def updated(optimizer, variables: list, rates: list[list[float]] | None = None) -> list:
    """Apply all gradients, at these rates of the groups where there are some."""
    from training.keras_backend import keras

    optimizer.build(variables)
    for number, gradients in enumerate(GRADIENTS):
        if rates:
            optimizer.set_rates(rates[number])
        optimizer.apply([keras.ops.convert_to_tensor(gradient) for gradient in gradients])
    return [np.asarray(variable) for variable in variables]


def fresh() -> list:
    from training.keras_backend import keras

    return [keras.Variable(value) for value in START]


@pytest.mark.parametrize("name", get_args(Optimizer))
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_with_one_group_it_is_the_plain_optimizer(name, decay):
    wanted = updated(make_optimizer(name, 0.05, decay), fresh())
    grouped = make_grouped_optimizer(name, [0.05], lambda _: 0, decay)
    for one, other, start in zip(updated(grouped, fresh()), wanted, START, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-7)
        assert np.abs(one - start).max() > 1e-3


@pytest.mark.parametrize("name", get_args(Optimizer))
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_each_group_is_like_a_plain_optimizer_of_its_rate(name, decay):
    variables, rates = fresh(), [0.05, 0.002]
    groups = {id(variable): number for number, variable in enumerate(variables)}
    grouped = make_grouped_optimizer(name, rates, lambda v: groups[id(v)], decay)
    found = updated(grouped, variables)
    for number, rate in enumerate(rates):
        wanted = updated(make_optimizer(name, rate, decay), fresh())[number]
        np.testing.assert_allclose(found[number], wanted, rtol=1e-7, atol=1e-7)


RATES = [[0.1, 0.01], [0.05, 0.02], [0.2, 0.0]]


def numpy_sgd(group: int, decay: float) -> np.ndarray:
    value, momentum = START[group].astype(np.float64), 0.0
    for rates, gradients in zip(RATES, GRADIENTS, strict=True):
        value = value * (1 - decay * rates[group])
        momentum = 0.9 * momentum - rates[group] * gradients[group]
        value = value + momentum
    return value


def numpy_adamw(group: int, decay: float) -> np.ndarray:
    value, first, second = START[group].astype(np.float64), 0.0, 0.0
    for step, (rates, gradients) in enumerate(zip(RATES, GRADIENTS, strict=True), 1):
        value = value * (1 - decay * rates[group])
        first = 0.9 * first + 0.1 * gradients[group]
        second = 0.999 * second + 0.001 * gradients[group] ** 2
        mean, square = first / (1 - 0.9**step), second / (1 - 0.999**step)
        value = value - rates[group] * mean / (np.sqrt(square) + 1e-7)
    return value


@pytest.mark.parametrize(("name", "by_hand"), [("sgd", numpy_sgd), ("adamw", numpy_adamw)])
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_changing_rates_of_two_groups_are_those_of_numpy(name, by_hand, decay):
    variables = fresh()
    groups = {id(variable): number for number, variable in enumerate(variables)}
    grouped = make_grouped_optimizer(name, [9.0, 9.0], lambda v: groups[id(v)], decay)
    found = updated(grouped, variables, RATES)
    for group in range(2):
        np.testing.assert_allclose(found[group], by_hand(group, decay), rtol=1e-4, atol=1e-5)


def test_rates_that_are_set_before_it_is_built_hold():
    grouped = make_grouped_optimizer("sgd", [9.0, 9.0], lambda _: 1, 0.0)
    grouped.set_rates([0.5, 0.25])
    grouped.build(fresh())
    assert [float(rate) for rate in grouped.group_rates] == [0.5, 0.25]


def test_the_rates_are_part_of_what_a_checkpoint_keeps():
    grouped = make_grouped_optimizer("adam", [0.5, 0.25], lambda _: 1, 0.0)
    grouped.build(fresh())
    kept = {id(variable) for variable in grouped.variables}
    assert {id(rate) for rate in grouped.group_rates} <= kept


@pytest.mark.parametrize("name", get_args(Optimizer))
def test_variables_that_are_excluded_from_weight_decay_do_not_decay(name):
    variables = fresh()
    groups = {id(variable): number for number, variable in enumerate(variables)}
    grouped = make_grouped_optimizer(name, [0.05, 0.05], lambda v: groups[id(v)], 0.1)
    grouped.exclude_from_weight_decay(var_list=[variables[1]])
    found = updated(grouped, variables)
    for number, decay in enumerate((0.1, 0.0)):
        wanted = updated(make_optimizer(name, 0.05, decay), fresh())[number]
        np.testing.assert_allclose(found[number], wanted, rtol=1e-7, atol=1e-7)
