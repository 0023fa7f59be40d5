"""Training from the cache equals training without it: same clips, losses and weights."""

from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from extract.finetuning import activation_cache
from extract.finetuning.activation_cache import ActivationCache
from extract.finetuning.train_step import seed_dropout
from extract.finetuning.trainer import Trainer
from extract.finetuning.validation import Scores, scores_of
from tests.extract.conftest import phase

CACHED = 3


@pytest.fixture
def tuning_of(quick_settings, scenes):
    """Return a function that makes a fine-tuning of eight clips with a cache of three epochs."""

    def make(*schedule: dict, **keys) -> Trainer:
        keys = {"cache": {"epochs": CACHED}, "batch_size": 3, "epochs": CACHED + 2, **keys}
        return Trainer(quick_settings(*schedule, **keys), scenes(train=2, val=1))

    return make


def enter(tuning: Trainer, epoch: int) -> None:
    """Let the network enter the phase that begins with an epoch, if one does."""
    phase = tuning.phases.at(epoch)
    if phase.first == epoch:
        tuning.network.enter(phase)


def entered(tuning: Trainer) -> ActivationCache:
    enter(tuning, 0)
    assert isinstance(tuning.network.inputs, ActivationCache)
    return tuning.network.inputs


def train(tuning: Trainer, epoch: int) -> float:
    """Train the network on what an epoch feeds it with; return the mean loss."""
    network, weights = tuning.network, tuning.clips.class_weights
    seed_dropout(network.model, tuning.recipe.seed, epoch)
    batches = network.inputs.train(epoch)
    losses, sizes = zip(
        *[(network.step(x, y, weights[y]), len(y)) for x, y in batches], strict=True
    )
    return float(np.average(losses, weights=sizes))


def validate(tuning: Trainer) -> Scores:
    """Score the network on what validation feeds it with."""
    step, answers = tuning.network.step, []
    with step.averaged() if tuning.chosen.ema_momentum else nullcontext():
        for inputs, segments in tuning.network.inputs.validate():
            answers.append((step.logits(inputs), segments))
    logits, segments = (np.concatenate(parts) for parts in zip(*answers, strict=True))
    _, clip_of = np.unique(segments, return_inverse=True)
    return scores_of(logits, tuning.clips.validation_classes[segments], clip_of)


def run(tuning: Trainer, epochs: int) -> tuple[list, list[np.ndarray]]:
    """Train for some epochs; return losses and scores, and the weights of the whole network."""
    course = []
    for epoch in range(epochs):
        enter(tuning, epoch)
        loss, scores = train(tuning, epoch), validate(tuning)
        course.append((loss, scores.loss, scores.accuracy, scores.clip_accuracy))
    return course, tuning.network.model.get_weights()


def trunk_weights(tuning: Trainer) -> dict[str, np.ndarray]:
    layers = tuning.network.trunk.core.layers
    return {v.path: np.array(v) for layer in layers for v in layer.weights}


def assert_close(one: tuple, other: tuple) -> None:
    for first, second in zip([one[0], *one[1]], [other[0], *other[1]], strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-5)


def drawn(tuning: Trainer, monkeypatch) -> dict[str, list]:
    """Record which clips are read from now on."""
    asked: dict[str, list] = {"train_in_order": [], "train": [], "validate": []}

    def watch(name: str) -> None:
        real = getattr(tuning.clips, name)

        def watched(*arguments):
            asked[name].append(arguments[0] if arguments else None)
            return real(*arguments)

        monkeypatch.setattr(tuning.clips, name, watched)

    for name in asked:
        watch(name)
    return asked


@pytest.mark.slow
def test_the_first_epochs_are_those_of_a_run_without_a_cache(tuning_of):
    """Also where a phase moves the cut."""
    schedule = phase(0, 0, 1e-2), phase(1, ["block5"])
    tuning = tuning_of(*schedule)
    before = trunk_weights(tuning)
    cached = run(tuning, CACHED)
    assert_close(cached, run(tuning_of(*schedule, cache={"epochs": 0}), CACHED))
    after = trunk_weights(tuning)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed == {name for name in before if name.startswith("block5")}


