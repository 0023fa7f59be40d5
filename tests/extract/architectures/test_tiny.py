"""Tiny, the network of the demo and the tests."""

import numpy as np
import pytest

from extract.backbones import build, build_trunk
from video.errors import UsageError


def test_tiny_has_five_stages_of_one_convolution():
    trunk = build_trunk("tiny", "none", 96)
    assert list(trunk.stages) == [f"block{n}" for n in range(1, 6)]
    for name, layers in trunk.stages.items():
        assert f"{name}_conv" in [layer.name for layer in layers]
    assert trunk.model.output_shape == (None, 3, 3, 128)
    assert trunk.core.count_params() < 200_000


def test_pixels_are_scaled_to_minus_one_to_one():
    from extract.architectures.tiny import SPEC

    assert SPEC.scale(np.array([0.0, 127.5, 255.0])).tolist() == [-1.0, 0.0, 1.0]


def test_features_do_not_depend_on_the_batch():
    """Group normalization uses no statistics of the batch, also in training."""
    model = build("tiny", "none", side=48)
    clips = np.random.default_rng(0).integers(0, 256, (4, 1, 48, 48, 3), np.uint8)
    alone = np.concatenate([np.asarray(model(clip[None], training=True)) for clip in clips])
    assert np.allclose(np.asarray(model(clips, training=True)), alone, atol=1e-5)


def test_tiny_has_no_published_weights():
    with pytest.raises(
        UsageError, match="tiny has no published imagenet weights: --backbone-weights"
    ):
        build("tiny", "imagenet")
