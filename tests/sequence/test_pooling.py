"""Pooling in training: events of a recipe, the same rule in the network, bags, the choice."""

from dataclasses import replace

import numpy as np
import pytest

from metrics.pooling import MEAN, RULES, Pooling, pool
from metrics.task import MULTI_LABEL, SINGLE_LABEL
from sequence import pooling_choice
from sequence.dataset import Dataset
from sequence.evaluation import predict
from sequence.model import build_sequence_model
from sequence.pooling import PooledClips, bag_model, events_of, pooled, pooling_of
from sequence.pooling_choice import Candidate, best_of, choose_pooling
from sequence.prediction import Predictor
from sequence.training import MAX_BAG, fit, window_logits
from tests.sequence.stores import Clip, dataset_of, sequence_recipe
from training.keras_backend import keras
from video.errors import UsageError

LABELS = ["background", "fall", "jump"]
SPLITS = ("train", "train", "train", "val", "test")


def clips_with_a_moment(steps: int = 24) -> list[Clip]:
    """Clips of noise in which one step of a `fall` differs; two clips per group."""
    random, clips = np.random.default_rng(0), []
    for number in range(60):
        split = SPLITS[number % len(SPLITS)]
        for label in ("background", "fall"):
            rows = random.normal(size=(steps, 3))
            if label == "fall":
                rows[random.integers(3, steps - 3), 0] += 6
            rows = rows.astype("float32")
            clips.append(Clip(f"{label}{number}", rows, label, split, f"{number}"))
    return clips


@pytest.fixture(scope="module")
def moments(tmp_path_factory) -> Dataset:
    return dataset_of(tmp_path_factory.mktemp("moments"), clips_with_a_moment(), look_back=3)


def trained(dataset: Dataset, rule: str, **values) -> Predictor:
    values = {"head": "mean", "learning_rate": 0.02, "weight_decay": 0.0, "pooling": rule} | values
    splits = dataset.split("train"), dataset.split("val")
    return fit(dataset, *splits, sequence_recipe(**values), 0)


def test_without_the_key_every_label_but_background_is_an_event():
    assert events_of(sequence_recipe(), LABELS) == (1, 2)
    assert events_of(sequence_recipe(), ["bat", "bowl"]) == ()
    assert pooling_of(sequence_recipe(pooling="top"), LABELS) == Pooling("top", (1, 2))


def test_the_key_names_the_events():
    chosen = sequence_recipe(pooling="top", events=("jump",))
    assert pooling_of(chosen, LABELS) == Pooling("top", (2,))
    assert pooling_of(sequence_recipe(pooling="attention"), LABELS) == Pooling("attention")


@pytest.mark.parametrize(
    ("labels", "values", "problem"),
    [
        (["bat", "bowl"], {}, r"sequence\.pooling top: .*sequence\.events=\[bat\]"),
        (LABELS, {"events": ("fell",)}, r"sequence\.events fell: .*did you mean fall\?"),
        (LABELS, {"events": ()}, r"sequence\.events: names no label"),
    ],
)
def test_events_that_do_not_fit_are_a_usage_error(labels, values, problem):
    with pytest.raises(UsageError, match=problem):
        pooling_of(sequence_recipe(pooling="top", **values), labels)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("windows", [1, 3, 9])
@pytest.mark.parametrize("events", [(1,), (0, 2), (0, 1, 2, 3)])
def test_the_network_pools_as_the_report_does(rule, windows, events):
    pooling, random = Pooling(rule, events if rule == "top" else ()), np.random.default_rng(0)
    outputs = random.normal(0, 2, (5, windows, 4 + (rule == "attention"))).astype("float32")
    found = keras.ops.convert_to_numpy(pooled(keras.ops.convert_to_tensor(outputs), pooling))
    clip = np.repeat(np.arange(5), windows)
    wanted = pooling.clip_probabilities(outputs.reshape(-1, outputs.shape[-1]), clip)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize("rule", ["top", "attention"])
