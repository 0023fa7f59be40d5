"""run.py --backbone: a published clip network says its own labels, without any training."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from extract.convert.weights_info import read_info, write_info
from extract.extractor.choice import choose_for_inference
from extract.extractor.loading import load_published
from live.model import choose_live_model
from metrics.calibration import softmax
from recipes.loader import load
from tests.clip_network import NAME, registered, write_weights
from tests.live.conftest import read_rows, write_scene
from tests.running import run_script
from video.errors import LookbackError, UsageError
from video.sources import FileSource
from video.steps import Stepper

FEW = ("swimming", "yoga", "zumba")


@pytest.fixture(scope="module", autouse=True)
def network() -> Iterator[None]:
    with registered():
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("pretrained")


@pytest.fixture(scope="module")
def few(folder) -> Path:
    return write_weights(folder / "few.weights.h5", 3, FEW)


@pytest.fixture(scope="module")
def scene(folder) -> Path:
    """Three seconds of an arm that is raised: 15 of the network's ticks."""
    return write_scene(folder / "scene.mp4", np.arange(30) / 10)


def said_by_hand(path: Path, classes: int, scene: Path) -> np.ndarray:
    """Return the probabilities of every step, by the public model and numpy."""
    from extract.backbones import build

    extractor = load_published(choose_for_inference(settings(path)))
    stepper = Stepper(extractor.config.sampling, extractor.config.preprocessing, 4)
    with FileSource(scene) as source:
        clips = np.stack([step.clip for frame in source for step in stepper.push(frame)])
    return softmax(np.asarray(build(NAME, str(path), classes=classes)(clips)))


def settings(path: Path | str):
    return load(flags={"backbone.name": NAME, "backbone.weights": str(path)})


def run(scene: Path, *arguments, weights: str = "nowhere") -> int:
    return run_script("run.py", ["--video", scene, "--no-window", "--weights", weights, *arguments])


def test_the_labels_and_probabilities_are_those_of_the_converted_network(few, scene, tmp_path):
    out = tmp_path / "out.csv"
    assert run(scene, "--backbone", NAME, "--backbone-weights", few, "--csv", out) == 0
    rows = read_rows(out)
    assert list(rows[0]) == ["step", "seconds", "label", "probability", *FEW]
    # Five ticks a second: the first, then every second one, with the first whole clip among them.
    assert [float(row["seconds"]) for row in rows] == [0.0, *(n / 5 for n in range(1, 15, 2))]
    wanted = said_by_hand(few, 3, scene)
    found = np.array([[float(row[label]) for label in FEW] for row in rows])
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert [row["label"] for row in rows] == [FEW[n] for n in wanted.argmax(1)]


def test_of_many_classes_the_five_best_are_told(folder, scene, tmp_path):
    labels = tuple(f"activity {number}" for number in range(120))
    path = write_weights(folder / "many.weights.h5", 120, labels)
    out = tmp_path / "out.csv"
    saved = tmp_path / "out.mp4"
    assert run(scene, *f"--backbone {NAME} --backbone-weights {path}".split(), "--csv", out,
               "--save", saved) == 0  # fmt: skip
    wanted = said_by_hand(path, 120, scene)
    with out.open() as file:
        header, *rows = list(csv.reader(file))
    ranks = [part for n in range(2, 6) for part in (f"label_{n}", f"probability_{n}")]
    assert header == ["step", "seconds", "label", "probability", *ranks]
    assert len(rows) == len(wanted)
    for row, probabilities in zip(rows, wanted, strict=True):
        best = np.argsort(-probabilities)[:5]
        assert row[2::2] == [labels[n] for n in best]
        assert [float(text) for text in row[3::2]] == pytest.approx(probabilities[best], abs=1e-5)
    assert saved.is_file()


