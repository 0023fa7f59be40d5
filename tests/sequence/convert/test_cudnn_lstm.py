"""Parity of converted CuDNNLSTM layers with cuDNN's equations in numpy, and refused files."""

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from sequence.convert.__main__ import main
from sequence.convert.cudnn_lstm import convert, from_cudnn
from training.keras_backend import keras
from video.errors import LookbackError, UsageError

ROOT = Path(__file__).resolve().parents[3]

STEPS, WIDTH, UNITS = 6, 5, 4


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def cudnn_lstm(inputs: np.ndarray, kernel, recurrent, bias) -> np.ndarray:
    """Return the hidden states (T, n) as cuDNN computes them from the memory that Keras 2 gave it.

    h' = o * tanh(c'), c' = f * c + i * g, and each gate is W x + R h + b_W + b_R. cuDNN reads a
    gate's W as (n, D) and its R as (n, n), row after row.
    """
    units, width = recurrent.shape[0], kernel.shape[0]
    input_matrices = [part.ravel().reshape(units, width) for part in np.hsplit(kernel, 4)]
    recurrent_matrices = [part.ravel().reshape(units, units) for part in np.hsplit(recurrent, 4)]
    biases = bias.reshape(2, 4, units)
    hidden, cell, states = np.zeros(units), np.zeros(units), []
    for x in inputs:
        i, f, g, o = (
            input_matrices[gate] @ x
            + recurrent_matrices[gate] @ hidden
            + biases[0, gate]
            + biases[1, gate]
            for gate in range(4)
        )
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        hidden = sigmoid(o) * np.tanh(cell)
        states.append(hidden)
    return np.array(states)


def random_arrays(*shapes: tuple[int, ...], seed: int = 0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.normal(0, 0.5, shape).astype("float32") for shape in shapes]


def cudnn_weights(width: int = WIDTH, units: int = UNITS, seed: int = 0) -> list[np.ndarray]:
    return random_arrays((width, 4 * units), (units, 4 * units), (8 * units,), seed=seed)


def write_model(
    path: Path, layers: list[tuple[str, dict, list]], whole: bool = True, functional: bool = False
) -> Path:
    """Write a file as Keras 2 does: layers of (class, config, arrays)."""
    described = []
    with h5py.File(path, "w") as file:
        group = file.create_group("model_weights") if whole else file
        names = [f"{kind.lower()}_{number}" for number, (kind, _, _) in enumerate(layers)]
        group.attrs["layer_names"] = [name.encode() for name in names]
        for name, (kind, config, arrays) in zip(names, layers, strict=True):
            described.append({"class_name": kind, "config": {"name": name, **config}})
            layer = group.create_group(name)
            keys = [f"{name}/weight_{number}:0" for number in range(len(arrays))]
            layer.attrs["weight_names"] = [key.encode() for key in keys]
            for key, array in zip(keys, arrays, strict=True):
                layer[key] = array
        if whole:
            if functional:
                for before, layer in zip([None, *names], described, strict=False):
                    layer["inbound_nodes"] = [[[before, 0, 0, {}]]] if before else []
            model = {
                "class_name": "Model" if functional else "Sequential",
                "config": {"name": "model", "layers": described},
            }
            file.attrs["model_config"] = json.dumps(model).encode()
    return path


def computed(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(inputs[None], training=False))[0]


def notebook_model(second: int = 3) -> list[tuple[str, dict, list]]:
    """Return a typical model of a notebook: two recurrent layers, dropout, a classifier."""
    shape = {"batch_input_shape": [None, STEPS, WIDTH]}
    return [
        (
            "CuDNNLSTM",
            {"units": UNITS, "return_sequences": True, **shape},
            cudnn_weights(),
        ),
        ("Dropout", {"rate": 0.5}, []),
        (
            "CuDNNLSTM",
            {"units": second, "return_sequences": False},
            cudnn_weights(UNITS, second, seed=1),
        ),
        (
            "Dense",
            {"units": 2, "activation": "softmax", "use_bias": True},
            random_arrays((second, 2), (2,), seed=2),
        ),
    ]