def test_split_and_whole_network_are_trained_to_the_same_weights(tuning_of, monkeypatch):
    """The trunk of the tiny network has no random layers, so both must agree."""
    # Adam would divide gradients by their size, and with them the rounding of many batches.
    keys = {"clips_per_video": "all", "batch_size": 16, "optimizer": "sgd"}
    keys |= {"gradient_accumulation_steps": 2, "ema_momentum": 0.9, "weight_decay": 0.01}
    apart = run(tuning_of(phase(0, ["block5"], 1e-2), **keys), 2)
    monkeypatch.setattr("extract.finetuning.model.cut_of", lambda *_: None)
    assert_close(apart, run(tuning_of(phase(0, ["block5"], 1e-2), **keys), 2))


def test_a_cached_epoch_has_the_clips_and_the_order_of_one_without_a_cache(tuning_of):
    tuning = tuning_of(phase(0, ["block5"]))
    cache = entered(tuning)
    for epoch in range(CACHED):
        pairs = zip(cache.train(epoch), tuning.clips.train(epoch), strict=True)
        for (activations, classes), (clips, wanted) in pairs:
            np.testing.assert_array_equal(classes, wanted)
            np.testing.assert_allclose(activations, cache.trunk(clips), rtol=1e-4, atol=1e-5)
    pairs = zip(cache.validate(), tuning.clips.validate(), strict=True)
    for (activations, segments), (clips, wanted) in pairs:
        np.testing.assert_array_equal(segments, wanted)
        np.testing.assert_allclose(activations, cache.trunk(clips), rtol=1e-4, atol=1e-5)


def rows(batches) -> list[tuple]:
    """Return every example of an epoch with its class, in its order."""
    return [
        (row.tobytes(), int(number))
        for activations, classes in batches
        for row, number in zip(activations, classes, strict=True)
    ]


def test_later_epochs_reuse_the_cached_epochs_in_turn_in_a_new_order(tuning_of, monkeypatch):
    tuning = tuning_of(phase(0, 0))
    cache, asked = entered(tuning), drawn(tuning, monkeypatch)
    epochs = [rows(cache.train(epoch)) for epoch in range(3 * CACHED)]
    assert asked == {"train_in_order": [0, 1, 2], "train": [], "validate": []}
    for epoch, examples in enumerate(epochs):
        assert sorted(examples) == sorted(epochs[epoch % CACHED])
    assert all(sorted(one) != sorted(other) for one, other in pairwise(epochs))
    assert len({tuple(examples) for examples in epochs}) == len(epochs)


def test_clips_are_computed_when_an_epoch_needs_them_and_validation_once(tuning_of, monkeypatch):
    tuning = tuning_of(phase(0, 0), epochs=2)
    asked = drawn(tuning, monkeypatch)
    for epoch in range(2):
        enter(tuning, epoch)
        assert asked["train_in_order"] == list(range(epoch))
        train(tuning, epoch)
        assert validate(tuning) == validate(tuning)
    assert {name: len(calls) for name, calls in asked.items()} == {
        "train_in_order": 2,
        "train": 0,
        "validate": 1,
    }


def test_a_phase_that_moves_the_cut_begins_a_cache_and_another_keeps_it(tuning_of, monkeypatch):
    schedule = [phase(n, stages, 10.0 ** -(3 + n)) for n, stages in enumerate((0, 0, 1, 1, "all"))]
    tuning = tuning_of(*schedule)
    asked, caches = drawn(tuning, monkeypatch), []
    for epoch in range(5):
        enter(tuning, epoch)
        caches.append(tuning.network.inputs)
        assert len(rows(tuning.network.inputs.train(epoch))) == 16
    assert caches[0] is caches[1]
    assert caches[1] is not caches[2]
    assert caches[2] is caches[3]
    assert caches[4] is tuning.clips
    assert asked["train_in_order"] == [0, 1, 2, 0]  # the clips of epochs 0 to 3
    assert asked["train"] == [4]
    assert [cache.trunk.shape for cache in caches[1:3]] == [(128,), (3, 3, 96)]


def test_without_a_cache_every_epoch_has_new_clips_and_nothing_is_kept(
    tuning_of, monkeypatch, capsys
):
    tuning = tuning_of(phase(0, 0), cache={"epochs": 0})
    asked = drawn(tuning, monkeypatch)
    cache = entered(tuning)
    for epoch in range(3):
        assert len(rows(cache.train(epoch))) == 16
        assert len(rows(cache.validate())) == 8
    assert asked == {"train_in_order": [], "train": [0, 1, 2], "validate": [None] * 3}
    assert cache.cached_bytes == 0
    assert "keras computes the frozen part in every epoch.\n" in capsys.readouterr().out


