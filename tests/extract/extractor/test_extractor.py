"""The model folder decides what extracts; what is asked for beside it is refused, not mixed."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from extract.backbones import build_trunk, reachable
from extract.backbones.defaults import resolve_backbone
from extract.backbones.heads import (
    classifier_network,
    feature_network,
    pooled_network,
    weights_sha256,
)
from extract.backbones.model_config import make_config
from extract.engines import UnbuiltModel
from extract.extractor.choice import choose_for_extraction
from extract.extractor.loading import (
    load_extractor,
    load_network,
    open_network,
    with_weights_file,
)
from extract.extractor_setup import set_up_extractor
from model_folder.config import BACKBONE_WEIGHTS, CONFIG, read_config, require_config, write_config
from recipes.loader import load
from video.errors import LookbackError, UsageError
from video.preprocessing import Preprocessing
from video.sampling import Sampling

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 1, 48, 48, 3), np.uint8)


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "weights"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_pretrained_backbone_moves_into_the_folder(small_settings, folder):
    extractor = set_up_extractor(small_settings())
    config = require_config(folder)
    assert config == extractor.config
    assert not config.backbone.fine_tuned
    assert (config.backbone.name, config.backbone.weights) == ("tiny", "none")
    assert config.backbone.feature_size == 128
    assert config.preprocessing == Preprocessing(48, 48)
    assert config.sampling == Sampling(10.0)
    features = extractor(PIXELS)
    assert features.shape == (3, 128)
    assert features.dtype == np.float32


def test_the_folder_is_used_without_flags_and_gives_the_same_features(small_settings, folder):
    first = set_up_extractor(small_settings())
    before = contents(folder)
    again = set_up_extractor(small_settings(base={}))
    assert again.config == first.config
    assert np.array_equal(again(PIXELS), first(PIXELS))
    assert again.spec("float32") == first.spec("float32")
    assert contents(folder) == before


def test_the_folder_keeps_the_backbone_that_replaced_the_default(
    small_settings, folder, monkeypatch, tmp_path, capsys
):
    fallback = reachable.Fallback("tiny", "http://127.0.0.1:9/a.h5")
    monkeypatch.setattr(reachable, "FALLBACKS", {"efficientnet_b0": fallback})
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    first = set_up_extractor(small_settings({"seed": 2}, base={}))
    assert first.config.backbone.name == "tiny"
    assert capsys.readouterr().out.count("tiny is used instead") == 1
    before = contents(folder)
    assert set_up_extractor(small_settings({"seed": 2}, base={})).config == first.config
    assert contents(folder) == before
    set_up_extractor(small_settings({"preprocessing.input_size": 48}, base={}))
    assert require_config(folder).backbone.name == "tiny"
    assert "used instead" not in capsys.readouterr().out


def test_random_weights_follow_the_seed(small_settings, folder):
    first = set_up_extractor(small_settings({"seed": 3}))
    same = set_up_extractor(small_settings({"seed": 3}))
    other = set_up_extractor(small_settings({"seed": 4}))
    assert same.config.backbone.sha256 == first.config.backbone.sha256
    assert other.config.backbone.sha256 != first.config.backbone.sha256
    assert set_up_extractor(small_settings(base={})).config == other.config


def test_a_pretrained_backbone_gives_way_to_another(small_settings, folder):
    set_up_extractor(small_settings())
    other = set_up_extractor(small_settings({"preprocessing.input_size": 32}))
    assert other.config.preprocessing.width == 32
    assert read_config(folder) == other.config


def test_missing_weights_are_written_again(small_settings, folder):
    first = set_up_extractor(small_settings())
    (folder / BACKBONE_WEIGHTS).unlink()
    with pytest.raises(LookbackError, match="is missing; restore it, or remove"):
        set_up_extractor(small_settings(base={}))
    set_up_extractor(small_settings())
    again = set_up_extractor(small_settings(base={}))
    assert np.array_equal(again(PIXELS), first(PIXELS))


def test_the_fine_tuned_backbone_is_used_without_flags(small_settings, fine_tuned, folder):
    before = contents(folder)
    extractor = set_up_extractor(small_settings(base={}))
    assert extractor.config == fine_tuned
    model = classifier_network(build_trunk("tiny", "none", 48), fine_tuned.backbone.network, 3)
    model.load_weights(folder / BACKBONE_WEIGHTS)
    wanted = np.asarray(feature_network(model)(PIXELS))
    assert wanted.shape == (3, 24)
    assert np.allclose(extractor(PIXELS), wanted, atol=1e-5)
    assert contents(folder) == before


def test_naming_what_it_was_fine_tuned_from_means_the_fine_tuned_one(small_settings, fine_tuned):
    assert set_up_extractor(small_settings()).config == fine_tuned


@pytest.mark.parametrize(
    "asked",
    [
        {"backbone.name": "vgg16"},
        {"backbone.name": "tiny", "backbone.weights": "imagenet"},
        {"backbone.weights": "mine.weights.h5"},
        {"backbone.name": "tiny", "preprocessing.input_size": 64},
        {"backbone.name": "tiny", "preprocessing.resize": "crop", "preprocessing.input_size": 48},
    ],
    ids=str,
)
def test_another_backbone_than_the_fine_tuned_is_refused_and_nothing_is_overwritten(
    small_settings, fine_tuned, folder, asked
):
    before = contents(folder)
    with pytest.raises(UsageError, match="holds a tiny fine-tuned") as error:
        set_up_extractor(small_settings(asked, base={}))
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)
    assert contents(folder) == before


def test_the_same_pixels_can_be_asked_for_without_naming_the_backbone(small_settings, fine_tuned):
    """The side that the recipe leaves open is the folder's, not that of the default backbone."""
    asked = small_settings({"preprocessing.resize": "stretch"}, base={})
    assert set_up_extractor(asked).config == fine_tuned


