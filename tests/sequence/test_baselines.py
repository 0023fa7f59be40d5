import pickle
from pathlib import Path

import numpy as np
import pytest

from sequence import baselines
from sequence.baselines import (
    FILE,
    SUMMARIES,
    clip_moments,
    fit_baseline,
    load_baselines,
    save_baselines,
    summaries_of,
)
from tests.sequence.stores import Clip, dataset_of
from video.errors import LookbackError


def labelled_set(folder: Path, labels: str):
    """Clips whose features depend on the class a little: no fit is perfect. More features (S = 12
    or 36) than clips a class, fewer than clips for ridge."""
    random = np.random.default_rng(len(labels))
    centres = random.normal(0, 0.6, (len(labels), 12))
    clips = [
        Clip(
            f"{split}{number}",
            random.normal(centres[number % len(labels)], 1.0, (5, 12)).astype("float32"),
            labels[number % len(labels)],
            split,
        )
        # Uneven: the classes' weights matter.
        for split, count in (("train", 10 * len(labels) - 1), ("val", 31))
        for number in range(count)
    ]
    return dataset_of(folder, clips, look_back=4)


@pytest.mark.parametrize("labels", ["ab", "abcd"])
@pytest.mark.parametrize("name", sorted(SUMMARIES))
def test_the_rotated_fit_equals_scikit_learn_on_the_standardised_inputs(name, labels, tmp_path):
    dataset = labelled_set(tmp_path, labels)
    sides = {split: dataset.split(split) for split in ("train", "val")}
    inputs = {side: summaries_of(name, dataset, pieces) for side, pieces in sides.items()}
    classes = {side: np.array([p.label for p in pieces]) for side, pieces in sides.items()}
    mean, deviation = (np.mean(inputs["train"], 0), np.std(inputs["train"], 0))
    plain = {side: (rows.astype(float) - mean) / deviation for side, rows in inputs.items()}
    fits = [model.fit(plain["train"], classes["train"]) for model in baselines._candidates(name)]
    best = max(fits, key=lambda model: model.score(plain["val"], classes["val"]))

    fitted = fit_baseline(name, dataset, sides["train"], sides["val"])
    if len(labels) == 2:  # scikit-learn keeps the second class against the first
        weights, bias = np.diff(fitted.weights, axis=0), np.diff(fitted.bias)
    else:
        weights, bias = fitted.weights, fitted.bias
    np.testing.assert_allclose(weights, np.atleast_2d(best.coef_), atol=1e-3)
    np.testing.assert_allclose(bias, np.atleast_1d(best.intercept_), atol=1e-3)
    for side in sides:
        found = fitted.probabilities(inputs[side])
        highest, second = np.sort(found, axis=1).T[[-1, -2]]
        clear = highest - second > 1e-4  # between equals, the solver's last digit decides
        assert clear.mean() > 0.9
        predicted = best.predict(plain[side])
        np.testing.assert_array_equal(found.argmax(1)[clear], predicted[clear])


@pytest.mark.parametrize("shape", [(40, 6), (6, 40), (6, 6)])
def test_the_coordinates_are_those_of_the_inputs_and_no_more_than_clips_or_features(shape):
    inputs = np.random.default_rng(0).normal(size=shape).astype("float32")
    coordinates, axes = baselines._clips_own_coordinates(inputs)
    assert coordinates.shape == (shape[0], 6)
    assert axes.shape == (6, shape[1])
    np.testing.assert_allclose(coordinates @ axes, inputs, atol=1e-5)
    np.testing.assert_allclose(axes @ axes.T, np.eye(6), atol=1e-5)


def test_the_logistic_probabilities_are_scikit_learns(tmp_path):
    dataset = labelled_set(tmp_path, "abc")
    train, val = dataset.split("train"), dataset.split("val")
    inputs, classes = summaries_of("moments", dataset, train), [p.label for p in train]
    scaled = (inputs - inputs.mean(0)) / inputs.std(0)
    fitted = fit_baseline("moments", dataset, train, val)
    gaps = [
        np.abs(model.fit(scaled, classes).predict_proba(scaled) - fitted.probabilities(inputs))
        for model in baselines._candidates("moments")
    ]
    assert min(gap.max() for gap in gaps) < 1e-3


def test_moments_are_mean_deviation_and_mean_step():
    rows = np.random.default_rng(0).normal(size=(9, 4)).astype("float32")
    mean, deviation, step = np.split(clip_moments(rows), 3)
    np.testing.assert_allclose(mean, rows.mean(0))
    np.testing.assert_allclose(deviation, rows.std(0))
    np.testing.assert_allclose(step, np.abs(rows[1:] - rows[:-1]).mean(0), rtol=1e-6)
    assert clip_moments(rows[:1]).tolist() == [*rows[0].tolist(), *[0.0] * 8]


