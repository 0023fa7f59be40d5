"""One update of fine-tuning against the same in numpy and against plain Keras."""

import numpy as np
import pytest

from extract.backbones import build_trunk
from extract.backbones.heads import class_logits, classifier_network
from extract.finetuning.schedule import Phases, set_trainable
from extract.finetuning.train_step import TrainingStep
from metrics.task import MULTI_LABEL
from recipes.loader import load
from recipes.schema import Finetune, Phase
from training.keras_backend import keras
from training.objective import Objective

CLIPS = np.random.default_rng(0).integers(0, 256, (8, 1, 32, 32, 3), np.uint8)
CLASSES = np.array([0, 1, 1, 0, 0, 1, 0, 1])
EVEN = np.ones(8, np.float32)
STAGES = {"block4": 3e-4, "block5": 1e-2}


def chosen(**keys) -> Finetune:
    plain = {"label_smoothing": 0.0, "optimizer": "sgd", "head.dropout": 0.0}
    plain["head.features"] = 8
    flags = {f"finetune.{key}": value for key, value in {**plain, **keys}.items()}
    return load(flags=flags).recipe.finetune


def made(
    settings: Finetune,
    classes: int = 2,
    rate: float = 0.05,
    stages=STAGES,
    objective: Objective | None = None,
) -> TrainingStep:
    """Return the training step of a network that is the same each time."""
    keras.utils.set_random_seed(1)
    trunk = build_trunk("tiny", "none", 32)
    model = classifier_network(trunk, settings.head, classes)
    phase = Phase(epoch=0, stages=dict(stages), learning_rate=rate)
    active = Phases((phase,), tuple(trunk.stages), 1).at(0)
    set_trainable(trunk, set(active.rates), False)
    return TrainingStep(model, trunk, active, settings, objective)


def weights(step: TrainingStep) -> list[np.ndarray]:
    return [np.asarray(variable) for variable in step._model.trainable_variables]


def changes(before: list[np.ndarray], after: list[np.ndarray]) -> list[np.ndarray]:
    return [new - old for old, new in zip(before, after, strict=True)]


def test_every_group_moves_by_its_own_rate():
    """Twice the rate is twice the way, for one group and none of the others (the first update of
    SGD is the gradient times the rate)."""
    one, other = made(chosen()), made(chosen())
    other.set_rates([0.05, 3e-4, 2e-2])
    ways = []
    for step in (one, other):
        before = weights(step)
        step(CLIPS, CLASSES, EVEN)
        ways.append(changes(before, weights(step)))
    for variable, first, second in zip(one._model.trainable_variables, *ways, strict=True):
        factor = 2.0 if "block5" in variable.path else 1.0
        assert np.abs(first).max() > 0
        np.testing.assert_allclose(second, factor * first, rtol=1e-3, atol=3e-7)


def test_the_groups_are_the_head_and_the_stages_in_the_phase_s_order():
    step = made(chosen())
    groups = {
        variable.path: step._grouped._groups[number]
        for number, variable in enumerate(step._model.trainable_variables)
    }
    assert step.base_rates == [0.05, 3e-4, 1e-2]
    for path, group in groups.items():
        assert group == (1 if "block4" in path else 2 if "block5" in path else 0), path
    assert set(groups.values()) == {0, 1, 2}


def test_two_half_batches_make_the_update_of_the_whole_one():
    whole, halves = (
        made(chosen(gradient_clip_norm=0.1)),
        made(chosen(gradient_clip_norm=0.1, gradient_accumulation_steps=2)),
    )
    before = weights(whole)
    whole(CLIPS, CLASSES, EVEN)
    halves(CLIPS[:4], CLASSES[:4], EVEN[:4])
    for old, now in zip(before, weights(halves), strict=True):
        np.testing.assert_array_equal(old, now)  # nothing moves before the second half
    halves(CLIPS[4:], CLASSES[4:], EVEN[4:])
    for one, other, old in zip(weights(whole), weights(halves), before, strict=True):
        assert np.abs(one - old).max() > 0
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-7)