def test_the_recipe_s_sampling_is_taken_over_where_it_is_given(small_settings, fine_tuned, folder):
    assert set_up_extractor(small_settings(base={})).config.sampling == Sampling(5.0)
    extractor = set_up_extractor(small_settings({"sampling.fps": 3}, base={}))
    assert extractor.config.sampling == Sampling(3.0)
    assert read_config(folder).sampling == Sampling(3.0)
    assert extractor.config.backbone == fine_tuned.backbone
    stride = set_up_extractor(small_settings({"sampling.stride": 2}, base={}))
    assert stride.config.sampling == Sampling(3.0, 2)
    source = set_up_extractor(small_settings({"sampling.fps": "source"}, base={}))
    assert source.config.sampling == Sampling(None, 2)
    assert source.spec("float32") != extractor.spec("float32")


@pytest.mark.parametrize("made_by", ["fine-tuning", "extraction"])
def test_what_an_engine_cannot_do_leaves_the_model_as_it_was(
    small_settings, folder, made_by, request
):
    asked = {"extract.precision": "bf16", "extract.engine": "keras"}
    if made_by == "fine-tuning":
        request.getfixturevalue("fine_tuned")
        settings = small_settings(asked, base={})
    else:
        set_up_extractor(small_settings())
        settings = small_settings({**asked, "seed": 5})
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match=r"bf16: keras does not support it; .*--precision f32"):
        set_up_extractor(settings)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_weights_that_were_replaced_are_refused(small_settings, fine_tuned, folder):
    head = fine_tuned.backbone.network
    other = classifier_network(build_trunk("tiny", "none", 48), head, 3)
    other.save_weights(folder / BACKBONE_WEIGHTS)
    with pytest.raises(LookbackError, match="these are not the weights that") as error:
        set_up_extractor(small_settings(base={}))
    assert str(folder / CONFIG) in str(error.value)


def test_one_changed_weight_is_noticed(small_settings, fine_tuned, folder):
    network = load_network(folder, fine_tuned)
    bias = network.get_layer("classifier").bias
    bias.assign(np.nextafter(np.asarray(bias), 1))
    network.save_weights(folder / BACKBONE_WEIGHTS)
    with pytest.raises(LookbackError, match="these are not the weights that"):
        load_network(folder, fine_tuned)


@pytest.mark.parametrize("damage", ["missing", "text", "cut", "other network"])
def test_weights_that_cannot_be_loaded_are_named(fine_tuned, folder, damage):
    path = folder / BACKBONE_WEIGHTS
    if damage == "missing":
        path.unlink()
    elif damage == "text":
        path.write_text("no weights")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:20_000])
    else:
        pooled_network(build_trunk("mobilenet_025", "none", 48)).save_weights(path)
    with pytest.raises(LookbackError) as error:
        load_extractor(folder, fine_tuned)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_the_card_tells_a_weights_file_by_its_name_alone(small_settings, folder, tmp_path):
    path = tmp_path / "secret" / "mine.weights.h5"
    path.parent.mkdir()
    build_trunk("tiny", "none", 48).core.save_weights(path)
    extractor = set_up_extractor(small_settings({"backbone.weights": str(path)}))
    text = (folder / CONFIG).read_text()
    assert "mine.weights.h5" in text
    assert "secret" not in text
    assert str(tmp_path) not in text
    assert extractor.config.backbone.licence == "as of the weights file"
    path.unlink()  # the folder stands for itself
    assert set_up_extractor(small_settings(base={})).config == extractor.config