# 16 training clips an epoch and 8 validation clips, 128 numbers of four bytes each.
ROW, EPOCH, VALIDATION = 512, 16 * 512, 8 * 512


@pytest.mark.parametrize(
    ("room", "epochs", "validation", "words"),
    [
        (VALIDATION + 3 * EPOCH, 3, True, ""),
        (VALIDATION + 3 * EPOCH - 1, 2, True, "has room for validation and 2 of the epochs"),
        (VALIDATION + EPOCH - ROW, 0, True, "has room for validation and 0 of the epochs"),
        (VALIDATION - 1, 0, False, "has room for 0 of the epochs"),
    ],
)
def test_the_memory_limit_holds_and_epochs_beyond_it_get_new_clips(
    tuning_of, monkeypatch, capsys, room, epochs, validation, words
):
    monkeypatch.setattr(activation_cache, "_MEGABYTE", room)
    tuning = tuning_of(phase(0, 0), cache={"epochs": CACHED, "megabytes": 1})
    cache, asked = entered(tuning), drawn(tuning, monkeypatch)
    assert (cache.epochs, cache.keeps_validation) == (epochs, validation)
    for epoch in range(2 * CACHED):
        assert len(rows(cache.train(epoch))) == 16
        list(cache.validate())
        assert cache.cached_bytes <= room
    assert cache.cached_bytes == epochs * EPOCH + validation * VALIDATION
    assert asked["train_in_order"] == list(range(epochs))
    assert asked["train"] == [epoch for epoch in range(2 * CACHED) if epoch % CACHED >= epochs]
    assert len(asked["validate"]) == (1 if validation else 2 * CACHED)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "cache: " in line]
    assert words in line
    assert ("computed in every epoch" in line) == bool(words)


def test_the_size_is_logged_before_training(tuning_of, capsys):
    entered(tuning_of(phase(0, ["block5"])))
    assert (
        "keras computes the frozen part; cache: (16 clips x 3 epochs + 8 validation clips) x "
        "3x3x96 float32 = at most 0.19 MB of memory; after the first 3 epochs only the trained "
        "part is computed.\n"
    ) in capsys.readouterr().out


def test_under_mixed_precision_keras_computes_and_the_loss_is_scaled(tuning_of):
    tuning = tuning_of(phase(0, ["block5"]), mixed_precision="mixed_float16")
    cache = entered(tuning)
    assert cache.trunk.engine == "keras"
    assert type(tuning.network.step.optimizer).__name__ == "LossScaleOptimizer"
    (clips, _), *_ = tuning.clips.validate()
    (activations, _), *_ = cache.validate()
    assert activations.dtype == np.float32
    np.testing.assert_array_equal(activations, activations.astype(np.float16))
    logits, whole = tuning.network.step.logits(activations), tuning.network.model(clips)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, np.asarray(whole), rtol=1e-2, atol=1e-2)


def test_clips_that_cannot_be_read_leave_the_others_their_rows(tuning_of):
    tuning = tuning_of(phase(0, 0))
    gone = tuning.clips.training[2]
    tuning.clips.training[2] = replace(gone, video="gone.mp4")
    cache = entered(tuning)
    for epoch in (0, CACHED):
        examples = rows(cache.train(epoch))
        assert len(examples) == 14
    plain = [int(n) for _, classes in tuning.clips.train(CACHED) for n in classes]
    assert [number for _, number in examples] == plain


@pytest.mark.parametrize(
    ("chosen", "frames_worth", "engine", "noted"),
    [
        ("auto", 56, "auto", False),
        ("auto", 57, "keras", True),
        ("openvino", 57, "openvino", False),
        ("keras", 57, "keras", False),
    ],
)
def test_few_frames_are_not_worth_converting_a_network(
    tuning_of, monkeypatch, capsys, chosen, frames_worth, engine, noted
):
    """Three epochs of 16 clips and 8 of validation are 56 frames."""
    monkeypatch.setattr("extract.finetuning.model._FRAMES_WORTH_CONVERTING", frames_worth)
    tuning = tuning_of(phase(0, 0))
    extract = tuning.recipe.extract.model_copy(update={"engine": chosen})
    tuning.network._recipe = tuning.recipe.model_copy(update={"extract": extract})
    assert tuning.network._engine(CACHED) == engine
    assert ("frames, and there are 56." in capsys.readouterr().out) == noted
