"""Cost per layer against hand-computed figures, and the figures of the specs."""

import os

import pytest

from extract.architectures.registry import BACKBONES, spec_of

# One network per family; LOOKBACK_ALL_BACKBONES=1 adds all others.
MEASURED = (
    tuple(BACKBONES)
    if os.environ.get("LOOKBACK_ALL_BACKBONES")
    else (
        "tiny",
        "vgg16",
        "mobilenet_025",
        "efficientnet_b0",
        "x3d_s",
        "efficient_x3d_s",
        "i3d",
        "r2plus1d_18",
        "slowfast_r50",
    )
)


@pytest.fixture
def small_network():
    from extract.architectures.conv3d_layers import conv, depthwise, norm
    from training.keras_backend import keras

    inputs = keras.Input((4, 8, 8, 3))
    x = conv(inputs, 16, (3, 3, 3), "first", (1, 2, 2))
    x = norm(x, "second")
    x = depthwise(x, (3, 1, 1), "third")
    x = keras.layers.GlobalAveragePooling3D(name="fourth")(x)
    inner = keras.Model(inputs, x)
    outputs = keras.layers.Dense(10, name="last")(inner.output)
    return keras.Model(inputs, outputs)


def test_layer_costs_equal_hand_computed_figures(small_network):
    from extract.architectures.costs import gflops, layer_costs, trainable_parameters

    costs = {cost.name: cost for cost in layer_costs(small_network)}
    first, second, third, last = (costs[name] for name in ("first", "second", "third", "last"))
    assert first.shape == (4, 4, 4, 16)
    assert (first.parameters, first.trainable) == (27 * 3 * 16, 27 * 3 * 16)
    assert first.macs == 64 * 27 * 3 * 16
    assert first.activation_bytes == 4 * 64 * 16
    assert (second.parameters, second.trainable) == (4 * 16, 2 * 16)  # two are batch statistics
    assert (third.parameters, third.macs) == (3 * 16, 64 * 3 * 16)
    assert (last.parameters, last.macs) == (170, 160)
    assert costs["fourth"].macs == 0
    assert trainable_parameters(small_network) == sum(cost.trainable for cost in costs.values())
    assert gflops(small_network) == sum(cost.macs for cost in costs.values()) / 1e9


def test_layer_costs_expands_nested_models(small_network):
    from extract.architectures.costs import layer_costs
    from training.keras_backend import keras

    inputs = keras.Input(small_network.input_shape[1:])
    nested = keras.Model(inputs, keras.layers.Dense(2, name="outer")(small_network(inputs)))
    names = [cost.name for cost in layer_costs(nested)]
    assert names == [cost.name for cost in layer_costs(small_network)] + ["outer"]


@pytest.mark.parametrize("name", MEASURED)
def test_costs_equal_those_of_the_spec(name):
    from extract.architectures.building import with_classifier
    from extract.architectures.costs import gflops, trainable_parameters
    from extract.backbones import build_trunk
    from training.keras_backend import keras

    spec = spec_of(name)
    core = build_trunk(name, "none").core
    assert core.output_shape[-1] == spec.feature_size
    model = with_classifier(core, spec, spec.classes) if spec.is_clip_network else core
    assert trainable_parameters(model) == spec.parameters
    assert gflops(model) == pytest.approx(spec.gflops, abs=6e-4)
    keras.backend.clear_session()


# Published parameters and GFLOPs: torchvision (R2Plus1D_18_Weights), PySlowFast's model zoo (X3D),
# Feichtenhofer et al. 2019 (Slow and SlowFast cost 54.5 and 65.7 at 256 pixels: 1.31 times).
@pytest.mark.parametrize(
    ("name", "millions", "gflops"),
    [
        ("r2plus1d_18", 31.505, 40.519),
        ("x3d_xs", 3.8, 0.60),
        ("x3d_s", 3.8, 1.96),
        ("x3d_m", 3.8, 4.73),
        ("x3d_l", 6.2, 18.37),
        ("slow_r50", 32.45, 54.52 / 1.306),
        ("slowfast_r50", 34.57, 65.71 / 1.306),
    ],
)
def test_spec_costs_equal_the_published_ones(name, millions, gflops):
    spec = spec_of(name)
    assert spec.parameters / 1e6 == pytest.approx(millions, rel=0.01)
    assert spec.gflops == pytest.approx(gflops, rel=0.01)


def test_recurrent_layers_count_every_step():
    from extract.architectures.costs import layer_costs
    from training.keras_backend import keras

    inputs = keras.Input((5, 6))
    both = keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True))(inputs)
    model = keras.Model(inputs, keras.layers.GRU(3)(both))
    macs = {cost.kind: cost.macs for cost in layer_costs(model)}
    # Four gates of an LSTM, three of a GRU, each with weights for inputs and state; five steps.
    assert macs == {"Bidirectional": 2 * 5 * 4 * (6 * 4 + 4 * 4), "GRU": 5 * 3 * (8 * 3 + 3 * 3)}
