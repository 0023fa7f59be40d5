"""Bit-exact `model.save` and `keras.saving.load_model` for every backbone."""

import os

import numpy as np
import pytest

from extract.architectures.registry import BACKBONES, spec_of
from extract.backbones import build
from extract.backbones.heads import weights_sha256
from tests.extract.backbones.test_backbones import FAMILIES, FRAMES, SIDE
from tests.golden.cases import CASES
from training.keras_backend import keras

pytestmark = pytest.mark.slow

# Image networks in full width; clip networks in the sizes of the golden cases, and with
# LOOKBACK_ALL_BACKBONES=1 in full width too.
FULL_WIDTH = (
    tuple(BACKBONES)
    if os.environ.get("LOOKBACK_ALL_BACKBONES")
    else tuple(name for name in FAMILIES if not BACKBONES[name].is_clip_network)
)


def small_clip_network(name: str) -> "keras.Model":
    """Return a golden case with pixel scaling and a classifier: uint8 clips to logits."""
    from extract.architectures.building import from_pixels

    case = CASES[name]
    trunk = from_pixels(spec_of(case.backbone), case.make(case.shape))
    outputs = keras.layers.Dense(5, name="classifier")(trunk.output)
    return keras.Model(trunk.input, outputs)


def random_clips(model: "keras.Model") -> np.ndarray:
    shape = (2, *model.input_shape[1:])
    return np.random.default_rng(3).integers(0, 256, shape, np.uint8)


def names_of(model: "keras.Model") -> list[str]:
    """Return the names of all layers, including those of nested models."""
    names = []
    for layer in model.layers:
        names += [layer.name, *(names_of(layer) if isinstance(layer, keras.Model) else ())]
    return names


def require_same_after_loading(model: "keras.Model", folder) -> None:
    path, clips = folder / "network.keras", random_clips(model)
    model.save(path)
    loaded = keras.saving.load_model(path)  # safe_mode is on: a Lambda would be refused
    assert names_of(loaded) == names_of(model)
    assert weights_sha256(loaded) == weights_sha256(model)
    np.testing.assert_array_equal(np.asarray(loaded(clips)), np.asarray(model(clips)))
    keras.backend.clear_session()


@pytest.mark.parametrize("name", FULL_WIDTH)
def test_full_width_network_is_bit_exact_after_loading(name, tmp_path):
    keras.utils.set_random_seed(0)
    require_same_after_loading(build(name, "none", 5, SIDE, FRAMES.get(name)), tmp_path)


@pytest.mark.parametrize("name", CASES)
def test_small_clip_network_is_bit_exact_after_loading(name, tmp_path):
    keras.utils.set_random_seed(0)
    require_same_after_loading(small_clip_network(name), tmp_path)


def test_every_module_with_backbones_is_covered():
    covered = {spec_of(CASES[name].backbone).make.__module__ for name in CASES}
    covered |= {spec_of(name).make.__module__ for name in FULL_WIDTH}
    assert covered == {spec.make.__module__ for spec in BACKBONES.values()}
