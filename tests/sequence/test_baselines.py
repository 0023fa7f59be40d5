"""Linear baselines: equality with scikit-learn, and safe loading of their file."""

import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from sequence import baselines
from sequence.baselines import (
    FILE,
    SUMMARIES,
    available_baselines,
    clip_moments,
    fit_baseline,
    load_baselines,
    missing_motion_note,
    save_baselines,
    summaries_of,
)
from tests.sequence.stores import Clip, dataset_of
from video.errors import LookbackError

FILE_KEYS = ("mean", "deviation", "weights", "bias")


def labeled_set(folder: Path, labels: str):
    """Return clips whose features depend weakly on the class, so that no fit is perfect.

    There are more features (S = 12, 36 or 48) than clips per class (10), and for `ridge` fewer than
    clips in total. The motion of a clip tells as little.
    """
    random = np.random.default_rng(len(labels))
    centers = random.normal(0, 0.6, (len(labels), 12))
    motions = np.random.default_rng(9).uniform(0, 9, (len(labels), 40, 5, 16)).astype("float32")
    clips = [
        Clip(
            f"{split}{number}",
            random.normal(centers[number % len(labels)], 1.0, (5, 12)).astype("float32"),
            labels[number % len(labels)],
            split,
            motion=motions[number % len(labels), number] + number % len(labels),
        )
        # Uneven, so that class weights matter.
        for split, count in (("train", 10 * len(labels) - 1), ("val", 31))
        for number in range(count)
    ]
    return dataset_of(folder, clips, look_back=4)


@pytest.mark.parametrize("labels", ["ab", "abcd"])
@pytest.mark.parametrize("name", sorted(SUMMARIES))
def test_fit_baseline_equals_scikit_learn_on_standardized_inputs(name, labels, tmp_path):
    dataset = labeled_set(tmp_path, labels)
    splits = {split: dataset.split(split) for split in ("train", "val")}
    inputs = {split: summaries_of(name, dataset, segments) for split, segments in splits.items()}
    targets = {
        split: np.array([segment.target for segment in segments])
        for split, segments in splits.items()
    }
    mean, std = (np.mean(inputs["train"], 0), np.std(inputs["train"], 0))
    plain = {split: (rows.astype(float) - mean) / std for split, rows in inputs.items()}
    fits = [model.fit(plain["train"], targets["train"]) for model in baselines._candidates(name)]
    best = max(fits, key=lambda model: model.score(plain["val"], targets["val"]))

    fitted = fit_baseline(name, dataset, splits["train"], splits["val"])
    if len(labels) == 2:  # scikit-learn has one row: the second class against the first
        weights, bias = np.diff(fitted.weights, axis=0), np.diff(fitted.bias)
    else:
        weights, bias = fitted.weights, fitted.bias
    np.testing.assert_allclose(weights, np.atleast_2d(best.coef_), atol=1e-3)
    np.testing.assert_allclose(bias, np.atleast_1d(best.intercept_), atol=1e-3)
    for split in splits:
        found = fitted.probabilities(inputs[split])
        highest, second = np.sort(found, axis=1).T[[-1, -2]]
        clear = highest - second > 1e-4  # rounding decides between equal ones
        assert clear.mean() > 0.9
        predicted = best.predict(plain[split])
        np.testing.assert_array_equal(found.argmax(1)[clear], predicted[clear])


@pytest.mark.parametrize("shape", [(40, 6), (6, 40), (6, 6)])
def test_reduce_dimensions_keeps_the_inputs_and_limits_the_size(shape):
    inputs = np.random.default_rng(0).normal(size=shape).astype("float32")
    coordinates, axes = baselines._reduce_dimensions(inputs)
    assert coordinates.shape == (shape[0], 6)
    assert axes.shape == (6, shape[1])
    np.testing.assert_allclose(coordinates @ axes, inputs, atol=1e-5)
    np.testing.assert_allclose(axes @ axes.T, np.eye(6), atol=1e-5)


