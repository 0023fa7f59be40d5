"""Contract of all heads in HEADS."""

import numpy as np
import pytest

from sequence.dataset import Moments
from sequence.heads import HEADS
from sequence.model import DIFFERENCE, STANDARDISE, build_sequence_model
from training.keras_backend import keras

BLIND_TO_ORDER = {"mean", "statistics"}


@pytest.fixture(params=sorted(HEADS))
def head(request) -> str:
    keras.utils.set_random_seed(0)
    return request.param


def model_of(head: str, *arguments) -> keras.Model:
    """Return a sequence model whose classifier is not 0, as after training."""
    model = build_sequence_model(head, *arguments)
    kernel = model.get_layer("classifier").kernel
    if HEADS[head].l2:
        kernel.assign(np.random.default_rng(3).normal(size=kernel.shape).astype("float32"))
    return model


def windows(count: int, look_back: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(count, look_back, 6)).astype("float32")


@pytest.mark.parametrize("look_back", [1, 2, 12])
@pytest.mark.parametrize("delta", [False, True])
def test_one_finite_logit_per_class(head, look_back, delta):
    model = model_of(head, look_back, 6, 5, (8, 4), 0.5, delta)
    logits = model.predict_on_batch(windows(3, look_back))
    assert logits.shape == (3, 5)
    assert np.isfinite(logits).all()


def test_logits_do_not_depend_on_the_batch(head):
    model = model_of(head, 6, 6, 3, (8, 4), 0.5, True)
    batch = windows(9, 6)
    together = model.predict_on_batch(batch)
    alone = np.concatenate([model.predict_on_batch(window[None]) for window in batch])
    np.testing.assert_allclose(alone, together, atol=1e-5)
    assert np.abs(np.diff(together, axis=0)).max() > 1e-3


def test_dropout_is_off_outside_training(head):
    model = model_of(head, 6, 6, 3, (8, 4), 0.9, True)
    first, second = (model.predict_on_batch(windows(4, 6)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_logits_depend_on_the_order_of_the_steps_except_for_averages(head):
    model = model_of(head, 8, 6, 3, (8, 4), 0.0, False)
    forward = windows(5, 8)
    change = np.abs(model.predict_on_batch(forward) - model.predict_on_batch(forward[:, ::-1]))
    if head in BLIND_TO_ORDER:
        assert change.max() < 1e-5
    else:
        assert change.max(1).min() > 1e-3


def test_every_trainable_weight_gets_a_gradient(head):
    model = model_of(head, 5, 6, 3, (8, 4), 0.0, True)
    model.compile(keras.optimizers.SGD(1.0), keras.losses.SparseCategoricalCrossentropy(True))
    before = [np.asarray(weight) for weight in model.trainable_weights]
    model.train_on_batch(windows(16, 5), np.arange(16) % 3)
    for old, weight in zip(before, model.trainable_weights, strict=True):
        assert np.abs(np.asarray(weight) - old).max() > 0, weight.path


@pytest.mark.parametrize("delta", [False, True])
def test_a_saved_model_is_bit_identical_after_loading(head, delta, tmp_path):
    model = model_of(head, 6, 6, 3, (8, 4), 0.5, delta)
    random = np.random.default_rng(2)
    for layer in (STANDARDISE, DIFFERENCE) if delta else (STANDARDISE,):
        moments = random.uniform(0.5, 2, (2, 6)).astype("float32")
        model.get_layer(layer).set_moments(Moments(*moments))
    model.save(tmp_path / "sequence.keras")
    loaded = keras.saving.load_model(tmp_path / "sequence.keras")  # safe mode: no Lambda
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    batch = windows(4, 6)
    np.testing.assert_array_equal(loaded.predict_on_batch(batch), model.predict_on_batch(batch))
