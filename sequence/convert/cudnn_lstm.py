"""Keras 2 models of recurrent layers as today's: `CuDNNLSTM` has become `LSTM`.

    python -m sequence.convert MODEL.h5 --out FILE.weights.h5

The weights file fits any model built from the same layers with `LSTM` for `CuDNNLSTM`:

    model = keras.Sequential([keras.layers.LSTM(64), keras.layers.Dense(2, "softmax")])
    model.build((None, 24, 1024))
    model.load_weights("FILE.weights.h5")

or `convert(path)` gives the model itself. An `LSTM` of the first Keras 2 versions has the recurrent
activation hard_sigmoid, which was another function then: take such a model from `convert`. Of the
old file only arrays and the description in JSON are read, and only the layers below are built.

cuDNN keeps, for each of the gates i, f, c, o, an input matrix (units, inputs), a recurrent matrix
(units, units) and two biases that it adds (NVIDIA, cuDNN API, cudnnRNNMode_t: CUDNN_LSTM). Keras 2
handed it the memory of its own `kernel` as it lay, so that the bytes of a gate's (inputs, units)
part are the matrix (units, inputs).
Parity: tests/sequence/convert/test_cudnn_lstm.py, against these equations in numpy.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from extract.convert.verified_writing import require_ending, write_checked
from sequence.convert.keras2_files import Layer, read_layers
from training.keras_backend import keras
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)

_GATES = 4
_RECURRENT = ("CuDNNLSTM", "LSTM", "Bidirectional")
_ACTIVATIONS = (
    "linear",
    "relu",
    "tanh",
    "sigmoid",
    "softmax",
    "elu",
    "selu",
    "softplus",
    "softsign",
)
_RENAMED = {"swish": "silu", "silu": "silu"}
_MERGES = ("concat", "sum", "mul", "ave")


def convert_file(path: Path, out: Path) -> None:
    """Write the weights of a Keras 2 model as a weights file of today's Keras.

    Raises:
        UsageError: `out` does not end in `.weights.h5`.
        LookbackError: as for `convert`.
    """
    require_ending(out)
    model = convert(path)
    write_checked(model, convert(path), out, str(path))
    _LOG.info(f"{out}: {', '.join(_described(layer) for layer in model.layers)}.")


def convert(path: Path) -> keras.Model:
    """Return the model of a Keras 2 file, float32 (B, T, D) to what its last layer gives.

    Files of weights alone work too, as far as weights show the structure: dense layers are linear
    then, and only recurrent layers that another one follows return sequences.

    Raises:
        LookbackError: the file is damaged, or has layers that are not converted, named.
    """
    layers = read_layers(path)
    if not any(layer.kind for layer in layers):
        layers = _guessed(layers, path)
    if not any(layer.arrays for layer in layers):
        raise LookbackError(f"{path}: has no layer with weights")
    made = [(_build(layer, path), _weights(layer, path)) for layer in layers]
    built = [layer for layer, _ in made if layer is not None]
    try:
        model = keras.Sequential([keras.Input(_input_shape(layers)), *built])
        for layer, weights in made:
            if layer is not None:
                layer.set_weights(weights)
    except (ValueError, TypeError) as error:
        detail = str(error).strip().split("\n")[0][:120]
        raise LookbackError(
            f"{path}: its layers and weights do not fit together ({detail})"
        ) from None
    return model


def from_cudnn(kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray) -> list[np.ndarray]:
    """Return the weights of an LSTM that computes what a CuDNNLSTM did.

    Args:
        kernel: (D, 4 n); the bytes of each gate's part are cuDNN's (n, D).
        recurrent: (n, 4 n), likewise.
        bias: (8 n,), the input's and the recurrent one.

    Returns:
        kernel (D, 4 n), recurrent kernel (n, 4 n), bias (4 n,).
    """
    return [
        np.hstack([_transposed(part) for part in np.hsplit(kernel, _GATES)]),
        np.hstack([_transposed(part) for part in np.hsplit(recurrent, _GATES)]),
        bias[: len(bias) // 2] + bias[len(bias) // 2 :],
    ]


def _transposed(part: np.ndarray) -> np.ndarray:
    inputs, units = part.shape
    return np.ascontiguousarray(part).reshape(units, inputs).T


def _hard_sigmoid(x):
    """Keras 2's, which is steeper than today's."""
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def _build(layer: Layer, path: Path) -> keras.layers.Layer | None:
    if layer.kind not in _BUILDERS:
        raise LookbackError(
            f"{path}: the layer {layer.name} is a {layer.kind}, which is not converted (these are: "
            f"{', '.join(_BUILDERS)})"
        )
    try:
        return _BUILDERS[layer.kind](layer, path)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        detail = str(error).strip().split("\n")[0][:100]
        raise LookbackError(f"{path}: the layer {layer.name} is damaged ({detail})") from None


def _lstm(layer: Layer, path: Path) -> keras.layers.Layer:
    config = layer.config
    for unusual in ("stateful", "return_state"):
        if config.get(unusual):
            raise LookbackError(f"{path}: {layer.name} is {unusual}, which is not converted")
    kernel, recurrent, *bias = layer.arrays
    units = recurrent.shape[0]
    cudnn = layer.kind == "CuDNNLSTM"
    biases = 2 * _GATES if cudnn else _GATES
    fits = len(bias) in ((1,) if cudnn else (0, 1))
    fits &= recurrent.shape == (units, _GATES * units) and kernel.shape[1:] == (_GATES * units,)
    if not fits or any(part.shape != (biases * units,) for part in bias):
        raise ValueError(f"arrays of {[part.shape for part in layer.arrays]}")
    return keras.layers.LSTM(
        _agreed(config, "units", units),
        activation=_activation(config.get("activation", "tanh"), layer, path),
        recurrent_activation=_activation(
            config.get("recurrent_activation", "sigmoid"), layer, path
        ),
        use_bias=bool(bias),
        return_sequences=bool(config.get("return_sequences")),
        go_backwards=bool(config.get("go_backwards")),
        dropout=float(config.get("dropout", 0)),
        recurrent_dropout=float(config.get("recurrent_dropout", 0)),
    )


def _bidirectional(layer: Layer, path: Path) -> keras.layers.Layer:
    merge = layer.config.get("merge_mode", "concat")
    if merge not in _MERGES:
        raise ValueError(f"merge_mode {merge}")
    forwards, _ = [_lstm(part, path) for part in _directions(layer)]
    return keras.layers.Bidirectional(forwards, merge_mode=merge)


def _directions(layer: Layer) -> list[Layer]:
    """Return what a Bidirectional layer runs forwards and backwards."""
    inner = layer.config["layer"]
    if inner["class_name"] not in ("CuDNNLSTM", "LSTM"):
        raise ValueError(f"{inner['class_name']} in both directions")
    half = len(layer.arrays) // 2
    parts = (layer.arrays[:half], layer.arrays[half:])
    return [Layer(layer.name, str(inner["class_name"]), inner["config"], part) for part in parts]


def _dense(layer: Layer, path: Path) -> keras.layers.Layer:
    return keras.layers.Dense(
        _agreed(layer.config, "units", layer.arrays[0].shape[1]),
        activation=_activation(layer.config.get("activation", "linear"), layer, path),
        use_bias=len(layer.arrays) > 1,
    )


def _normalisation(layer: Layer, path: Path) -> keras.layers.Layer:
    axis = layer.config.get("axis", -1)
    return keras.layers.BatchNormalization(
        axis=int(axis[0] if isinstance(axis, list) else axis),
        momentum=float(layer.config.get("momentum", 0.99)),
        epsilon=float(layer.config.get("epsilon", 1e-3)),
        center=bool(layer.config.get("center", True)),
        scale=bool(layer.config.get("scale", True)),
    )


# From the class in the file to a function that builds it; None passes data on as they are.
_BUILDERS: dict[str, Callable[[Layer, Path], keras.layers.Layer | None]] = {
    "InputLayer": lambda layer, path: None,
    "CuDNNLSTM": _lstm,
    "LSTM": _lstm,
    "Bidirectional": _bidirectional,
    "Dropout": lambda layer, path: keras.layers.Dropout(float(layer.config["rate"])),
    "Dense": _dense,
    "Activation": lambda layer, path: keras.layers.Activation(
        _activation(layer.config["activation"], layer, path)
    ),
    "Flatten": lambda layer, path: keras.layers.Flatten(),
    "BatchNormalization": _normalisation,
}


def _agreed(config: dict, key: str, found: int) -> int:
    """Return a size as the arrays have it, which must be what the description says."""
    if config.get(key, found) != found:
        raise ValueError(f"{key} {config[key]}, but arrays for {found}")
    return found


def _activation(name: object, layer: Layer, path: Path) -> str | Callable:
    if name == "hard_sigmoid":
        return _hard_sigmoid
    if name == "swish":
        return "silu"
    if name not in _ACTIVATIONS:
        raise LookbackError(
            f"{path}: the layer {layer.name} has the activation {name}, which is not converted"
        )
    return name


def _weights(layer: Layer, path: Path) -> list[np.ndarray]:
    if layer.kind == "Bidirectional":
        return [array for part in _directions(layer) for array in _weights(part, path)]
    if layer.kind == "CuDNNLSTM":
        return from_cudnn(*layer.arrays)
    return list(layer.arrays)


def _input_shape(layers: list[Layer]) -> tuple[int | None, ...]:
    """Return the shape of one input, as the file says or as the first weights show."""
    for key in ("batch_input_shape", "batch_shape"):
        if layers[0].config.get(key):
            return tuple(layers[0].config[key][1:])
    first = next(layer for layer in layers if layer.arrays)
    return (None, first.arrays[0].shape[0])


def _guessed(layers: list[Layer], path: Path) -> list[Layer]:
    """Return the layers that have arrays, with the class that these show."""
    layers = [layer for layer in layers if layer.arrays]
    kinds = [_kind(layer, path) for layer in layers]
    made = []
    for number, (layer, kind) in enumerate(zip(layers, kinds, strict=True)):
        followed = any(later in _RECURRENT for later in kinds[number + 1 :])
        config = {"return_sequences": followed} if kind in _RECURRENT else {}
        if kind == "Bidirectional":
            inner = _kind(Layer(layer.name, "", {}, layer.arrays[: len(layer.arrays) // 2]), path)
            config = {"layer": {"class_name": inner, "config": config}}
        made.append(Layer(layer.name, kind, config, layer.arrays))
    return made


def _kind(layer: Layer, path: Path) -> str:
    shapes = [array.shape for array in layer.arrays]
    match [len(shape) for shape in shapes]:
        case [2, 2, 1, 2, 2, 1]:
            return "Bidirectional"
        case [2, 2, 1] if shapes[1][1:] == (_GATES * shapes[1][0],):
            return "CuDNNLSTM" if shapes[2] == (2 * shapes[1][1],) else "LSTM"
        case [2, 1] | [2]:
            return "Dense"
        case [1, 1, 1, 1]:
            return "BatchNormalization"
    raise LookbackError(
        f"{path}: what the layer {layer.name} is does not show in weights alone {shapes}; convert "
        "the file of the whole model"
    )


def _described(layer: keras.layers.Layer) -> str:
    units = getattr(layer, "units", None)
    inner = f"({_described(layer.forward_layer)})" if hasattr(layer, "forward_layer") else ""
    return f"{type(layer).__name__}{f'({units})' if units else inner}"