@pytest.mark.parametrize("name", sorted(SUMMARIES))
def test_a_rare_class_counts_as_much_as_a_frequent_one(name, tmp_path):
    random = np.random.default_rng(0)
    clips = [
        Clip(f"{split}{n}", random.normal(n % 10 == 0, 1.5, (4, 6)).astype("float32"), label, split)
        for split in ("train", "val")
        for n, label in ((n, "ab"[n % 10 == 0]) for n in range(200))
    ]
    dataset = dataset_of(tmp_path, clips, look_back=4)
    train, val = dataset.split("train"), dataset.split("val")
    predicted = fit_baseline(name, dataset, train, val).of_pieces(dataset, val).argmax(1)
    recall = [predicted[[p.label == k for p in val]].mean() for k in range(2)]
    assert abs(recall[1] - (1 - recall[0])) < 0.15


def test_a_class_without_training_clips_is_never_predicted(tmp_path):
    dataset = labelled_set(tmp_path, "abc")
    train = [piece for piece in dataset.split("train") if piece.label != 1]
    fitted = fit_baseline("moments", dataset, train, dataset.split("val"))
    assert fitted.of_pieces(dataset, dataset.pieces)[:, 1].max() < 1e-12


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    dataset = labelled_set(tmp_path_factory.mktemp("fitted"), "abc")
    train, val = dataset.split("train"), dataset.split("val")
    return [fit_baseline(name, dataset, train, val) for name in SUMMARIES]


def test_baselines_come_back_as_they_were_saved(fitted, tmp_path):
    save_baselines(fitted, tmp_path / FILE)
    loaded = load_baselines(tmp_path / FILE)
    assert [baseline.name for baseline in loaded] == list(SUMMARIES)
    for one, two in zip(fitted, loaded, strict=True):
        for field in ("mean", "deviation", "weights", "bias"):
            np.testing.assert_array_equal(getattr(one, field), getattr(two, field))
    assert not list(tmp_path.glob("part.*"))


class TouchesAFile:
    """What an attacker would pickle: being read, it creates a file."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self):
        return Path.touch, (self.place,)


def test_a_file_that_carries_a_pickle_is_refused_and_runs_nothing(tmp_path):
    marker, path = tmp_path / "ran", tmp_path / FILE
    payload = np.empty(1, object)
    payload[0] = TouchesAFile(marker)
    names = [f"{name}/{f}" for name in SUMMARIES for f in ("mean", "deviation", "weights", "bias")]
    np.savez(path, **dict.fromkeys(names, payload))
    with np.load(path, allow_pickle=True) as arrays:
        arrays[names[0]]
    assert marker.exists()  # the trap works where pickles are allowed
    marker.unlink()
    with pytest.raises(LookbackError, match=r"baselines\.npz: .*train_lstm\.py"):
        load_baselines(path)
    path.write_bytes(pickle.dumps(TouchesAFile(marker)))
    with pytest.raises(LookbackError, match=r"baselines\.npz"):
        load_baselines(path)
    assert not marker.exists()


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "text", "npy", "incomplete"])
def test_a_damaged_file_is_one_clear_error(damage, fitted, tmp_path):
    path = tmp_path / FILE
    save_baselines(fitted[: 1 if damage == "incomplete" else 2], path)
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "npy":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    elif damage != "incomplete":
        path.write_bytes({"empty": b"", "cut": content[:1000], "text": b"some text"}[damage])
    with pytest.raises(LookbackError, match=r"baselines\.npz: .*train_lstm\.py"):
        load_baselines(path)


@pytest.mark.parametrize("name", sorted(SUMMARIES))
def test_clips_of_one_summary_are_answered_by_their_share(name, tmp_path):
    """As where every clip shows the same frames, in another order."""
    rows = np.arange(15, dtype=np.float32).reshape(5, 3)
    clips = [
        Clip(f"{split}{number}", rows[:: 1 - 2 * (number % 2)], "ab"[number % 2], split)
        for split in ("train", "val")
        for number in range(6)
    ]
    dataset = dataset_of(tmp_path, clips, look_back=2)
    fitted = fit_baseline(name, dataset, dataset.split("train"), dataset.split("val"))
    found = fitted.probabilities(summaries_of(name, dataset, dataset.split("val")))
    np.testing.assert_allclose(found, 0.5, atol=1e-6)
