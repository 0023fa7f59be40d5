"""Opening an experiment: what it contains, and what is refused."""

from dataclasses import replace

import pytest

from recipes.loader import load
from sequence.experiment import open_experiment
from sequence.prediction import require_spec
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
    from extract.feature_store.writer import FeatureWriter

    spec = open_experiment(settings(project)).store.spec
    other = {**spec, "sampling": {"fps": 5.0, "hop": 1}}
    path = tmp_path / "features.h5"
    with FeatureWriter(path, other):
        pass
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
