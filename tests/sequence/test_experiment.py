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


def test_a_workplace_holds_what_belongs_together(project):
    experiment = open_experiment(settings(project))
    assert experiment.store.spec["weights_sha256"] == experiment.config.backbone.sha256
    assert experiment.store.spec_sha256 == experiment.config.sequence.features_spec
    dataset = experiment.dataset(6)
    assert len(dataset.pieces) == 48
    assert dataset.labels == list(experiment.config.labels) == ["down", "lower", "raise", "up"]


def test_clips_without_features_are_told(project, tmp_path, capsys):
    manifest = project.data / "manifest.csv"
    # Asynchronous the clips, as paths are relative to the manifest.
    text = manifest.read_text() + "clips/up/gone.mp4,up,train,gone,,\n"
    other = tmp_path / "manifest.csv"
    other.write_text(text)
    experiment = open_experiment(settings(project, **{"data.manifest": str(other)}))
    assert len(experiment.dataset(6).pieces) == 48
    assert "1 clips of the manifest have no features" in capsys.readouterr().out


def test_a_sequence_model_of_other_features_is_refused(project):
    experiment = open_experiment(settings(project))
    config, spec = experiment.config, experiment.store.spec
    require_spec(config, spec, "weights")
    other = {**spec, "backbone": "other"}
    with pytest.raises(LookbackError, match=r"weights: .*other features.*train_lstm\.py"):
        require_spec(config, other, "weights")
    without = config.model_copy(update={"sequence": None})
    require_spec(without, other, "weights")


@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_features_in_another_precision_are_refused_with_the_way_back(project, precision):
    experiment = open_experiment(settings(project))
    spec = {**experiment.store.spec, "precision": precision, "quantised_sha256": "a"}
    back = f"trained on f32 features, and these are {precision}: python extract.py --precision f32"
    with pytest.raises(LookbackError, match=back):
        require_spec(experiment.config, spec, "weights")


def test_features_at_another_sampling_are_refused(project, tmp_path):
    from extract.feature_store.writer import FeatureWriter

    spec = open_experiment(settings(project)).store.spec
    other = {**spec, "sampling": {"fps": 5.0, "hop": 1}}
    path = tmp_path / "features.h5"
    with FeatureWriter(path, other):
        pass
    with pytest.raises(LookbackError, match=r"features\.h5: .*another sampling.*extract\.py"):
        open_experiment(settings(project, **{"data.features": str(path)}))


@pytest.mark.parametrize(("clip_length", "steps"), [(1, 16), (4, 4)])
def test_the_look_back_suits_the_backbone_unless_the_recipe_names_one(project, clip_length, steps):
    experiment = open_experiment(settings(project))
    backbone = experiment.config.backbone.model_copy(update={"clip_length": clip_length})
    experiment = replace(
        experiment, config=experiment.config.model_copy(update={"backbone": backbone})
    )
    assert experiment.look_back(load().recipe) == steps
    assert experiment.look_back(load(flags={"sequence.look_back": 9}).recipe) == 9