def test_both_networks_are_converted_beside_the_weights(folder, scene, monkeypatch):
    path = write_weights(folder / "kept.weights.h5", 4)
    first = choose_live_model(settings(path))
    kept = folder / "kept" / "engines"
    parts = ["backbone", "backbone-stem", "backbone-tail", "classifier"]
    assert sorted(part.name for part in kept.iterdir()) == parts
    monkeypatch.setattr("extract.extractor.loading.load_classifier", None)  # nothing is built
    again = choose_live_model(settings(path))
    assert again.labels == first.labels
    with FileSource(scene) as one, FileSource(scene) as two:
        for ours, wanted in zip(again.decisions(one), first.decisions(two), strict=True):
            np.testing.assert_array_equal(ours.probabilities, wanted.probabilities)
    write_weights(path, 4)  # others
    with pytest.raises(TypeError):
        choose_live_model(settings(path))


def test_classes_without_names_are_numbered(folder):
    path = write_weights(folder / "nameless.weights.h5", 4)
    model = choose_live_model(settings(path))
    assert model.labels == ("class 0", "class 1", "class 2", "class 3")


@pytest.mark.parametrize(("classes", "shows_all", "best"), [(100, True, 3), (101, False, 5)])
def test_up_to_a_hundred_classes_have_a_column_each(folder, classes, shows_all, best):
    path = write_weights(folder / f"{classes}.weights.h5", classes)
    model = choose_live_model(settings(path))
    assert (model.shows_all, model.best) == (shows_all, best)


def test_a_rate_of_one_s_own_goes_with_the_backbone(few, scene, tmp_path):
    out = tmp_path / "out.csv"
    flags = ["--backbone", NAME, "--backbone-weights", few, "--fps", "10", "--csv", out]
    assert run(scene, *flags) == 0
    assert [float(row["seconds"]) for row in read_rows(out)][:3] == [0.0, 0.1, 0.3]


def refused(error: type, scene: Path, *arguments) -> str:
    with pytest.raises(error) as raised:
        run(scene, *arguments)
    assert type(raised.value) is error
    told = str(raised.value)
    assert "\n" not in told
    return told


def test_an_image_network_is_refused(scene):
    told = refused(UsageError, scene, "--backbone", "vgg16")
    assert told.startswith("--backbone vgg16")
    assert "only a clip network" in told


@pytest.mark.parametrize("flags", [(), ("--backbone-weights", "none")])
def test_random_weights_are_refused(scene, flags):
    told = refused(UsageError, scene, "--backbone", NAME, *flags)
    assert told.startswith(f"--backbone {NAME} (weights: none)")


def test_a_file_without_a_classifier_is_refused(folder, scene):
    path = write_weights(folder / "headless.weights.h5", 0)
    told = refused(LookbackError, scene, "--backbone", NAME, "--backbone-weights", path)
    assert told.startswith(f"{path}: holds no classifier")
    assert "--without-head" in told


def test_a_file_that_is_not_there_is_named_as_missing(folder, scene):
    path = folder / "gone.weights.h5"
    told = refused(LookbackError, scene, "--backbone", NAME, "--backbone-weights", path)
    assert told == f"{path}: there is no such weights file"


def test_a_checkpoint_that_was_not_converted_is_told_how(folder, scene):
    path = folder / "original.pyth"
    path.write_bytes(b"not converted")
    told = refused(LookbackError, scene, "--backbone", NAME, "--backbone-weights", path)
    assert f"python -m extract.convert {NAME} original.pyth --out original.weights.h5" in told


def test_weights_of_another_network_are_refused(folder, few, scene):
    path = folder / "other.weights.h5"
    path.write_bytes(few.read_bytes())
    write_info(path, replace(read_info(few), classes=7, labels=None))
    told = refused(LookbackError, scene, "--backbone", NAME, "--backbone-weights", path)
    assert told.startswith(f"{path}: these are not weights of {NAME}")


@pytest.mark.parametrize("flags", [("--backbone-weights", "imagenet"), ("--fps", "5")])
def test_flags_of_a_backbone_without_one_are_refused(scene, flags):
    told = refused(UsageError, scene, *flags)
    assert flags[0] in told
    assert "--backbone" in told


def test_weights_that_were_never_published_are_refused(scene):
    refused(UsageError, scene, "--backbone", NAME, "--backbone-weights", "kinetics400")