def test_every_trainable_weight_gets_a_gradient_of_a_bag(rule):
    """Also of a background clip with two certain events: its probability never sticks at 0."""
    keras.utils.set_random_seed(0)
    model = build_sequence_model("lstm", 4, 5, 3, (6,), 0.0, True, scored=rule == "attention")
    classifier = model.get_layer("classifier")
    classifier.set_weights([classifier.get_weights()[0], np.array([0.0, 3.0, 3.0], "float32")])
    bags = bag_model(model, 8, Pooling(rule, (1, 2) if rule == "top" else ()))
    bags.compile(keras.optimizers.SGD(1.0), keras.losses.SparseCategoricalCrossentropy(True))
    inputs = np.random.default_rng(0).normal(size=(6, 8, 4, 5)).astype("float32")
    before = model.get_weights()
    bags.train_on_batch(inputs, np.zeros(6, int))
    changed = [np.abs(a - b).max() for a, b in zip(before, model.get_weights(), strict=True)]
    trainable = [weight.trainable for weight in model.weights]
    assert len(changed) == len(trainable)
    assert [change > 0 for change in changed] == trainable


def test_a_bag_spreads_over_the_clip_and_repeats_only_what_it_must(moments):
    segments, random = moments.split("train"), np.random.default_rng(0)
    for size, each in ((4, 1), (22, 1), (44, 2)):
        bags = moments.bags(segments, size, random)
        numbers = bags.segment.reshape(len(segments), size)
        assert (numbers == numbers[:, :1]).all()
        assert sorted(numbers[:, 0]) == list(range(len(segments)))
        steps = (bags.newest - bags.first).reshape(len(segments), size)
        assert steps.min() >= 2
        assert steps.max() <= 23
        gaps = np.diff(steps, axis=1)
        assert set(np.unique(gaps)) <= {22 // size, 22 // size + 1}
        assert max(np.bincount(row).max() for row in steps) == each


@pytest.mark.parametrize(("rule", "batch"), [("mean", (16, 3, 3)), ("top", (16, MAX_BAG, 3, 3))])
def test_all_batches_have_one_size(rule, batch, moments, monkeypatch):
    shapes, train_on_batch = [], keras.Model.train_on_batch

    def watched(model, inputs, *rest):
        shapes.append(inputs.shape)
        return train_on_batch(model, inputs, *rest)

    monkeypatch.setattr(keras.Model, "train_on_batch", watched)
    trained(moments, rule, epochs=1)
    assert shapes == [batch] * 5  # 72 clips


@pytest.mark.parametrize("rule", ["top", "attention"])
def test_pooled_training_finds_the_moment_that_the_label_means(rule, moments):
    predictor = trained(moments, rule, epochs=30)
    segments = moments.split("test")
    truth = np.array([segment.target for segment in segments])
    found = predict("mean", predictor, moments, segments)
    assert np.mean(found.clip.argmax(1) == truth) == 1.0
    # Only the windows that show the moment say `fall`: 3 of 22.
    falls = found.window[:, 1].reshape(len(segments), -1)[truth == 1]
    assert np.mean((falls > 0.5).sum(1)) == pytest.approx(3, abs=1.0)


def test_the_clips_of_a_model_are_pooled_as_in_training(moments):
    predictor = trained(moments, "attention", epochs=2)
    segments = moments.split("test")
    answers = window_logits(predictor, moments, segments)
    assert answers.logits.shape == (len(segments) * 22, 3)
    rows = answers.window_probabilities(predictor.temperature)
    assert np.ptp(answers.logits[:, 2]) > 0.01
    wanted = pool(rows, answers.segment, Pooling("attention"), answers.logits[:, 2])
    found = predict("mean", predictor, moments, segments)
    np.testing.assert_allclose(found.clip, wanted)
    assert found.pooling == "attention"
    assert rows.shape == found.window.shape == (len(segments) * 22, 2)


def candidate(rule: str, loss: float, advantage: float, error: float) -> Candidate:
    return Candidate(rule, np.full(4, loss), 0.5, advantage, error)


@pytest.mark.parametrize(
    ("top", "attention", "wanted"),
    [
        ((0.4, 0.2, 0.1), (0.5, 0.1, 0.05), "top"),
        ((0.6, 0.0, 0.1), (0.5, 0.1, 0.05), "attention"),
        ((0.4, 0.2, 0.3), (0.5, 0.1, 0.2), "mean"),  # within a standard error: a tie
        ((0.7, -0.1, 0.01), (0.8, -0.2, 0.01), "mean"),
    ],
)
def test_a_rule_has_to_beat_mean_by_a_standard_error(top, attention, wanted):
    candidates = [candidate("mean", 0.6, 0.0, 0.0), candidate("top", *top)]
    assert best_of([*candidates, candidate("attention", *attention)]).rule == wanted


class FixedModel:
    """A model whose windows of true classes have a given probability."""

    temperature = 1.0

    pooling = MEAN

    def __init__(self, probability: float) -> None:
        self.probability = probability

    def logits(self, windows: np.ndarray) -> np.ndarray:
        # The first feature of these clips is the target.
        right = np.log(self.probability / (1 - self.probability))
        target = windows[:, 0, :1]
        return np.concatenate([(1 - target) * right, target * right], axis=1)


def chosen_among(probabilities: dict, labels: tuple, folder, monkeypatch, **values):
    clips = [
        Clip(f"{n}", np.full((4, 1), n % 2, "float32"), labels[n % 2], "val") for n in range(8)
    ]
    dataset, tried, lines = dataset_of(folder, clips, look_back=2), [], []

    def fixed_fit(dataset, training, validation, chosen, seed):
        tried.append(chosen.pooling)
        return FixedModel(probabilities[chosen.pooling])

    monkeypatch.setattr(pooling_choice, "fit", fixed_fit)
    settings = sequence_recipe(pooling="auto", **values)
    split = dataset.split("val")
    return choose_pooling(dataset, split, split, settings, 0, lines.append), tried, lines


def test_auto_takes_the_rule_of_the_lowest_validation_loss(tmp_path, monkeypatch):
    chances = {"mean": 0.6, "top": 0.9, "attention": 0.8}
    labels = ("background", "fall")
    chosen, tried, lines = chosen_among(chances, labels, tmp_path, monkeypatch)
    assert (chosen.pooling, tried) == ("top", list(RULES))
    assert [line.split()[0] for line in lines[1:4]] == tried
    assert lines[2].split()[1] == f"{-np.log(0.9):.3f}"
    assert lines[-1] == "pooling: top"


def test_auto_says_that_top_is_left_out_where_no_label_is_an_event(tmp_path, monkeypatch):
    chances = {"mean": 0.6, "attention": 0.6}
    chosen, tried, lines = chosen_among(chances, ("bat", "bowl"), tmp_path, monkeypatch)
    assert (chosen.pooling, tried) == ("mean", ["mean", "attention"])
    assert "top is left out" in lines[0]
    assert "sequence.events" in lines[0]


def test_another_pooling_than_auto_trains_nothing(moments):
    settings = sequence_recipe(pooling="top")
    assert choose_pooling(moments, [], [], settings, 0) is settings


def test_the_error_of_an_advantage_counts_groups_and_not_clips():
    losses = np.array([0.5, 0.5, 0.1, 0.1])
    first, other = candidate("mean", 0.6, 0, 0), replace(candidate("top", 0, 0, 0), losses=losses)
    alone = pooling_choice._compared(other, first, ["a", "b", "c", "d"])
    paired = pooling_choice._compared(other, first, ["a", "a", "b", "b"])
    assert alone.advantage == paired.advantage == pytest.approx(0.3)
    gains = 0.6 - losses
    assert alone.error == pytest.approx(gains.std(ddof=1) / 2)
    assert paired.error == pytest.approx(gains[::2].std(ddof=1) / np.sqrt(2))
    assert pooling_choice._compared(other, first, ["a"] * 4).error == np.inf


@pytest.mark.parametrize("task", [SINGLE_LABEL, MULTI_LABEL])
def test_the_layer_that_pools_can_be_saved(task):
    layer = PooledClips(Pooling("top", (1,), task), name="clips")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert (again.pooling, again.name) == (layer.pooling, "clips")


def test_a_head_may_be_named_like_an_operation_of_the_pooling():
    keras.backend.clear_session()  # names are given anew, as in a new process
    model = build_sequence_model("mean", 4, 3, 2, (8,), 0.0, False)
    assert bag_model(model, 3, Pooling("top", (1,))).output_shape == (None, 2)
