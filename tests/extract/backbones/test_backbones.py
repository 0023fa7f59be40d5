"""Contract of every backbone: pixels to features, stages in forward order, loading of weights."""

import os
import warnings

import numpy as np
import pytest

from extract.architectures.registry import BACKBONES, spec_of
from extract.backbones import build, build_trunk, load_weights
from extract.finetuning.schedule import set_trainable
from training.keras_backend import keras
from video.errors import LookbackError, UsageError

# One network per family; LOOKBACK_ALL_BACKBONES=1 adds all others.
FAMILIES = (
    "tiny",
    "mobilenet_025",
    "vgg16",
    "efficientnet_b0",
    "efficientnet_v2_b0",
    "efficientnet_lite0",
    "mobilenet_v3_small",
    "resnet50",
    "inception_v3",
    "convnext_tiny",
    "x3d_xs",
    "i3d",
    "slowfast_r50",
    "videomae_small",
)
BUILT = tuple(BACKBONES) if os.environ.get("LOOKBACK_ALL_BACKBONES") else FAMILIES
SIDE = 80  # above every network's minimum: Inception needs 75
WIDTHS = {
    "tiny": 128,
    "mobilenet_025": 256,
    "vgg16": 512,
    "efficientnet_b0": 1280,
    "efficientnet_v2_b0": 1280,
    "efficientnet_lite0": 1280,
    "mobilenet_v3_small": 576,
    "resnet50": 2048,
    "inception_v3": 2048,
    "convnext_tiny": 768,
}
# Shorter clips than the networks' own, to save time.
FRAMES = {"i3d": 16, "slowfast_r50": 8, "videomae_small": 4, "timesformer_base": 2}


@pytest.fixture(scope="module", params=BUILT)
def built(request):
    """A backbone's name and trunk. Pytest groups its tests, so only one is in memory at a time."""
    from training.keras_backend import keras

    yield request.param, build_trunk(request.param, "none", SIDE, FRAMES.get(request.param))
    keras.backend.clear_session()


def test_pixels_become_finite_float32_features(built):
    from training.keras_backend import keras

    name, trunk = built
    spec = spec_of(name)
    assert trunk.gives_features == spec.is_clip_network
    pooled = trunk.model.output
    if not trunk.gives_features:
        pooled = keras.layers.GlobalAveragePooling2D()(pooled)
    model = keras.Model(trunk.model.input, pooled)
    random = np.random.default_rng(0)
    frames = FRAMES.get(name, spec.clip_length)
    clips = random.integers(0, 256, (2, frames, SIDE, SIDE, 3), np.uint8)
    features = np.asarray(model(clips))
    assert model.input.dtype == "uint8"
    assert model.input.shape == (None, frames, SIDE, SIDE, 3)
    assert features.dtype == np.float32
    assert features.shape == (2, model.output_shape[-1])
    assert np.isfinite(features).all()
    assert not np.array_equal(features[0], features[1])
    assert features.shape[1] == spec.feature_size
    if name in WIDTHS:
        assert features.shape[1] == WIDTHS[name]


def test_every_layer_is_in_one_stage_and_stages_are_in_forward_order(built):
    name, trunk = built
    assert tuple(trunk.stages) == spec_of(name).stages
    place = {
        id(layer): number for number, layers in enumerate(trunk.stages.values()) for layer in layers
    }
    assert sum(len(layers) for layers in trunk.stages.values()) == len(trunk.core.layers)
    assert set(place) == {id(layer) for layer in trunk.core.layers}
    for stage, layers in trunk.stages.items():
        assert any(layer.weights for layer in layers), f"{stage} has nothing to train"
    for layer in trunk.core.layers:
        for node in layer._inbound_nodes:
            for before in node.parent_nodes:
                if id(before.operation) in place:
                    assert place[id(before.operation)] <= place[id(layer)], layer.name


def test_freezing_the_first_stages_leaves_the_later_layers_trainable(built):
    _, trunk = built
    names = list(trunk.stages)
    everything = {id(layer) for layers in trunk.stages.values() for layer in layers}
    for frozen in range(len(names) + 1):
        set_trainable(trunk, set(names[frozen:]), freeze_batch_norm=False)
        trainable = {id(layer) for layer in trunk.core.layers if layer.trainable}
        later = {id(layer) for name in names[frozen:] for layer in trunk.stages[name]}
        assert trainable == later
        count = sum(len(layer.trainable_weights) for layer in trunk.core.layers)
        assert len(trunk.model.trainable_weights) == count
    assert trunk.model.trainable_weights == []
    set_trainable(trunk, set(names), freeze_batch_norm=False)
    assert {id(layer) for layer in trunk.core.layers if layer.trainable} == everything


def test_frozen_batch_normalization_stays_frozen_in_a_trained_stage(built):
    from training.keras_backend import keras

    _, trunk = built
    set_trainable(trunk, set(trunk.stages), freeze_batch_norm=True)
    for layer in trunk.core.layers:
        assert layer.trainable != isinstance(layer, keras.layers.BatchNormalization)