def test_logistic_probabilities_equal_scikit_learn(tmp_path):
    dataset = labeled_set(tmp_path, "abc")
    train, val = dataset.split("train"), dataset.split("val")
    inputs = summaries_of("moments", dataset, train)
    targets = [segment.target for segment in train]
    scaled = (inputs - inputs.mean(0)) / inputs.std(0)
    fitted = fit_baseline("moments", dataset, train, val)
    gaps = [
        np.abs(model.fit(scaled, targets).predict_proba(scaled) - fitted.probabilities(inputs))
        for model in baselines._candidates("moments")
    ]
    assert min(gap.max() for gap in gaps) < 1e-3


def test_clip_moments_are_mean_std_and_mean_difference():
    rows = np.random.default_rng(0).normal(size=(9, 4)).astype("float32")
    mean, std, difference = np.split(clip_moments(rows), 3)
    np.testing.assert_allclose(mean, rows.mean(0))
    np.testing.assert_allclose(std, rows.std(0))
    np.testing.assert_allclose(difference, np.abs(rows[1:] - rows[:-1]).mean(0), rtol=1e-6)
    assert clip_moments(rows[:1]).tolist() == [*rows[0].tolist(), *[0.0] * 8]


@pytest.mark.parametrize("name", sorted(SUMMARIES))
def test_classes_are_weighted_by_inverse_frequency(name, tmp_path):
    random = np.random.default_rng(0)
    clips = [
        Clip(f"{split}{n}", rows[:, :6], label, split, motion=rows)
        for split in ("train", "val")
        for n, label in ((n, "ab"[n % 10 == 0]) for n in range(200))
        for rows in (random.normal(n % 10 == 0, 1.5, (4, 16)).astype("float32"),)
    ]
    dataset = dataset_of(tmp_path, clips, look_back=4)
    train, val = dataset.split("train"), dataset.split("val")
    predicted = fit_baseline(name, dataset, train, val).predict_segments(dataset, val).argmax(1)
    recall = [predicted[[segment.target == k for segment in val]].mean() for k in range(2)]
    assert abs(recall[1] - (1 - recall[0])) < 0.15


def test_a_class_without_training_clips_is_never_predicted(tmp_path):
    dataset = labeled_set(tmp_path, "abc")
    train = [segment for segment in dataset.split("train") if segment.target != 1]
    fitted = fit_baseline("moments", dataset, train, dataset.split("val"))
    assert fitted.predict_segments(dataset, dataset.segments)[:, 1].max() < 1e-12


def test_motion_is_fitted_on_the_motion_alone(tmp_path):
    random = np.random.default_rng(0)
    same = random.normal(size=(6, 3)).astype("float32")
    moving = {n: random.uniform(0, 9, (6, 16)).astype("float32") + 20 * (n % 2) for n in range(40)}
    clips = [
        Clip(f"{n}", same, "ab"[n % 2], ("train", "val")[n % 4 > 1], motion=rows)
        for n, rows in moving.items()
    ]
    dataset = dataset_of(tmp_path, clips, look_back=2)
    labeled = [segment for segment in dataset.segments if dataset.labels[segment.target] == "b"]
    train, val = dataset.split("train"), dataset.split("val")
    hits = {
        name: fit_baseline(name, dataset, train, val).predict_segments(dataset, labeled).argmax(1)
        == dataset.labels.index("b")
        for name in SUMMARIES
    }
    assert hits["motion"].all()
    assert not hits["moments"].all()


def test_the_motion_of_a_segment_is_that_of_its_steps(tmp_path):
    rows = np.random.default_rng(0).normal(size=(9, 16)).astype("float32")
    clips = [Clip("0", rows, "a", start=0.2, end=0.6, motion=rows)]
    dataset = dataset_of(tmp_path, clips, look_back=2)
    (labeled,) = (part for part in dataset.segments if dataset.labels[part.target] == "a")
    np.testing.assert_array_equal(dataset.motion(labeled), rows[2:6])


