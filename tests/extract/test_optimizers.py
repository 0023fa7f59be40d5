"""Optimizers as the recipe names them, and weights that make uneven classes count alike."""

from typing import get_args

import numpy as np
import pytest

from extract.optimizers import class_weights, make_optimizer
from recipes.schema import Optimizer


@pytest.mark.parametrize("name", get_args(Optimizer))
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_every_optimizer_of_the_schema_can_be_made(name, decay):
    optimizer = make_optimizer(name, 0.125, decay)
    assert type(optimizer).__name__.lower() == name
    assert float(optimizer.learning_rate) == 0.125
    assert (optimizer.weight_decay or 0) == decay


@pytest.mark.parametrize("name", get_args(Optimizer))
def test_every_optimizer_goes_downhill(name):
    from extract.framework import keras

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