def notebook_probabilities(inputs: np.ndarray, layers: list) -> np.ndarray:
    last = cudnn_lstm(cudnn_lstm(inputs, *layers[0][2]), *layers[2][2])[-1]
    logits = last @ layers[3][2][0] + layers[3][2][1]
    return np.exp(logits) / np.exp(logits).sum()


@pytest.mark.parametrize(("width", "units"), [(5, 4), (4, 4), (3, 8), (1, 1)])
def test_from_cudnn_gives_the_states_of_cudnn(width, units):
    weights, (inputs,) = cudnn_weights(width, units), random_arrays((STEPS, width), seed=3)
    layer = keras.layers.LSTM(units, return_sequences=True)
    layer.build((None, STEPS, width))
    layer.set_weights(from_cudnn(*weights))
    states = keras.ops.convert_to_numpy(layer(inputs[None]))[0]
    np.testing.assert_allclose(states, cudnn_lstm(inputs, *weights), atol=1e-6)


@pytest.mark.parametrize("functional", [False, True])
def test_a_converted_model_gives_the_same_probabilities(tmp_path, functional):
    layers, (inputs,) = notebook_model(), random_arrays((STEPS, WIDTH), seed=3)
    path = write_model(tmp_path / "model.h5", layers, functional=functional)
    model = convert(path)
    assert model.input_shape == (None, STEPS, WIDTH)
    expected = notebook_probabilities(inputs, layers)
    np.testing.assert_allclose(computed(model, inputs), expected, atol=1e-6)


def test_the_weights_file_can_be_loaded_into_an_equal_model(tmp_path, capsys):
    layers, (inputs,) = notebook_model(), random_arrays((STEPS, WIDTH), seed=3)
    path, out = write_model(tmp_path / "model.h5", layers), tmp_path / "a.weights.h5"
    assert main([str(path), "--out", str(out)]) == 0
    assert "LSTM(4), Dropout, LSTM(3), Dense(2)." in capsys.readouterr().out
    model = keras.Sequential(
        [
            keras.layers.LSTM(UNITS, return_sequences=True),
            keras.layers.Dropout(0.5),
            keras.layers.LSTM(3),
            keras.layers.Dense(2, "softmax"),
        ]
    )
    model.build((None, STEPS, WIDTH))
    model.load_weights(out)
    expected = notebook_probabilities(inputs, layers)
    np.testing.assert_allclose(computed(model, inputs), expected, atol=1e-6)


def test_layers_are_inferred_from_a_file_of_weights(tmp_path):
    layers, (inputs,) = notebook_model(), random_arrays((9, WIDTH), seed=3)
    model = convert(write_model(tmp_path / "weights.h5", layers, whole=False))
    logits = computed(model, inputs)
    odds = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(odds, notebook_probabilities(inputs, layers), atol=1e-6)


@pytest.mark.parametrize("whole", [True, False])
def test_bidirectional_layers(tmp_path, whole):
    forwards, backwards = cudnn_weights(), cudnn_weights(seed=4)
    inner = {"class_name": "CuDNNLSTM", "config": {"units": UNITS, "return_sequences": False}}
    config = {"layer": inner, "merge_mode": "concat"}
    layers = [("Bidirectional", config, [*forwards, *backwards])]
    (inputs,) = random_arrays((STEPS, WIDTH), seed=3)
    model = convert(write_model(tmp_path / "model.h5", layers, whole))
    expected = [cudnn_lstm(inputs, *forwards)[-1], cudnn_lstm(inputs[::-1], *backwards)[-1]]
    np.testing.assert_allclose(computed(model, inputs), np.concatenate(expected), atol=1e-6)