def test_a_card_that_names_no_known_backbone_is_refused(fine_tuned, small_settings, folder):
    content = yaml.safe_load((folder / CONFIG).read_text())
    content["backbone"]["name"] = "tinny"
    (folder / CONFIG).write_text(yaml.safe_dump(content))
    with pytest.raises(LookbackError, match="tinny: there is none of that name"):
        set_up_extractor(small_settings(base={}))


def test_the_spec_changes_with_everything_that_changes_the_features(fine_tuned, small_settings):
    extractor = set_up_extractor(small_settings(base={}))
    spec = extractor.spec("float32")
    assert spec["weights_sha256"] == fine_tuned.backbone.sha256
    assert spec["feature_size"] == 24
    assert spec["sampling"] == {"fps": 5.0, "hop": 1}
    assert spec["preprocessing"]["width"] == 48
    assert spec["precision"] == "f32"
    assert spec != extractor.spec("float16")


def test_the_network_s_side_and_the_crop_s_margin_come_from_the_backbone():
    assert resolve_backbone(load().recipe).preprocessing == Preprocessing(224, 224)
    inception = {"backbone.name": "inception_v3", "preprocessing.resize": "crop"}
    cropped = resolve_backbone(load(flags=inception).recipe).preprocessing
    assert cropped == Preprocessing(299, 299, "crop", 342)
    sampling = {"sampling.fps": "source", "sampling.stride": 2}
    assert resolve_backbone(load(flags=sampling).recipe).sampling == Sampling(None, 2)


def test_extraction_keeps_the_second_stage_s_card(small_settings, folder):
    from tests.extract.projecting import full_config

    set_up_extractor(small_settings())
    config = require_config(folder)
    with_sequence = config.model_copy(
        update={"sequence": full_config().sequence, "labels": ("a", "b")}
    )
    write_config(folder, with_sequence)
    set_up_extractor(small_settings({"seed": 9}))
    assert read_config(folder).sequence == with_sequence.sequence
    assert read_config(folder).labels == ("a", "b")


@pytest.mark.parametrize("pooling", ["avg", "flatten"])
@pytest.mark.parametrize("features", [24, None])
def test_the_card_of_a_fine_tuned_network_tells_the_width_of_its_features(
    quick_settings, scenes, folder, pooling, features, monkeypatch
):
    from extract.finetuning.trainer import Trainer
    from tests.extract.conftest import phase
    from tests.extract.scripted_tuning import follow

    network = {"pooling": pooling, "features": features}
    settings = quick_settings(phase(0, "all"), epochs=1, clips_per_video=1, head=network)
    follow(Trainer(settings, scenes(train=1, val=1)), monkeypatch, [1]).train()
    extractor = set_up_extractor(settings)
    assert extractor(PIXELS).shape == (3, extractor.config.backbone.feature_size)


def test_another_clip_length_than_the_fine_tuned_is_refused(small_settings, fine_tuned):
    assert (
        set_up_extractor(small_settings({"sampling.clip_length": 1}, base={})).config == fine_tuned
    )
    with pytest.raises(UsageError, match=r"sampling\.clip_length"):
        set_up_extractor(small_settings({"sampling.clip_length": 8}, base={}))


def test_a_recipe_that_names_the_folders_published_backbone_builds_nothing(
    small_settings, folder, monkeypatch
):
    settings = small_settings({"backbone.name": "mobilenet_025", "backbone.weights": "imagenet"})
    folder.mkdir()
    network = pooled_network(build_trunk("mobilenet_025", "none", 48))
    network.save_weights(folder / BACKBONE_WEIGHTS)
    chosen = choose_for_extraction(settings)
    config = make_config(settings, chosen.backbone, None, weights_sha256(network), 256)
    write_config(folder, with_weights_file(config, folder / BACKBONE_WEIGHTS))
    built = []
    monkeypatch.setattr("extract.extractor.loading._build_pretrained", built.append)
    opened = open_network(choose_for_extraction(settings))
    assert isinstance(opened.whole, UnbuiltModel)
    assert built == []
    assert opened.save() == require_config(folder)
    (folder / BACKBONE_WEIGHTS).write_bytes(b"others")
    open_network(choose_for_extraction(settings))  # which are not known
    assert len(built) == 1