def test_every_spec_is_complete():
    for name, spec in BACKBONES.items():
        clips = spec.is_clip_network
        assert spec.name == name
        assert (spec.clip_length > 1, spec.frame_rate is not None) == (clips, clips), name
        assert spec.classes == (1000 if spec.published == "pypi" else 400), name
        assert (spec.classifier is not None) == (clips or spec.published == "pypi"), name
        assert spec.input_size >= 32, name
        assert spec.short_side == 0 or spec.short_side >= spec.input_size, name
        assert len(set(spec.stages)) == len(spec.stages) >= 4, name
        assert spec.feature_size > 0, name
        assert spec.parameters > 0, name
        assert spec.gflops > 0, name
        published = (None, "kinetics400") if clips else (None, "imagenet", "pypi")
        assert spec.published in published, name
        assert (spec.accuracy == "") == (spec.published is None), name
        assert spec.licence, name
        assert spec.source, name
        assert spec.stage_of("no such layer") is None, name


def test_build_adds_a_classifier():
    model = build("tiny", "none", classes=7, side=48)
    clips = np.random.default_rng(0).integers(0, 256, (2, 1, 48, 48, 3), np.uint8)
    logits = np.asarray(model(clips))
    assert logits.shape == (2, 7)
    kernel, bias = (np.asarray(weight) for weight in model.get_layer("classifier").weights)
    features = keras.Model(model.input, model.get_layer("pooling").output)(clips)
    np.testing.assert_allclose(logits, np.asarray(features) @ kernel + bias, atol=1e-5)


def test_build_uses_the_backbone_s_own_side_by_default():
    assert build_trunk("tiny").model.input.shape == (None, 1, 96, 96, 3)


def test_saved_weights_give_the_same_features(tmp_path):
    clips = np.random.default_rng(0).integers(0, 256, (2, 1, 48, 48, 3), np.uint8)
    trunk = build_trunk("tiny", "none", 48)
    trunk.core.save_weights(tmp_path / "mine.weights.h5")
    again = build_trunk("tiny", str(tmp_path / "mine.weights.h5"), 48)
    assert np.array_equal(np.asarray(again.model(clips)), np.asarray(trunk.model(clips)))
    other = build_trunk("tiny", "none", 48)
    assert not np.allclose(np.asarray(other.model(clips)), np.asarray(trunk.model(clips)))


@pytest.mark.parametrize(
    ("misspelt", "wanted"),
    [
        ("vgg-16", "did you mean vgg16?"),
        ("efficientnetb0", "did you mean efficientnet_b0?"),
        ("resnet_50", "did you mean resnet50?"),
        ("transformer!", "did you mean timesformer_base?"),
        ("pixels", "known: vgg16, "),
    ],
)
def test_misspelled_backbone_fails_with_a_suggestion(misspelt, wanted):
    with pytest.raises(UsageError) as error:
        build(misspelt)
    assert f"backbone {misspelt}: there is none of that name" in str(error.value)
    assert wanted in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("name", "side"), [("vgg16", 16), ("inception_v3", 60)])
def test_side_below_the_network_s_minimum_is_refused(name, side):
    with pytest.raises(UsageError, match=rf"preprocessing.input_size {side}: {name} cannot"):
        build(name, "none", side=side)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder of files that do not hold weights of mobilenet_025."""
    import h5py

    folder = tmp_path_factory.mktemp("files")
    build_trunk("tiny", "none", 48).core.save_weights(folder / "tiny.weights.h5")
    build_trunk("mobilenet", "none", 48).core.save_weights(folder / "wider.weights.h5")
    content = (folder / "tiny.weights.h5").read_bytes()
    (folder / "renamed.h5").write_bytes(content)
    (folder / "cut.weights.h5").write_bytes(content[: len(content) // 2])
    (folder / "text.h5").write_text("404: not found")
    (folder / "text.weights.h5").write_text("404: not found")
    (folder / "empty.h5").write_bytes(b"")
    (folder / "checkpoint.pth").write_bytes(b"PK")
    (folder / "folder.h5").mkdir()
    with h5py.File(folder / "other.h5", "w") as file:
        file["rows"] = np.arange(3)
    return folder


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("tiny.weights.h5", "these are not weights of mobilenet_025"),
        ("wider.weights.h5", "these are not weights of mobilenet_025"),
        ("renamed.h5", "these are not weights of mobilenet_025"),
        ("other.h5", "these are not weights of mobilenet_025"),
        ("cut.weights.h5", "cannot be read as a weights file"),
        ("text.h5", "cannot be read as a weights file"),
        ("text.weights.h5", "cannot be read as a weights file"),
        ("empty.h5", "cannot be read as a weights file"),
        ("checkpoint.pth", "the name of a weights file ends in .weights.h5 or .h5"),
        ("folder.h5", "there is no such weights file"),
        ("missing.weights.h5", "there is no such weights file"),
    ],
)
def test_wrong_weights_file_fails_with_one_line(files, file, message):
    path = files / file
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing else may reach the user
        with pytest.raises(LookbackError) as error:
            build("mobilenet_025", str(path), side=48)
    assert str(error.value).startswith(f"{path}: {message}")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < len(str(path)) + 250


def test_failed_loading_leaves_the_weights_unchanged(files):
    core = build_trunk("mobilenet_025", "none", 48).core
    before = core.get_weights()
    with pytest.raises(LookbackError):
        load_weights(core, files / "renamed.h5", "mobilenet_025")
    assert all(
        np.array_equal(one, other) for one, other in zip(before, core.get_weights(), strict=True)
    )
