"""Training of the sequence model: best epoch, temperature, class weights, and interruption."""

import csv

import numpy as np
import pytest

from extract.backbones.heads import weights_sha256
from metrics.calibration import softmax
from metrics.pooling import MEAN
from model_folder.config import (
    SEQUENCE_WEIGHTS,
    SequenceConfig,
    require_config,
    save_weights,
    write_config,
)
from sequence import training
from sequence.baselines import fit_baseline
from sequence.dataset import Dataset
from sequence.evaluation import predict, predict_baseline
from sequence.model import build_sequence_model, members_of
from sequence.prediction import Predictor, load_predictor
from sequence.training import (
    WindowLogits,
    fit,
    fit_mean_baseline,
    validation_views,
    window_logits,
)
from tests.extract.projecting import card_of
from tests.history_files import points_of, rows_of
from tests.sequence.stores import Clip, dataset_of, sequence_recipe
from training.history import History
from training.keras_backend import keras
from training.optimizers import class_weights, make_optimizer
from video.errors import LookbackError

SPLITS = ("train", "train", "train", "val", "test")


@pytest.fixture(scope="module")
def order_set(tmp_path_factory) -> Dataset:
    """Clips that rise or fall: each of one class is the exact reverse of one of the other."""
    random, clips = np.random.default_rng(0), []
    for number in range(50):
        direction = np.array([1.0, -0.5, 2.0, 0.0]) * random.uniform(0.8, 1.2)
        rows = np.linspace(-1, 1, 10)[:, None] * direction + random.normal(0, 0.1, (10, 4))
        split = SPLITS[number % len(SPLITS)]
        for label, order in (("fall", rows[::-1]), ("rise", rows)):
            clips.append(Clip(f"{label}{number}", order.astype("float32"), label, split))
    return dataset_of(tmp_path_factory.mktemp("order"), clips, look_back=8)


@pytest.fixture(scope="module")
def noise_set(tmp_path_factory) -> Dataset:
    """Features that tell nothing: whoever trains long on them learns them by heart."""
    random = np.random.default_rng(1)
    clips = [
        Clip(f"{n}", random.normal(size=(6, 16)).astype("float32"), "ab"[n % 2], SPLITS[n % 5])
        for n in range(50)
    ]
    return dataset_of(tmp_path_factory.mktemp("noise"), clips, look_back=4)


def trained(dataset: Dataset, seed: int = 0, history: History | None = None, **values) -> Predictor:
    return fit(
        dataset,
        dataset.split("train"),
        dataset.split("val"),
        sequence_recipe(**values),
        seed,
        history,
    )


def clip_accuracy(dataset: Dataset, outcome) -> float:
    truth = [segment.target for segment in dataset.split("test")]
    return float(np.mean(outcome.clip.argmax(1) == truth))


def test_what_only_the_order_of_time_tells_is_learnt_by_the_lstm_and_by_no_average(order_set):
    chosen = sequence_recipe(epochs=15, learning_rate=0.02, weight_decay=0.0)
    sides = [order_set.split("train"), order_set.split("val")]
    test = order_set.split("test")
    lstm = fit(order_set, *sides, chosen, 0)
    assert clip_accuracy(order_set, predict("lstm", lstm, order_set, test)) == 1.0
    average = fit_mean_baseline(order_set, *sides, chosen, 0)
    assert clip_accuracy(order_set, predict("mean", average, order_set, test)) <= 0.7
    for name in ("ridge", "moments"):
        baseline = fit_baseline(name, order_set, *sides)
        assert clip_accuracy(order_set, predict_baseline(baseline, order_set, test)) <= 0.7


def clip_loss(predictor: Predictor, dataset: Dataset, temperature: float) -> float:
    """The mean negative log of the probability that a validation clip's true class gets."""
    segments = dataset.split("val")
    probabilities = window_logits(predictor, dataset, segments).clip_probabilities(temperature)
    return -np.mean([np.log(row[p.target]) for row, p in zip(probabilities, segments, strict=True)])


@pytest.fixture(scope="module")
def overfitted(noise_set, tmp_path_factory) -> tuple[Predictor, list[float]]:
    """A model whose validation grew worse, and its validation loss by epoch."""
    folder = tmp_path_factory.mktemp("history")
    values = {"epochs": 40, "patience": 3, "learning_rate": 0.02, "weight_decay": 0.0}
    with History(folder / "history.csv", folder / "logs") as history:
        predictor = trained(noise_set, history=history, windows_per_video="all", **values)
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(1, len(rows) + 1))
    return predictor, [float(row["val_clip_loss"]) for row in rows]


