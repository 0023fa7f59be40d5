"""Opening an experiment: what it contains, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from model_folder.config import QuantizationReport, write_config
from recipes.loader import load
from sequence.experiment import open_experiment
from sequence.prediction import require_spec
from tests.extract.projecting import card_of
from tests.sequence.stores import store_of
from video.errors import LookbackError


def settings(project, **flags):
    return load(
        flags={"data.folder": str(project.data), "model.folder": str(project.weights)} | flags
    )


def test_an_experiment_contains_matching_model_features_and_manifest(project):
    experiment = open_experiment(settings(project))
    assert experiment.store.spec["weights_sha256"] == experiment.config.backbone.sha256
    assert experiment.store.spec_sha256 == experiment.config.sequence.features_spec
    dataset = experiment.dataset(6)
    assert len(dataset.segments) == 48
    assert dataset.labels == list(experiment.config.labels) == ["down", "lower", "raise", "up"]


def test_clips_without_features_are_reported(project, tmp_path, capsys):
    manifest = project.data / "manifest.csv"
    # Paths are relative to the manifest, so no clip exists here; the features are sufficient.
    text = manifest.read_text() + "clips/up/gone.mp4,up,train,gone,,\n"
    other = tmp_path / "manifest.csv"
    other.write_text(text)
    experiment = open_experiment(settings(project, **{"data.manifest": str(other)}))
    assert len(experiment.dataset(6).segments) == 48
    assert "1 clips of the manifest have no features" in capsys.readouterr().out


def test_require_spec_refuses_other_features(project):
    experiment = open_experiment(settings(project))
    config, spec = experiment.config, experiment.store.spec
    require_spec(config, spec, "weights")
    other = {**spec, "backbone": "other"}
    with pytest.raises(LookbackError, match=r"weights: .*other features.*train_lstm\.py"):
        require_spec(config, other, "weights")
    without = config.model_copy(update={"sequence": None})
    require_spec(without, other, "weights")


@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_require_spec_names_the_command_for_another_precision(project, precision):
    experiment = open_experiment(settings(project))
    spec = {**experiment.store.spec, "precision": precision, "quantised_sha256": "a"}
    message = f"on f32 features, and these are {precision}; run python extract.py --precision f32"
    with pytest.raises(LookbackError, match=message):
        require_spec(experiment.config, spec, "weights")


def test_features_with_another_sampling_are_refused(project, tmp_path):
    spec = open_experiment(settings(project)).store.spec
    other = {**spec, "sampling": {"fps": 5.0, "hop": 1}}
    path = tmp_path / "features.h5"
    same = {key: other[key] for key in ("backbone", "weights_sha256", "sampling")}
    store_of(path, {"a": np.zeros((1, spec["feature_size"]))}, **same)
    with pytest.raises(LookbackError, match=r"features\.h5: .*another sampling.*extract\.py"):
        open_experiment(settings(project, **{"data.features": str(path)}))


@pytest.mark.parametrize(("clip_length", "steps"), [(1, 16), (4, 4)])
def test_the_default_look_back_depends_on_the_backbone(project, clip_length, steps):
    experiment = open_experiment(settings(project))
    backbone = experiment.config.backbone.model_copy(update={"clip_length": clip_length})
    experiment = replace(
        experiment, config=experiment.config.model_copy(update={"backbone": backbone})
    )
    assert experiment.look_back(load().recipe) == steps
    assert experiment.look_back(load(flags={"sequence.look_back": 9}).recipe) == 9


@pytest.fixture
def auto(tmp_path):
    """Settings of a folder whose extraction was run with `--input auto`, quantized for frames."""
    config = card_of()
    quantised = QuantizationReport(
        sha256="a" * 64,
        clips=9,
        cosine=1.0,
        least_cosine=1.0,
        classifier="ridge",
        accuracy_f32=0.9,
        accuracy_interval=(0.8, 1.0),
        accuracy=0.9,
    )
    backbone = config.backbone.model_copy(update={"input": "auto"})
    update = {"backbone": backbone, "quantised": quantised}
    write_config(tmp_path, config.model_copy(update=update))
    rows = [f"{a}{s}.mp4,{a},{s},{a}{s}" for a in "ab" for s in ("train", "val", "test")]
    (tmp_path / "manifest.csv").write_text("\n".join(["video,label,split,group", *rows, ""]))
    for name, change in (("features", {}), ("features.change", {"change_seconds": 0.2})):
        sampling = {"fps": 10.0, "hop": 1, **change}
        store_of(tmp_path / name, {"a": np.zeros((1, 6))}, sampling=sampling)
    flags = {"data.folder": str(tmp_path), "model.folder": str(tmp_path)}
    return lambda **keys: load(flags=flags | {k.replace("__", "."): v for k, v in keys.items()})


def test_an_int8_network_stays_with_the_input_that_it_was_made_for(auto):
    """The weights of both inputs have the same hash, so nothing else tells them apart."""
    experiment = open_experiment(auto())
    assert [each.input for each in experiment.inputs] == ["frame", "change"]
    assert [each.config.quantised is None for each in experiment.inputs] == [False, True]
    experiment.close()


def test_an_input_that_was_not_asked_for_is_closed(auto, tmp_path):
    experiment = open_experiment(auto(backbone__input="frame"))
    assert experiment.alternative is None
    sampling = {"fps": 10.0, "hop": 1, "change_seconds": 0.2}
    store_of(tmp_path / "features.change", {"b": np.zeros((1, 6))}, sampling=sampling)
    experiment.close()
