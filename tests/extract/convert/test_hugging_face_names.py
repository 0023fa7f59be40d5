"""Tensor names of Hugging Face checkpoints: biases, bare encoders, pretraining checkpoints."""

import json

import numpy as np
import pytest

from extract.architectures.building import with_classifier
from extract.architectures.registry import BACKBONES
from extract.convert.hugging_face_names import rename_tensors
from extract.convert.weight_porting import assign
from tests.golden.cases import CASES, CLASSES, FOLDER
from tests.golden.drawing import draw_tensors
from training.keras_backend import keras
from video.errors import LookbackError


def golden(name: str) -> dict[str, np.ndarray]:
    """Return random tensors of a small network under the names of current transformers."""
    return draw_tensors(json.loads((FOLDER / f"{name}.json").read_text())["tensors"])


def core(name: str) -> keras.Model:
    return CASES[name].make(CASES[name].shape)


def encoder_of(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {n: t for n, t in tensors.items() if not n.startswith(("classifier.", "fc_norm."))}


def test_biases_are_found_under_their_published_names():
    tensors = golden("videomae")
    as_in_files = {
        name.replace("query.bias", "q_bias").replace("value.bias", "v_bias"): tensor
        for name, tensor in tensors.items()
    }
    assert "videomae.encoder.layer.1.attention.attention.q_bias" in as_in_files
    ours, theirs = core("videomae"), core("videomae")
    spec = BACKBONES[CASES["videomae"].backbone]
    assign(with_classifier(ours, spec, CLASSES), tensors, "inside")
    assign(with_classifier(theirs, spec, CLASSES), as_in_files, "file")
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_only_the_encoder_of_a_pretraining_checkpoint_is_used(capsys):
    tensors = encoder_of(golden("videomae"))
    extra = {
        "mask_token": (1, 1, 16),
        "encoder_to_decoder.weight": (16, 32),
        "decoder.decoder_layers.0.attention.attention.q_bias": (16,),
        "decoder.norm.weight": (16,),
        "videomae.layernorm.weight": (32,),
        "videomae.layernorm.bias": (32,),
    }
    model = core("videomae")
    assign(model, tensors | draw_tensors(extra), "FILE")
    scale, shift = model.get_layer("fc_norm").get_weights()
    assert (scale == 1).all()
    assert (shift == 0).all()
    query = model.get_layer("videomae-encoder-layer-1-attention-attention-query")
    prefix = "videomae.encoder.layer.1.attention.attention.query"
    np.testing.assert_array_equal(query.kernel, tensors[f"{prefix}.weight"].T)
    printed = capsys.readouterr().out
    assert printed.startswith("FILE: an encoder without a classifier")
    assert printed.count("\n") == 1


@pytest.mark.parametrize("name", ["videomae", "timesformer"])
def test_bare_encoder_names_get_the_prefix(name):
    tensors = encoder_of(golden(name))
    bare = {key.removeprefix(f"{name}."): tensor for key, tensor in tensors.items()}
    ours, theirs = core(name), core(name)
    assign(ours, tensors, "whole")
    assign(theirs, bare, "bare")
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fc_norm.weight": None}, "the tensor fc_norm.weight is missing"),
        ({"videomae.layernorm.bias": (32,)}, "1 tensors do not belong to videomae"),
        ({"mask_token": (1, 1, 16)}, "such as mask_token"),
        (
            {"videomae.encoder.layer.0.attention.attention.key.weight": (32, 16)},
            "the tensor videomae.encoder.layer.0.attention.attention.key.weight has the shape",
        ),
    ],
)
def test_classifier_checkpoint_must_be_complete(change, message):
    tensors = golden("videomae")
    for name, shape in change.items():
        if shape is None:
            del tensors[name]
        else:
            tensors |= draw_tensors({name: shape})
    spec = BACKBONES[CASES["videomae"].backbone]
    with pytest.raises(LookbackError, match=message):
        assign(with_classifier(core("videomae"), spec, CLASSES), tensors, "FILE")


def test_tensors_of_other_publishers_are_unchanged():
    tensors = golden("x3d")
    assert rename_tensors(tensors, "FILE") == tensors