def test_a_plain_lstm_keeps_the_hard_sigmoid_of_keras_2(tmp_path):
    kernel, recurrent, bias = random_arrays((WIDTH, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,))
    (inputs,) = random_arrays((STEPS, WIDTH), seed=3)
    for name, gate in (
        ("sigmoid", sigmoid),
        ("hard_sigmoid", lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
    ):
        config = {"units": UNITS, "activation": "tanh", "recurrent_activation": name}
        path = write_model(tmp_path / "model.h5", [("LSTM", config, [kernel, recurrent, bias])])
        hidden, cell = np.zeros(UNITS), np.zeros(UNITS)
        for x in inputs:
            i, f, g, o = np.split(x @ kernel + hidden @ recurrent + bias, 4)
            cell = gate(f) * cell + gate(i) * np.tanh(g)
            hidden = gate(o) * np.tanh(cell)
        np.testing.assert_allclose(computed(convert(path), inputs), hidden, atol=1e-6)


def test_batch_normalization_and_flatten(tmp_path):
    statistics = [*random_arrays((UNITS,), (UNITS,), (UNITS,)), np.array([1, 2, 3, 4], "float32")]
    (dense,) = random_arrays((STEPS * UNITS, 2), seed=5)
    layers = [
        ("InputLayer", {"batch_input_shape": [None, STEPS, WIDTH]}, []),
        ("CuDNNLSTM", {"units": UNITS, "return_sequences": True}, cudnn_weights()),
        ("BatchNormalization", {"axis": [2], "epsilon": 0.01}, statistics),
        ("Activation", {"activation": "relu"}, []),
        ("Flatten", {}, []),
        ("Dense", {"units": 2, "activation": "linear", "use_bias": False}, [dense]),
    ]
    (inputs,) = random_arrays((STEPS, WIDTH), seed=3)
    gamma, beta, mean, variance = statistics
    states = cudnn_lstm(inputs, *cudnn_weights())
    scaled = np.maximum((states - mean) / np.sqrt(variance + 0.01) * gamma + beta, 0)
    model = convert(write_model(tmp_path / "model.h5", layers))
    np.testing.assert_allclose(computed(model, inputs), scaled.ravel() @ dense, atol=1e-5)


LSTM = ("CuDNNLSTM", {"units": UNITS}, cudnn_weights())
NOT_CONVERTED = {
    "code": ([LSTM, ("Lambda", {"function": ["4wEAAA==", None, None]}, [])], "is a Lambda"),
    "of the user": ([("Attention42", {}, []), LSTM], "is a Attention42"),
    "gru": ([("CuDNNGRU", {"units": 2}, random_arrays((5, 6), (2, 6), (12,)))], "is a CuDNNGRU"),
    "nested": ([("Sequential", {"layers": []}, []), LSTM], "is a Sequential"),
    "activation": (
        [("Dense", {"units": 2, "activation": "my_fn"}, random_arrays((5, 2), (2,)))],
        "has the activation my_fn",
    ),
    "activation of a kind": (
        [("Dense", {"units": 2, "activation": {"class_name": "L"}}, random_arrays((5, 2), (2,)))],
        "which cannot be converted",
    ),
    "stateful": ([("CuDNNLSTM", {"units": 4, "stateful": True}, cudnn_weights())], "stateful"),
    "two outputs": ([("CuDNNLSTM", {"return_state": True}, cudnn_weights())], "return_state"),
    "other units": (
        [("CuDNNLSTM", {"units": 5}, cudnn_weights())],
        "units is 5, but the arrays have 4",
    ),
    "no arrays": ([LSTM, ("CuDNNLSTM", {"units": 4}, [])], "cudnnlstm_1 is damaged"),
    "single bias": ([("CuDNNLSTM", {}, random_arrays((5, 16), (4, 16), (16,)))], "is damaged"),
    "two arrays": ([("CuDNNLSTM", {}, random_arrays((5, 16), (4, 16)))], "is damaged"),
    "gru in both directions": (
        [
            (
                "Bidirectional",
                {"layer": {"class_name": "GRU", "config": {}}},
                random_arrays((5, 6), (2, 6)),
            )
        ],
        "a bidirectional GRU",
    ),
    "widths": ([LSTM, ("CuDNNLSTM", {}, cudnn_weights(7, 3))], "do not fit"),
}


@pytest.mark.parametrize(("layers", "message"), NOT_CONVERTED.values(), ids=NOT_CONVERTED.keys())
def test_layers_that_cannot_be_converted_are_named(tmp_path, layers, message):
    path = write_model(tmp_path / "model.h5", layers)
    with pytest.raises(LookbackError, match=message) as error:
        convert(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def error_of(path: Path) -> str:
    with pytest.raises(LookbackError) as error:
        convert(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    return str(error.value)


def test_weights_whose_layers_cannot_be_inferred(tmp_path):
    layers = [("CuDNNGRU", {}, random_arrays((5, 6), (2, 6), (12,)))]
    path = write_model(tmp_path / "model.h5", layers, whole=False)
    assert "cannot infer the class" in error_of(path)
    path = write_model(tmp_path / "empty.h5", [("Dropout", {}, [])], whole=False)
    assert "no layer with weights" in error_of(path)


def test_layers_that_branch_are_refused(tmp_path):
    path = write_model(tmp_path / "model.h5", notebook_model(), functional=True)
    with h5py.File(path, "r+") as file:
        model = json.loads(file.attrs["model_config"])
        model["config"]["layers"][2]["inbound_nodes"] = [[["cudnnlstm_0", 0, 0, {}]]]
        file.attrs["model_config"] = json.dumps(model)
    assert "branch at cudnnlstm_2" in error_of(path)


@pytest.mark.parametrize(
    "config",
    ["{", "[]", "null", "3", "{}", '{"class_name": "Sequential", "config": 3}', "[" * 50_000],
    ids=["cut", "list", "null", "number", "empty", "no layers", "nested"],
)
def test_a_damaged_description_is_an_error_of_one_line(tmp_path, config):
    path = write_model(tmp_path / "model.h5", notebook_model())
    with h5py.File(path, "r+") as file:
        del file.attrs["model_config"]
        file.attrs["model_config"] = config.encode()
    assert "damaged" in error_of(path) or "cannot be read as an HDF5 file" in error_of(path)


def test_other_files_are_errors_of_one_line(tmp_path):
    assert "there is no such file" in error_of(tmp_path / "gone.h5")
    (tmp_path / "a.h5").write_text("hello")
    assert "cannot be read as an HDF5 file" in error_of(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w"):
        pass
    assert "contains no layers of Keras 2" in error_of(tmp_path / "b.h5")
    model = keras.Sequential([keras.Input((3, 2)), keras.layers.LSTM(2)])
    model.save_weights(tmp_path / "c.weights.h5")
    assert "already a weights file of Keras 3" in error_of(tmp_path / "c.weights.h5")
    content = write_model(tmp_path / "d.h5", notebook_model()).read_bytes()
    (tmp_path / "d.h5").write_bytes(content[: len(content) // 2])
    assert "cannot be read as an HDF5 file" in error_of(tmp_path / "d.h5")


def test_arrays_in_other_files_are_refused(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = cudnn_weights()[0]
    path = write_model(tmp_path / "model.h5", [LSTM])
    with h5py.File(path, "r+") as file:
        layer = file["model_weights/cudnnlstm_0"]
        del layer["cudnnlstm_0/weight_0:0"]
        layer["cudnnlstm_0/weight_0:0"] = h5py.ExternalLink(tmp_path / "other.h5", "secret")
    assert "is stored in another file" in error_of(path)


def test_split_lists_of_names_are_joined(tmp_path):
    path = write_model(tmp_path / "model.h5", notebook_model())
    with h5py.File(path, "r+") as file:
        group = file["model_weights"]
        names = group.attrs["layer_names"]
        del group.attrs["layer_names"]
        group.attrs["layer_names0"], group.attrs["layer_names1"] = names[:1], names[1:]
    assert len(convert(path).layers) == 4


def test_the_output_must_end_in_weights_h5(tmp_path):
    with pytest.raises(UsageError, match=r"ends in \.weights\.h5"):
        main([str(tmp_path / "model.h5"), "--out", str(tmp_path / "a.h5")])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "MODEL.h5"),
        (["a.h5"], "--out"),
        (["a.weights.h5", "--out", "a.weights.h5"], "the model file itself"),
        (["a.h5", "--out", "b.weights.h5", "--labels", "c"], "unrecognized"),
    ],
)
def test_a_wrong_command_is_a_usage_error(arguments, message):
    with pytest.raises(UsageError) as error:
        main(arguments)
    assert message in str(error.value)


def test_help_and_mistakes_import_no_framework():
    code = (
        "import sys; from sequence.convert.__main__ import main\n"
        "for arguments in (['--help'], []):\n"
        "    try: main(arguments)\n"
        "    except BaseException: pass\n"
        "assert not {'keras', 'tensorflow', 'torch', 'h5py'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
