"""Attention over one axis, and the other shared layers of the transformers."""

import numpy as np
import pytest

from extract.architectures.token_layers import Attention
from extract.architectures.transformer_layers import stage_of, stages
from training.keras_backend import keras


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).normal(size=shape).astype("float32")


def attended(query: np.ndarray, key: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Attention of one head over (N, C), as the paper writes it."""
    scores = np.exp(query @ key.T / np.sqrt(query.shape[-1]))
    return scores / scores.sum(-1, keepdims=True) @ value


def numbers(tensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)


def test_each_head_attends_within_its_channels():
    query, key, value = draw(3, 2, 5, 8)
    ours = numbers(Attention(heads=2)(query, key, value))
    for clip in range(2):
        for part in (slice(0, 4), slice(4, 8)):
            wanted = attended(query[clip, :, part], key[clip, :, part], value[clip, :, part])
            np.testing.assert_allclose(ours[clip, :, part], wanted, atol=1e-6)


@pytest.mark.parametrize("axis", [1, 2])
def test_all_axes_but_one_act_as_batch_axes(axis):
    query, key, value = draw(3, 2, 3, 5, 4)
    ours = numbers(Attention(1, axis)(query, key, value))
    # With the axis second to last, all other axes merge into independent rows.
    rows = [np.moveaxis(x, axis, 2).reshape(-1, x.shape[axis], 4) for x in (query, key, value)]
    wanted = [attended(*row) for row in zip(*rows, strict=True)]
    got = np.moveaxis(ours, axis, 2).reshape(-1, query.shape[axis], 4)
    np.testing.assert_allclose(got, np.stack(wanted), atol=1e-6)


def test_softmax_is_computed_in_float32_in_half_precision(monkeypatch):
    softmax, dtypes = keras.ops.softmax, []

    def watched(scores):
        dtypes.append(keras.backend.standardize_dtype(scores.dtype))
        return softmax(scores)

    clips = draw(3, 1, 300, 16)
    exact = numbers(Attention(2)(*clips))
    monkeypatch.setattr(keras.ops, "softmax", watched)
    half = numbers(Attention(2, dtype="mixed_float16")(*clips))
    assert dtypes == ["float32"]
    assert half.dtype == np.float16
    assert np.abs(half - exact).max() < 1e-2 * np.abs(exact).max()


def test_attention_macs_are_those_of_two_products():
    inputs = keras.Input((3, 5, 8))
    layer = Attention(2, axis=2)
    outputs = layer(inputs, inputs, inputs)
    assert outputs.shape == (None, 3, 5, 8)
    # 3 rows x 5 x 5 pairs of tokens x 8 channels, for the scores and for the weighted sum.
    assert layer.macs() == 2 * 3 * 5 * 5 * 8


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("videomae.embeddings.patch_embeddings.projection", "embeddings"),
        ("timesformer.embeddings", "embeddings"),
        ("videomae.encoder.layer.0.layernorm_before", "block1"),
        ("timesformer.encoder.layer.11.temporal_attention.attention", "block12"),
        ("fc_norm", "top"),
        ("timesformer.layernorm", "top"),
        ("add_3", None),
    ],
)
def test_stage_of_parses_the_layer_name(name, stage):
    assert stage_of(name) == stage
    assert stage is None or stage in stages(12)
