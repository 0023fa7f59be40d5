"""VideoMAE beyond parity: position embeddings for any grid, errors, stages."""

import numpy as np
import pytest

from extract.architectures.building import stages_of
from extract.architectures.registry import BACKBONES
from extract.architectures.token_layers import sinusoids
from extract.architectures.videomae import videomae
from extract.backbones import build
from training.keras_backend import keras
from video.errors import UsageError

SPEC = BACKBONES["videomae_small"]


def small(frames: int, side: int, blocks: int = 1) -> keras.Model:
    model = videomae((frames, side, side), width=32, blocks=blocks, head_size=16)
    random = np.random.default_rng(0)
    for weight in model.weights:
        middle = 1 if weight.name == "gamma" else 0
        weight.assign(random.normal(middle, 0.2, weight.shape))
    return model


def features(model: keras.Model, clip: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(clip, training=False))[0]


def test_sinusoids_have_growing_wavelengths():
    waves = sinusoids(50, 8)
    assert waves.shape == (50, 8)
    assert waves[0].tolist() == [0, 1] * 4
    # One position further is the same rotation at every position.
    turned = waves[1:, 0::2] * waves[:-1, 1::2] - waves[1:, 1::2] * waves[:-1, 0::2]
    expected = np.sin([1, 1 / 10, 1 / 100, 1 / 1000])
    np.testing.assert_allclose(turned, np.tile(expected, (49, 1)), atol=1e-6)
    np.testing.assert_array_equal(sinusoids(20, 8), waves[:20])


@pytest.mark.parametrize(("frames", "side"), [(2, 32), (6, 48)])
def test_weights_fit_another_grid_with_its_own_positions(frames, side):
    given, other = small(4, 32), small(frames, side)
    other.set_weights(given.get_weights())
    clip = np.random.default_rng(1).normal(size=(1, frames, side, side, 3)).astype("float32")
    assert np.isfinite(features(other, clip)).all()
    tokens = (frames // 2) * (side // 16) ** 2
    assert other.get_layer("videomae-embeddings-positions").output.shape == (None, tokens, 32)


def test_order_in_time_and_space_comes_from_the_positions_only():
    model = small(4, 32)
    clip = np.random.default_rng(1).normal(size=(1, 4, 32, 32, 3)).astype("float32")
    as_it_is = features(model, clip)
    for rolled in (np.roll(clip, 2, axis=1), np.roll(clip, 16, axis=2), np.roll(clip, 16, axis=3)):
        assert np.abs(features(model, rolled) - as_it_is).max() > 1e-3
    # Without the position embeddings the order of the tubes has no effect.
    positions = model.get_layer("videomae-embeddings-positions")
    positions.waves = np.zeros_like(positions.waves)
    as_it_is = features(model, clip)
    for rolled in (np.roll(clip, 2, axis=1), np.roll(clip, 16, axis=2), np.roll(clip, 16, axis=3)):
        np.testing.assert_allclose(features(model, rolled), as_it_is, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "why"),
    [
        ({"clip_length": 15}, "T must be a multiple of 2"),
        ({"side": 200}, "the side must be a multiple of 16"),
    ],
)
def test_size_that_gives_no_whole_tubes_is_refused(size, why):
    with pytest.raises(UsageError, match=f"videomae_small cannot take it .*{why}"):
        build("videomae_small", "none", **size)


def test_every_stage_has_weights():
    found = stages_of(SPEC, small(2, 16, blocks=12))
    assert tuple(found) == ("embeddings", *(f"block{n}" for n in range(1, 13)), "top")
    counts = {stage: sum(len(layer.weights) for layer in found[stage]) for stage in found}
    # Two norms, four layers of the attention (the key's without a bias), two of the MLP.
    assert counts == {"embeddings": 2, **{f"block{n}": 15 for n in range(1, 13)}, "top": 2}
