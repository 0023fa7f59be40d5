"""A network is cut where one tensor carries everything, and its two parts are the whole again."""

from math import prod

import numpy as np
import pytest

from extract.architectures.building import from_pixels, stages_of
from extract.architectures.registry import spec_of
from extract.architectures.spec import BackboneSpec, Trunk
from extract.backbones import build_trunk
from extract.backbones.heads import classifier_network
from extract.finetuning.frozen_trunk import FrozenTrunk, cut_of, frozen_part, trained_part
from extract.finetuning.schedule import set_trainable
from recipes.schema import Network
from tests.golden.cases import CASES, built
from training.keras_backend import keras

# Where the last frozen layer with weights is the end of the stage before; the smallest tensor on
# the way to what trains: behind a pool, before a padding.
CUTS = {
    "r2plus1d": {0: (24,), 1: (2, 5, 5, 16), 3: (6, 18, 18, 8), 5: None},
    "x3d": {0: (2048,), 1: (5, 2, 2, 192), 2: (5, 3, 3, 96), 6: None},
    "efficient_x3d": {2: (4, 3, 3, 96)},
    "i3d": {0: (1024,), 1: (3, 2, 2, 832)},
    "slow": {1: (4, 3, 3, 128), 4: (4, 10, 10, 8)},
    # Two pathways lead on from every stage but the last.
    "slowfast": {0: (576,), 1: None, 4: None},
    # These small ones have two blocks of twelve.
    "videomae": {0: (32,), 1: (32,), 12: (18, 32), 13: (18, 32), 14: None},
    # The class token and the patches are one tensor in the perceptron, two everywhere else.
    "timesformer": {0: (32,), 1: (32,), 12: (13, 32), 13: (3, 4, 32), 14: None},
    "tiny": {0: (128,), 1: (2, 2, 96), 4: (16, 16, 16), 5: None},
    "efficientnet_b0": {0: (1280,), 1: (1, 1, 320), 2: (1, 1, 192), 9: None},
}


def network(name: str, pooling: str = "avg") -> tuple[BackboneSpec, Trunk, keras.Model]:
    if name in CASES:
        spec, core = spec_of(CASES[name].backbone), built(name)
        trunk = Trunk(from_pixels(spec, core), core, stages_of(spec, core))
    else:
        spec, trunk = spec_of(name), build_trunk(name, "none", 32)
    head = Network(pooling=pooling, features=8, dropout=0.5, hidden=(), one_logit=False)
    return spec, trunk, classifier_network(trunk, head, 3)


def train_last(trunk: Trunk, stages: int) -> None:
    names = list(trunk.stages)
    set_trainable(trunk, set(names[len(names) - stages :]), freeze_batch_norm=False)


def clips_for(model: keras.Model, count: int = 2) -> np.ndarray:
    shape = (count, *model.input_shape[1:])
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("name", CUTS)
def test_both_parts_one_after_the_other_are_the_whole_network(name):
    spec, trunk, model = network(name)
    clips = clips_for(model)
    whole = keras.ops.convert_to_numpy(model(clips))
    for stages, shape in CUTS[name].items():
        train_last(trunk, stages)
        cut = cut_of(model, trunk)
        if shape is None:
            assert cut is None, stages
            continue
        assert tuple(cut.shape[1:]) == shape
        below, behind = frozen_part(model, trunk, spec, cut), trained_part(model, trunk, cut)
        vectors = keras.ops.convert_to_numpy(below(clips))
        assert vectors.shape == (2, prod(shape))
        assert vectors.dtype == np.float32
        logits = keras.ops.convert_to_numpy(behind(vectors.reshape(2, *shape)))
        np.testing.assert_allclose(logits, whole, rtol=1e-5, atol=1e-6 * np.abs(whole).max())
        # Every weight that trains lies behind the cut, in the very variables of the network.
        assert not below.trainable_variables
        assert list(map(id, behind.trainable_variables)) == list(map(id, model.trainable_variables))
    keras.backend.clear_session()


def test_where_a_lower_stage_trains_nothing_above_it_can_be_laid_aside():
    _, trunk, model = network("tiny")
    set_trainable(trunk, {"block3"}, freeze_batch_norm=False)
    assert tuple(cut_of(model, trunk).shape[1:]) == (8, 8, 32)
    set_trainable(trunk, {"block1"}, freeze_batch_norm=False)
    assert cut_of(model, trunk) is None


@pytest.mark.parametrize(("pooling", "shape"), [("avg", (128,)), ("flatten", (128,))])
def test_what_follows_the_last_weights_without_any_of_its_own_is_laid_aside_too(pooling, shape):
    _, trunk, model = network("tiny", pooling)
    train_last(trunk, 0)
    assert cut_of(model, trunk) is model.get_layer("pooling").output
    assert tuple(cut_of(model, trunk).shape[1:]) == shape


def test_the_same_layers_frozen_are_cut_at_the_same_tensor():
    _, trunk, model = network("tiny")
    train_last(trunk, 2)
    first = cut_of(model, trunk)
    train_last(trunk, 1)
    assert cut_of(model, trunk) is not first
    train_last(trunk, 2)
    assert cut_of(model, trunk) is first


def test_a_frozen_trunk_leaves_nothing_out_by_chance():
    """Keras drops whole blocks of EfficientNet in training, frozen or not; below the cut no longer.
    In stages that train it goes on."""
    keras.utils.set_random_seed(0)
    spec, trunk, model = network("efficientnet_b0")
    train_last(trunk, 3)
    cut = cut_of(model, trunk)
    below, behind = frozen_part(model, trunk, spec, cut), trained_part(model, trunk, cut)
    frozen, clips = FrozenTrunk(below, cut, "keras"), clips_for(model, 8)
    first = frozen(clips)
    assert first.shape == (8, *cut.shape[1:])
    np.testing.assert_array_equal(frozen(clips), first)
    noisy = [np.asarray(below(clips, training=True)).reshape(first.shape) for _ in range(2)]
    assert np.abs(noisy[0] - noisy[1]).max() > 0.01 * np.abs(first).max()
    states = set(map(id, behind.variables))
    layers = [*trunk.core.layers, *model.layers]
    drops = [layer for layer in layers if isinstance(layer, keras.layers.Dropout)]
    assert len(drops) == 10
    behind_the_cut = {layer.name for layer in drops if id(layer.seed_generator.state) in states}
    assert behind_the_cut == {"block6b_drop", "block6c_drop", "block6d_drop", "dropout"}


@pytest.mark.parametrize("count", [0, 1, 5, 11])
def test_activations_are_those_of_keras_for_any_number_of_clips(count):
    spec, trunk, model = network("tiny")
    train_last(trunk, 1)
    cut = cut_of(model, trunk)
    below = frozen_part(model, trunk, spec, cut)
    frozen, clips = FrozenTrunk(below, cut, "keras"), clips_for(model, count)
    assert frozen.shape == (2, 2, 96)
    assert frozen.engine == "keras"
    found = frozen(clips)
    assert found.shape == (count, 2, 2, 96)
    if count:
        wanted = np.asarray(below(clips)).reshape(found.shape)
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
