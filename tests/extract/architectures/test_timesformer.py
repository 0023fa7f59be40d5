"""TimeSformer beyond parity: divided attention, input sizes, errors, stages."""

import numpy as np
import pytest

from extract.architectures.building import stages_of
from extract.architectures.layer_names import layer_name, module_name
from extract.architectures.registry import BACKBONES
from extract.architectures.timesformer import timesformer
from extract.backbones import build
from extract.convert.weight_porting import assign
from training.keras_backend import keras
from video.errors import LookbackError, UsageError

SPEC = BACKBONES["timesformer_base"]
BLOCK = "timesformer.encoder.layer.0"


def small(frames: int = 4, side: int = 32, blocks: int = 1) -> keras.Model:
    model = timesformer((frames, side, side), width=32, blocks=blocks, head_size=16)
    random = np.random.default_rng(0)
    for weight in model.weights:
        middle = 1 if weight.name == "gamma" else 0
        weight.assign(random.normal(middle, 0.2, weight.shape))
    return model


def draw_clip() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(1, 4, 32, 32, 3)).astype("float32")


def numbers(tensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)


def changed(model: keras.Model, layer: str) -> np.ndarray:
    """Return where a layer's output (T, S) changes with the second patch of the third frame."""
    part = keras.Model(model.input, model.get_layer(layer_name(layer)).output)
    other = draw_clip()
    other[:, 2, :16, 16:] += 1
    difference = np.abs(numbers(part(other)) - numbers(part(draw_clip())))[0]
    return difference.max(-1) > 1e-5


def silence(model: keras.Model, layer: str) -> None:
    found = model.get_layer(layer_name(layer))
    found.set_weights([np.zeros_like(weight) for weight in found.get_weights()])


def set_zero(model: keras.Model, name: str) -> None:
    weight = getattr(model.get_layer("timesformer-embeddings"), name)
    weight.assign(np.zeros(weight.shape))


def test_attention_over_time_stays_within_its_patch():
    wanted = np.zeros((4, 4), bool)
    wanted[:, 1] = True
    np.testing.assert_array_equal(changed(small(), f"{BLOCK}.temporal_dense"), wanted)


def test_attention_over_space_stays_within_its_frame():
    model = small()
    silence(model, f"{BLOCK}.temporal_dense")
    wanted = np.zeros((4, 5), bool)  # the class token is the first of each frame
    wanted[2] = True
    np.testing.assert_array_equal(changed(model, f"{BLOCK}.attention.output.dense"), wanted)


@pytest.mark.parametrize(
    ("embeddings", "axis", "step"),
    [("time_embeddings", 1, 1), ("position_embeddings", 2, 16), ("position_embeddings", 3, 16)],
)
def test_order_in_time_and_space_comes_from_the_embeddings_only(embeddings, axis, step):
    model, clip = small(blocks=2), draw_clip()
    rolled = np.roll(clip, step, axis)
    assert np.abs(numbers(model(rolled)) - numbers(model(clip))).max() > 1e-3
    set_zero(model, embeddings)
    np.testing.assert_allclose(numbers(model(rolled)), numbers(model(clip)), atol=1e-5)


def test_class_token_depends_on_every_frame():
    model, clip = small(), draw_clip()
    for frame in range(4):
        other = clip.copy()
        other[:, frame] += 1
        assert np.abs(numbers(model(other)) - numbers(model(clip))).max() > 1e-3


@pytest.mark.parametrize(
    ("size", "tensor"),
    [((8, 32), "time_embeddings"), ((4, 48), "position_embeddings")],
)
def test_embeddings_of_another_size_are_refused(size, tensor):
    tensors = tensors_of(small())
    assign(small(), tensors, "original")
    with pytest.raises(
        LookbackError, match=rf"original: the tensor timesformer.embeddings.{tensor} has the shape"
    ):
        assign(small(*size), tensors, "original")


def tensors_of(model: keras.Model) -> dict[str, np.ndarray]:
    """Return a network's weights as a checkpoint has them."""
    tensors = {}
    for layer in model.layers:
        values = layer.get_weights()
        if layer.name == "timesformer-embeddings":
            names = [weight.name for weight in layer.weights]
        else:
            names = ["weight", "bias"][: len(values)]
        if isinstance(layer, keras.layers.Conv3D):
            values[0] = values[0][0].transpose(3, 2, 0, 1)
        elif isinstance(layer, keras.layers.Dense):
            values[0] = values[0].T
        tensors |= {
            f"{module_name(layer.name)}.{name}": v for name, v in zip(names, values, strict=True)
        }
    return tensors


def test_side_that_is_no_multiple_of_16_is_refused():
    with pytest.raises(UsageError, match=r"input_size 200.*timesformer_base cannot take it .*16"):
        build("timesformer_base", "none", side=200)


def test_every_stage_has_weights():
    found = stages_of(SPEC, small(2, 16, blocks=12))
    assert tuple(found) == ("embeddings", *(f"block{n}" for n in range(1, 13)), "top")
    counts = {stage: sum(len(layer.weights) for layer in found[stage]) for stage in found}
    # Three norms, two attentions of two layers, one after that of time, two of the perceptron.
    assert counts == {"embeddings": 5, **{f"block{n}": 20 for n in range(1, 13)}, "top": 2}
