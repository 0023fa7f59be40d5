"""The choice of the model: a value made of model.yaml and settings; nothing is built or written."""

from dataclasses import replace
from pathlib import Path

import pytest

from extract.extractor import choice as module
from extract.extractor.choice import (
    OWN_HEAD,
    FolderModel,
    PretrainedModel,
    choose_for_extraction,
    choose_for_inference,
    choose_head,
)
from model_folder.config import ModelConfig, write_config
from recipes.loader import load
from tests.extract.projecting import full_config
from video.errors import LookbackError, UsageError
from video.sampling import Sampling


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "weights"


def settings(folder: Path, **keys):
    flags = {key.replace("__", "."): value for key, value in keys.items()}
    return load(flags={"model.folder": str(folder), **flags})


def written(folder: Path, fine_tuned: bool = True, trained: bool = True) -> ModelConfig:
    """Write and return a config; the folder holds no weights, which no choice needs."""
    config = full_config()
    backbone = config.backbone
    if not fine_tuned:
        backbone = backbone.model_copy(update={"fine_tuned": False, "network": None})
    sequence = config.sequence if trained else None
    config = config.model_copy(update={"backbone": backbone, "sequence": sequence})
    write_config(folder, config)
    return config


def test_an_empty_folder_takes_the_recipes_pretrained_backbone(folder):
    chosen = choose_for_extraction(settings(folder, backbone__name="x3d_s"))
    assert isinstance(chosen, PretrainedModel)
    assert (chosen.backbone.spec.name, chosen.backbone.weights) == ("x3d_s", "kinetics400")
    assert (chosen.before, chosen.precision) == (None, "f32")
    assert not folder.exists()


@pytest.mark.parametrize("fine_tuned", [True, False])
def test_a_folders_model_is_used_as_it_is(folder, fine_tuned):
    config = written(folder, fine_tuned)
    assert choose_for_extraction(settings(folder)) == FolderModel(folder, config)


def test_sampling_and_precision_change_the_config_and_not_the_file(folder):
    written(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    asked = settings(folder, sampling__fps=3, extract__precision="int8")
    chosen = choose_for_extraction(asked)
    assert (chosen.is_changed, chosen.precision) == (True, "int8")
    assert chosen.config.sampling == Sampling(3.0, full_config().sampling.stride)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_pretrained_model_gives_way_to_other_pixels_and_a_fine_tuned_one_refuses_them(folder):
    config = written(folder, fine_tuned=False)
    asked = settings(folder, preprocessing__input_size=64)
    if config.backbone.weights not in ("none", "imagenet"):
        with pytest.raises(UsageError, match="name both again"):
            choose_for_extraction(asked)
    else:
        chosen = choose_for_extraction(asked)
        assert isinstance(chosen, PretrainedModel)
        assert chosen.backbone.spec.name == config.backbone.name
    written(folder)
    with pytest.raises(UsageError, match=r"preprocessing\.input_size: .*fine-tuned with"):
        choose_for_extraction(asked)


@pytest.mark.parametrize(
    ("trained_on", "given", "wanted"),
    [
        (None, {}, None),
        (None, {"sampling__change_seconds": 0.5}, None),
        (0.3, {}, 0.3),
        (0.3, {"sampling__change_seconds": 0.5}, 0.5),
    ],
)
def test_with_auto_the_folders_input_stays_and_a_given_time_counts(
    folder, trained_on, given, wanted
):
    config = written(folder, fine_tuned=False)
    backbone = config.backbone.model_copy(update={"input": "auto", "weights": "none"})
    sampling = replace(config.sampling, change_seconds=trained_on)
    update = {"backbone": backbone, "sampling": sampling}
    write_config(folder, config.model_copy(update=update))
    keys = {"backbone__name": "tiny", "backbone__weights": "none", "backbone__input": "auto"}
    chosen = choose_for_extraction(settings(folder, **keys, **given))
    assert isinstance(chosen, PretrainedModel)
    assert chosen.backbone.sampling.change_seconds == wanted


def test_a_choice_builds_no_network(folder, monkeypatch):
    written(folder)
    monkeypatch.setattr("extract.backbones.pretrained.make_trunk", pytest.fail)
    monkeypatch.setattr("extract.backbones.pretrained.build_model", pytest.fail)
    choose_for_extraction(settings(folder))
    choose_for_inference(settings(folder))
    choose_for_inference(settings(folder, backbone__name="x3d_s"))


@pytest.mark.parametrize(
    ("fine_tuned", "trained", "requested", "head"),
    [
        (True, True, "", "trained"),
        (True, True, OWN_HEAD, OWN_HEAD),
        (True, True, "trained", "trained"),
        (True, False, "", OWN_HEAD),
        (True, False, OWN_HEAD, OWN_HEAD),
        (False, True, "", "trained"),
        (False, False, "", ""),
        (False, True, OWN_HEAD, LookbackError),
        (False, False, OWN_HEAD, LookbackError),
        (True, False, "gru", UsageError),
        (True, True, "mean", UsageError),
    ],
)
def test_the_head_that_answers(folder, fine_tuned, trained, requested, head):
    config = written(folder, fine_tuned, trained)
    name = full_config().sequence.head
    requested = name if requested == "trained" else requested
    if isinstance(head, str):
        wanted = name if head == "trained" else head
        assert choose_head(folder, config, requested) == wanted
    else:
        with pytest.raises(head):
            choose_head(folder, config, requested)


@pytest.mark.parametrize("head", ["", OWN_HEAD])
def test_run_takes_the_folders_model_or_the_network_that_a_flag_names(folder, head):
    config = written(folder)
    flags = {"sequence__head": head} if head else {}
    chosen = choose_for_inference(settings(folder, **flags))
    assert chosen == FolderModel(folder, config, head=head or config.sequence.head)
    published = choose_for_inference(settings(folder, backbone__name="x3d_s"))
    assert isinstance(published, PretrainedModel)
    assert published.head == OWN_HEAD


@pytest.mark.parametrize(
    "flags", [{"backbone__weights": "none"}, {"sampling__fps": 5}, {"extract__precision": "bf16"}]
)
def test_flags_that_a_folders_model_cannot_follow_are_refused(folder, flags):
    written(folder)
    with pytest.raises(UsageError):
        choose_for_inference(settings(folder, **flags))


def test_the_module_imports_no_engine():
    assert not {name for name in vars(module) if "engine" in name.lower()}