def test_gradients_are_clipped_by_their_global_norm():
    free, clipped = made(chosen(), stages={}), made(chosen(gradient_clip_norm=0.01), stages={})
    ways = []
    for step in (free, clipped):
        before = weights(step)
        step(CLIPS, CLASSES, EVEN)
        ways.append(np.concatenate([way.ravel() for way in changes(before, weights(step))]))
    norm = np.linalg.norm(ways[0]) / 0.05
    assert norm > 0.02
    np.testing.assert_allclose(np.linalg.norm(ways[1]) / 0.05, 0.01, rtol=1e-4)
    np.testing.assert_allclose(ways[1], ways[0] * 0.01 / norm, rtol=1e-3, atol=1e-8)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_average_of_the_weights_is_numpy_s(accumulate):
    step = made(
        chosen(ema_momentum=0.8, gradient_accumulation_steps=accumulate), stages={}, rate=0.5
    )
    average: list[np.ndarray] = []
    # Counted after every batch, also where it only adds to the gradients and the weights stand.
    momentum = 0.8 ** (1 / accumulate)
    for batch in range(3 * accumulate):
        step(CLIPS, CLASSES, EVEN)
        now = weights(step)
        if batch < accumulate:
            average = now
        average = [momentum * a + (1 - momentum) * w for a, w in zip(average, now, strict=True)]
    step.take_average()
    for found, wanted, last in zip(weights(step), average, now, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
        assert np.abs(found - last).max() > 1e-5


def by_hand(logits: np.ndarray, smoothing: float, weighed: np.ndarray) -> float:
    """Return the loss of logits (n, K) in float64: weighted, over the number of examples."""
    count = logits.shape[1]
    targets = np.eye(count)[CLASSES] * (1 - smoothing) + smoothing / count
    shifted = logits - logits.max(1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return float((weighed * -(targets * logs).sum(1)).mean())


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weighed", [EVEN, np.where(CLASSES == 1, 1.5, 0.5).astype("float32")])
@pytest.mark.parametrize("one_logit", [False, True])
def test_the_loss_smooths_labels_and_weighs_classes(smoothing, weighed, one_logit):
    settings = chosen(label_smoothing=smoothing, **{"head.one_logit": one_logit})
    step = made(settings)
    outputs = np.asarray(step._model.predict_on_batch(CLIPS), np.float64)
    assert outputs.shape[1] == (1 if one_logit else 2)
    loss = step(CLIPS, CLASSES, weighed)
    assert loss == pytest.approx(by_hand(class_logits(outputs), smoothing, weighed), rel=1e-5)


def test_one_logit_learns_what_the_difference_of_two_would():
    """The gradients of a sigmoid are those of a softmax over 0 and the logit."""
    steps = [made(chosen(**{"head.one_logit": one}), stages={}) for one in (False, True)]
    two, one = (step._model.get_layer("classifier") for step in steps)
    kernel = np.random.default_rng(0).normal(size=(8, 1)).astype(np.float32)
    two.set_weights([np.hstack([0 * kernel, kernel]), np.zeros(2, np.float32)])
    one.set_weights([kernel, np.zeros(1, np.float32)])
    features = [step._model.get_layer("features") for step in steps]
    features[1].set_weights(features[0].get_weights())
    losses = [step(CLIPS, CLASSES, EVEN) for step in steps]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    for first, second in zip(*(layer.get_weights() for layer in features), strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(two.get_weights()[0][:, 1:], one.get_weights()[0], atol=1e-7)


def test_under_mixed_precision_the_weights_stay_float32_and_the_loss_is_scaled():
    from extract.finetuning.mixed_precision import layers_in

    with layers_in("mixed_float16"):
        step = made(chosen())
    assert keras.config.dtype_policy().name == "float32"
    assert {str(variable.dtype) for variable in step._model.trainable_variables} == {"float32"}
    assert type(step.optimizer).__name__ == "LossScaleOptimizer"
    before = weights(step)
    reference = made(chosen())
    one, other = (each(CLIPS, CLASSES, EVEN) for each in (step, reference))
    assert one == pytest.approx(other, rel=1e-2)
    step.set_rates([0.0, 0.0, 0.0])
    after = weights(step)
    assert any(np.abs(way).max() > 0 for way in changes(before, after))


def test_the_loss_of_several_classes_is_that_of_each_by_itself():
    targets = np.stack([CLASSES == 1, CLASSES >= 0], axis=1).astype(np.float32)
    settings = chosen(label_smoothing=0.2)
    objective = Objective(MULTI_LABEL, targets, 2, "none")
    step = made(settings, objective=objective)
    logits = np.asarray(step._model.predict_on_batch(CLIPS), np.float64)
    smooth = 0.8 * targets + 0.1
    rows = np.log1p(np.exp(-np.abs(logits))) + np.maximum(logits, 0) - logits * smooth
    loss = step(CLIPS, targets, objective.example_weights(targets))
    assert loss == pytest.approx(rows.mean(), rel=1e-5)