def test_early_stopping_waits_as_many_epochs_as_patience_says(overfitted):
    _, losses = overfitted
    assert len(losses) == int(np.argmin(losses)) + 1 + 3
    assert losses[-1] > 1.1 * min(losses)


def test_the_best_epochs_weights_are_kept(overfitted, noise_set):
    predictor, losses = overfitted
    assert clip_loss(predictor, noise_set, temperature=1.0) == pytest.approx(min(losses), rel=1e-5)


def test_patience_0_runs_all_epochs(noise_set, tmp_path):
    with History(tmp_path / "history.csv", tmp_path / "logs") as history:
        trained(noise_set, history=history, epochs=9, learning_rate=0.05, head="mean")
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 1 + 9


def test_the_temperature_fits_the_validation_clips_best(overfitted, noise_set):
    predictor, _ = overfitted
    assert 0.5 <= predictor.temperature <= 5.0
    fitted = clip_loss(predictor, noise_set, predictor.temperature)
    others = [clip_loss(predictor, noise_set, value) for value in np.geomspace(0.5, 5.0, 50)]
    assert fitted <= min(others) + 1e-4


def test_the_temperature_changes_no_windows_label(overfitted, noise_set):
    predictor, _ = overfitted
    windows = noise_set.full_windows(noise_set.segments[:1])[:]
    plain = Predictor(predictor.model, 4).probabilities(windows)
    for temperature in (0.5, 5.0):
        warm = Predictor(predictor.model, 4, temperature).probabilities(windows)
        np.testing.assert_array_equal(warm.argmax(1), plain.argmax(1))
        np.testing.assert_allclose(warm.sum(1), 1.0)
        assert (warm.max(1) > plain.max(1)).all() == (temperature < 1)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(noise_set):
    first, again, other = (trained(noise_set, seed, dropout=0.5, epochs=1) for seed in (7, 7, 8))
    for one, two in zip(first.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
    assert first.temperature == pytest.approx(again.temperature, abs=1e-3)
    pairs = zip(first.model.get_weights(), other.model.get_weights(), strict=True)
    assert max(np.abs(one - two).max() for one, two in pairs) > 1e-2


@pytest.mark.parametrize(("choice", "shares"), [("auto", (15, 15)), ("none", (24, 6))])
def test_class_weights_let_uneven_classes_count_alike(choice, shares, tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    clips = [
        Clip(f"{split}{n}", random.normal(size=(4, 3)).astype("float32"), "ab"[n % 5 == 0], split)
        for split, count in (("train", 30), ("val", 10))
        for n in range(count)
    ]
    dataset, totals = dataset_of(tmp_path, clips, 4), np.zeros(2)
    train_on_batch = keras.Model.train_on_batch

    def counted(self, inputs, classes, sample_weight):
        # Keras divides a batch's loss by its size, also for windows that only fill it up.
        share = np.count_nonzero(sample_weight) / len(sample_weight)
        np.add.at(totals, classes, sample_weight * share)
        return train_on_batch(self, inputs, classes, sample_weight)

    monkeypatch.setattr(keras.Model, "train_on_batch", counted)
    trained(dataset, epochs=1, class_weights=choice, head="mean")
    np.testing.assert_allclose(totals, shares, rtol=1e-5)


def test_a_last_batch_that_is_filled_up_trains_as_it_would_alone(noise_set, tmp_path, monkeypatch):
    """22 segments of uneven classes in batches of 7: the last has one, and is filled up to 7."""
    segments = noise_set.split("train")
    segments = segments[:14] + [segment for segment in segments[14:] if segment.target == 0]
    labels = np.array([segment.target for segment in segments])
    weights = class_weights(labels, 2, "auto")
    assert (len(segments), weights[0] < weights[1]) == (22, True)
    batches, begun, train_on_batch = [], [], keras.Model.train_on_batch

    def watched(model: keras.Model, *batch):
        if not begun:
            begun.extend(model.get_weights())
        batches.append(batch)
        return train_on_batch(model, *batch)

    values = {"head": "mean", "epochs": 1, "batch_size": 7, "windows_per_video": 1}
    values |= {"optimizer": "adamw", "learning_rate": 0.05, "weight_decay": 0.1}
    with monkeypatch.context() as patched, History(tmp_path / "h.csv", tmp_path / "l") as history:
        patched.setattr(keras.Model, "train_on_batch", watched)
        chosen, validation = sequence_recipe(**values), noise_set.split("val")
        ours = fit(noise_set, segments, validation, chosen, 0, history).model
    assert [inputs.shape for inputs, _, _ in batches] == [(7, 4, 16)] * 4
    assert np.count_nonzero(batches[-1][2]) == 1

    alone = build_sequence_model("mean", 4, 16, 2, (8,), 0.0, sequence_recipe().delta)
    alone.set_weights(begun)
    alone.compile(
        make_optimizer("adamw", 0.05, 0.1),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    sizes, losses = [7, 7, 7, 1], []
    for (inputs, classes, _), size in zip(batches, sizes, strict=True):
        part = slice(0, size)
        losses.append(alone.train_on_batch(inputs[part], classes[part], weights[classes[part]]))
    with (tmp_path / "h.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert float(row["loss"]) == pytest.approx(
        np.average(np.ravel(losses), weights=sizes), rel=1e-5
    )
    for one, two in zip(ours.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)


def test_an_ensemble_averages_the_logits_of_models_with_consecutive_seeds(noise_set, tmp_path):
    values = {"head": "statistics", "epochs": 2, "dropout": 0.5}
    with History(tmp_path / "history.csv", tmp_path / "logs") as history:
        joined = trained(noise_set, 5, history, ensemble=2, **values)
    members = [trained(noise_set, seed, **values) for seed in (5, 6)]
    batch = noise_set.full_windows(noise_set.split("test"))[:]
    logits = [member.logits(batch) for member in members]
    assert np.abs(logits[0] - logits[1]).max() > 1e-2
    np.testing.assert_allclose(joined.logits(batch), np.mean(logits, axis=0), atol=1e-5)
    fitted = clip_loss(joined, noise_set, joined.temperature)
    others = [clip_loss(joined, noise_set, value) for value in np.geomspace(0.5, 5.0, 50)]
    assert fitted <= min(others) + 1e-4
    rows = rows_of(tmp_path / "history.csv")
    wanted = ["epoch", "loss", "val_clip_loss", "val_clip_accuracy", "learning_rate", "member"]
    assert list(rows[0]) == wanted
    assert [(row["epoch"], row["member"]) for row in rows] == [
        ("1", "1"),
        ("2", "1"),
        ("1", "2"),
        ("2", "2"),
    ]
    points = points_of(tmp_path / "logs")
    assert [epoch for epoch, _ in points["loss/member_2"]] == [1, 2]
    assert set(points) == {f"{name}/member_{n}" for name in wanted[1:5] for n in (1, 2)}


def test_a_saved_ensemble_is_loaded_unchanged(noise_set, tmp_path):
    predictor = trained(noise_set, head="statistics", epochs=1, ensemble=3)
    chosen = sequence_recipe()
    config = card_of().model_copy(
        update={
            "labels": ("a", "b"),
            "backbone": card_of().backbone.model_copy(update={"feature_size": 16}),
            "sequence": SequenceConfig(
                head="statistics",
                units=chosen.units,
                dropout=chosen.dropout,
                delta=chosen.delta,
                look_back=4,
                sha256=weights_sha256(predictor.model),
                features_spec="",
                dtype="float32",
                threshold=0.5,
                temperature=predictor.temperature,
                mean_temperature=1.0,
                ensemble=members_of(predictor.model),
            ),
        }
    )
    assert config.sequence.ensemble == 3
    save_weights(predictor.model, tmp_path / SEQUENCE_WEIGHTS)
    write_config(tmp_path, config)
    loaded = load_predictor(tmp_path, require_config(tmp_path))
    batch = noise_set.full_windows(noise_set.split("test"))[:]
    np.testing.assert_array_equal(loaded.logits(batch), predictor.logits(batch))
    fewer = config.model_copy(
        update={"sequence": config.sequence.model_copy(update={"ensemble": 2})}
    )
    with pytest.raises(LookbackError, match=r"sequence\.weights\.h5"):
        load_predictor(tmp_path, fewer)


@pytest.mark.parametrize("batches", [3, 7])
def test_ctrl_c_in_an_ensemble_keeps_the_models_that_had_an_epoch(noise_set, monkeypatch, batches):
    """Two batches an epoch: Ctrl-C in the first epoch of the second model, and in its second."""
    done, train_on_batch = [], keras.Model.train_on_batch

    def interrupted(*arguments):
        if len(done) == batches:
            raise KeyboardInterrupt
        done.append(1)
        return train_on_batch(*arguments)

    monkeypatch.setattr(keras.Model, "train_on_batch", interrupted)
    values = {"head": "statistics", "epochs": 1 if batches == 3 else 2, "batch_size": 16}
    predictor = trained(noise_set, ensemble=3, **values)
    assert members_of(predictor.model) == (1 if batches == 3 else 2)
    assert predictor.temperature != 1.0


@pytest.mark.parametrize("whole_epochs", [1, 3])
def test_ctrl_c_keeps_the_best_epoch_so_far(whole_epochs, noise_set, monkeypatch):
    said, train_on_batch = [], keras.Model.train_on_batch

    def interrupted(*arguments):
        if len(said) == whole_epochs:
            raise KeyboardInterrupt
        return train_on_batch(*arguments)

    monkeypatch.setattr(keras.Model, "train_on_batch", interrupted)
    sides = [noise_set.split("train"), noise_set.split("val")]
    predictor = fit(noise_set, *sides, sequence_recipe(epochs=9, head="mean"), 0, log=said.append)
    assert len(said) == whole_epochs + 1
    assert "best epoch so far is kept" in said[-1]
    assert predictor.temperature != 1.0


def test_ctrl_c_in_the_first_epoch_leaves_no_model(noise_set, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "train_on_batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(noise_set, head="mean")


def test_a_clips_probabilities_are_the_mean_over_its_windows():
    logits = np.random.default_rng(0).normal(size=(6, 3))
    answers = WindowLogits(logits, np.array([0, 1, 1, 1, 2, 2]))
    for temperature in (1.0, 3.0):
        each = softmax(logits, temperature)
        wanted = [each[:1].mean(0), each[1:4].mean(0), each[4:].mean(0)]
        np.testing.assert_allclose(answers.clip_probabilities(temperature), wanted)


def test_window_logits_come_in_order_however_many_there_are(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "WINDOWS_AT_ONCE", 4)
    rows = np.arange(40, dtype="float32")[:, None]
    clips = [Clip(f"{n}", 100 * n + rows[: 3 + 5 * n], "a") for n in range(5)]
    dataset = dataset_of(tmp_path, clips, look_back=2)

    class LastFeature:
        pooling = MEAN

        def logits(self, windows):
            assert len(windows) == 4  # also the last ones: nothing is compiled for another size
            return windows[:, -1]

    answers = window_logits(LastFeature(), dataset, dataset.segments)
    wanted = [(n, 100 * n + step) for n in range(5) for step in range(1, 3 + 5 * n)]
    assert list(zip(answers.segment, answers.logits[:, 0], strict=True)) == wanted


def test_many_windows_are_bounded_to_some_of_each_clip(order_set):
    validation = order_set.split("val")  # 20 clips of 2 or 3 full windows, by `delta`
    total = sum(len(order_set.full_steps(segment)) for segment in validation)
    assert total in (40, 60)
    assert validation_views(order_set, validation, 0) == "all"
    assert validation_views(order_set, validation, total) == "all"
    assert validation_views(order_set, validation, total - 1) == total // 20 - 1
    assert validation_views(order_set, validation, 3) == 1


def test_epochs_are_scored_on_some_windows_and_the_model_on_all(order_set, monkeypatch, tmp_path):
    asked = []

    def watched(predictor, dataset, segments, views="all"):
        asked.append(views)
        return window_logits(predictor, dataset, segments, views)

    monkeypatch.setattr(training, "window_logits", watched)
    outcomes = []
    for limit in (0, 10_000, 20):
        asked.clear()
        with History(tmp_path / f"{limit}.csv", tmp_path / f"{limit}") as history:
            model = trained(order_set, 0, history, head="mean", epochs=2, validation_windows=limit)
        outcomes.append((model, (tmp_path / f"{limit}.csv").read_text()))
        assert asked == ([1, 1, "all"] if limit == 20 else ["all"] * 3)
    (one, lines), (other, equal), (_, fewer) = outcomes
    assert lines == equal
    assert one.temperature == other.temperature
    for a, b in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    rows = list(csv.DictReader(fewer.splitlines()))
    assert [row["val_windows_per_clip"] for row in rows] == ["1", "1"]
    assert "val_windows_per_clip" not in lines