@pytest.mark.parametrize("missing", ["all", "one", "narrow", "short"])
def test_without_motion_of_every_clip_there_is_no_baseline_motion(missing, tmp_path):
    rows = np.random.default_rng(0).normal(size=(6, 16)).astype("float32")
    shapes = {"all": None, "one": rows, "narrow": rows[:, :3], "short": rows[:5]}
    clips = [
        Clip("0", rows, "a", motion=None if missing in ("all", "one") else shapes[missing]),
        Clip("1", rows, "b", motion=shapes[missing]),
    ]
    dataset = dataset_of(tmp_path, clips, look_back=2)
    assert available_baselines(dataset) == ["ridge", "moments"]
    note = missing_motion_note(dataset)
    assert re.fullmatch(r"The baseline motion is left out: .*features\.h5 .* extract\.py\.", note)


def test_with_motion_of_every_clip_a_model_without_the_baseline_is_trained_again(tmp_path):
    dataset = labeled_set(tmp_path, "ab")
    assert available_baselines(dataset) == list(SUMMARIES)
    assert missing_motion_note(dataset).endswith("run python train_lstm.py to get it.")


def test_a_file_without_motion_is_loaded(fitted, tmp_path):
    save_baselines([each for each in fitted if each.name != "motion"], tmp_path / FILE)
    assert [baseline.name for baseline in load_baselines(tmp_path / FILE)] == ["ridge", "moments"]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    dataset = labeled_set(tmp_path_factory.mktemp("fitted"), "abc")
    train, val = dataset.split("train"), dataset.split("val")
    return [fit_baseline(name, dataset, train, val) for name in SUMMARIES]


def test_saved_baselines_are_loaded_unchanged(fitted, tmp_path):
    save_baselines(fitted, tmp_path / FILE)
    loaded = load_baselines(tmp_path / FILE)
    assert [baseline.name for baseline in loaded] == list(SUMMARIES)
    with np.load(tmp_path / FILE) as arrays:  # names that older files have, too
        assert set(arrays) == {
            f"{name}/{key}"
            for name in SUMMARIES
            for key in ("mean", "deviation", "weights", "bias")
        }
    for one, two in zip(fitted, loaded, strict=True):
        for field in ("mean", "std", "weights", "bias"):
            np.testing.assert_array_equal(getattr(one, field), getattr(two, field))
    assert not list(tmp_path.glob("part.*"))


class TouchesAFile:
    """Payload of an attack: unpickling it creates a file."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self):
        return Path.touch, (self.place,)


def test_load_baselines_refuses_pickles_without_running_them(tmp_path):
    marker, path = tmp_path / "ran", tmp_path / FILE
    payload = np.empty(1, object)
    payload[0] = TouchesAFile(marker)
    names = [f"{name}/{key}" for name in SUMMARIES for key in FILE_KEYS]
    np.savez(path, **dict.fromkeys(names, payload))
    with np.load(path, allow_pickle=True) as arrays:
        arrays[names[0]]
    assert marker.exists()  # the payload works if pickles are allowed
    marker.unlink()
    with pytest.raises(LookbackError, match=r"baselines\.npz: .*train_lstm\.py"):
        load_baselines(path)
    path.write_bytes(pickle.dumps(TouchesAFile(marker)))
    with pytest.raises(LookbackError, match=r"baselines\.npz"):
        load_baselines(path)
    assert not marker.exists()


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "text", "npy", "incomplete"])
def test_load_baselines_refuses_a_damaged_file(damage, fitted, tmp_path):
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
def test_clips_with_equal_summaries_get_equal_probabilities(name, tmp_path):
    """The summaries are equal if all clips have the same frames in different orders."""
    rows = np.arange(80, dtype=np.float32).reshape(5, 16)
    clips = [
        Clip(f"{split}{number}", turned, "ab"[number % 2], split, motion=turned)
        for split in ("train", "val")
        for number in range(6)
        for turned in (rows[:: 1 - 2 * (number % 2)],)
    ]
    dataset = dataset_of(tmp_path, clips, look_back=2)
    fitted = fit_baseline(name, dataset, dataset.split("train"), dataset.split("val"))
    found = fitted.probabilities(summaries_of(name, dataset, dataset.split("val")))
    np.testing.assert_allclose(found, 0.5, atol=1e-6)
