"""Conversion of Keras 2 recurrent models to Keras 3, where `LSTM` replaces `CuDNNLSTM`.

    python -m sequence.convert MODEL.h5 --out FILE.weights.h5

The weights file fits any model with the same layers, with `LSTM` instead of `CuDNNLSTM`:

    model = keras.Sequential([keras.layers.LSTM(64), keras.layers.Dense(2, "softmax")])
    model.build((None, 24, 1024))
    model.load_weights("FILE.weights.h5")

`convert(path)` returns the model itself. Use it for an `LSTM` with the recurrent activation
hard_sigmoid, the default of the first Keras 2 versions: Keras 3 defines that function differently.
The converter reads only arrays and the JSON description, and builds only the layers below.

For each of the gates i, f, c, o, cuDNN has an input matrix (units, inputs), a recurrent matrix
(units, units) and two biases, which it adds (NVIDIA, cuDNN API, cudnnRNNMode_t: CUDNN_LSTM).
Keras 2 passed the memory of its `kernel` to cuDNN without a transpose. The bytes of a gate's part
(inputs, units) are therefore the matrix (units, inputs).
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
_MERGES = ("concat", "sum", "mul", "ave")


def convert_file(path: Path, out: Path) -> None:
    """Write the weights of a Keras 2 model as a weights file of Keras 3.

    Args:
        path: Model or weights file of Keras 1 or 2.
        out: File to write.

    Raises:
        UsageError: `out` does not end in `.weights.h5`.
        LookbackError: The file cannot be converted, see `convert`.
    """
    require_ending(out)
    model = convert(path)
    write_checked(model, convert(path), out, str(path))
    _LOG.info(f"{out}: {', '.join(_described(layer) for layer in model.layers)}.")


def convert(path: Path) -> keras.Model:
    """Return the model of a Keras 2 file, from float32 (B, T, D) to the output of its last layer.

    For a file of weights the layers are inferred from the shapes. Dense layers are then linear, and
    a recurrent layer returns sequences if another recurrent layer follows.

    Args:
        path: Model or weights file of Keras 1 or 2.

    Raises:
        LookbackError: The file is damaged, or has a layer that cannot be converted, which the
            message names.
    """
    layers = read_layers(path)
    if not any(layer.kind for layer in layers):
        layers = _inferred(layers, path)
    if not any(layer.arrays for layer in layers):
        raise LookbackError(f"{path}: has no layer with weights")
    pairs = [(_build(layer, path), _weights(layer, path)) for layer in layers]
    built = [layer for layer, _ in pairs if layer is not None]
    try:
        model = keras.Sequential([keras.Input(_input_shape(layers)), *built])
        for layer, weights in pairs:
            if layer is not None:
                layer.set_weights(weights)
    except (ValueError, TypeError) as error:
        detail = str(error).strip().split("\n")[0][:120]
        raise LookbackError(
            f"{path}: the shapes of its layers and weights do not fit together ({detail})"
        ) from None
    return model


def from_cudnn(kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray) -> list[np.ndarray]:
    """Return the weights of an LSTM that is equivalent to a CuDNNLSTM.

    Args:
        kernel: Input kernel (D, 4 n), where the bytes of each gate's part are a matrix (n, D).
        recurrent: Recurrent kernel (n, 4 n), where the bytes of each gate's part are a transposed
            matrix (n, n).
        bias: Input biases followed by recurrent biases: (8 n,).

    Returns:
        Kernel (D, 4 n), recurrent kernel (n, 4 n) and bias (4 n,).
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
    """Return the hard sigmoid of Keras 2, which is steeper than that of Keras 3."""
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def _build(layer: Layer, path: Path) -> keras.layers.Layer | None:
    if layer.kind not in _BUILDERS:
        raise LookbackError(
            f"{path}: the layer {layer.name} is a {layer.kind}, which cannot be converted; "
            f"supported layers are {', '.join(_BUILDERS)}"
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
            raise LookbackError(
                f"{path}: the layer {layer.name} has {unusual}=True, which cannot be converted"
            )
    kernel, recurrent, *bias = layer.arrays
    units = recurrent.shape[0]
    cudnn = layer.kind == "CuDNNLSTM"
    biases = 2 * _GATES if cudnn else _GATES
    fits = len(bias) in ((1,) if cudnn else (0, 1))
    fits &= recurrent.shape == (units, _GATES * units) and kernel.shape[1:] == (_GATES * units,)
    if not fits or any(part.shape != (biases * units,) for part in bias):
        raise ValueError(f"unexpected shapes {[part.shape for part in layer.arrays]}")
    return keras.layers.LSTM(
        _checked_size(config, "units", units),
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
        raise ValueError(f"unknown merge_mode {merge}")
    forwards, _ = [_lstm(part, path) for part in _directions(layer)]
    return keras.layers.Bidirectional(forwards, merge_mode=merge)


def _directions(layer: Layer) -> list[Layer]:
    """Return the forward and the backward layer of a Bidirectional layer."""
    inner = layer.config["layer"]
    if inner["class_name"] not in ("CuDNNLSTM", "LSTM"):
        raise ValueError(f"a bidirectional {inner['class_name']} cannot be converted")
    half = len(layer.arrays) // 2
    parts = (layer.arrays[:half], layer.arrays[half:])
    return [Layer(layer.name, str(inner["class_name"]), inner["config"], part) for part in parts]


def _dense(layer: Layer, path: Path) -> keras.layers.Layer:
    return keras.layers.Dense(
        _checked_size(layer.config, "units", layer.arrays[0].shape[1]),
        activation=_activation(layer.config.get("activation", "linear"), layer, path),
        use_bias=len(layer.arrays) > 1,
    )


def _normalization(layer: Layer, path: Path) -> keras.layers.Layer:
    axis = layer.config.get("axis", -1)
    return keras.layers.BatchNormalization(
        axis=int(axis[0] if isinstance(axis, list) else axis),
        momentum=float(layer.config.get("momentum", 0.99)),
        epsilon=float(layer.config.get("epsilon", 1e-3)),
        center=bool(layer.config.get("center", True)),
        scale=bool(layer.config.get("scale", True)),
    )


# Functions that build the layer of a class; a result of None means that there is nothing to build.
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
    "BatchNormalization": _normalization,
}


def _checked_size(config: dict, key: str, size: int) -> int:
    """Return `size`, the size of the arrays; raise `ValueError` if the config has another."""
    if config.get(key, size) != size:
        raise ValueError(f"{key} is {config[key]}, but the arrays have {size}")
    return size


def _activation(name: object, layer: Layer, path: Path) -> str | Callable:
    if name == "hard_sigmoid":
        return _hard_sigmoid
    if name == "swish":
        return "silu"
    if name not in _ACTIVATIONS:
        raise LookbackError(
            f"{path}: the layer {layer.name} has the activation {name}, which cannot be converted"
        )
    return name


def _weights(layer: Layer, path: Path) -> list[np.ndarray]:
    if layer.kind == "Bidirectional":
        return [array for part in _directions(layer) for array in _weights(part, path)]
    if layer.kind == "CuDNNLSTM":
        return from_cudnn(*layer.arrays)
    return list(layer.arrays)


def _input_shape(layers: list[Layer]) -> tuple[int | None, ...]:
    """Return the input shape without the batch, from the file or from the first weights."""
    for key in ("batch_input_shape", "batch_shape"):
        if layers[0].config.get(key):
            return tuple(layers[0].config[key][1:])
    first = next(layer for layer in layers if layer.arrays)
    return (None, first.arrays[0].shape[0])


def _inferred(layers: list[Layer], path: Path) -> list[Layer]:
    """Return the layers that have arrays, with the class inferred from the shapes."""
    layers = [layer for layer in layers if layer.arrays]
    kinds = [_infer_kind(layer, path) for layer in layers]
    inferred = []
    for number, (layer, kind) in enumerate(zip(layers, kinds, strict=True)):
        followed = any(later in _RECURRENT for later in kinds[number + 1 :])
        config = {"return_sequences": followed} if kind in _RECURRENT else {}
        if kind == "Bidirectional":
            forwards = Layer(layer.name, "", {}, layer.arrays[: len(layer.arrays) // 2])
            inner = _infer_kind(forwards, path)
            config = {"layer": {"class_name": inner, "config": config}}
        inferred.append(Layer(layer.name, kind, config, layer.arrays))
    return inferred


def _infer_kind(layer: Layer, path: Path) -> str:
    """Return the class of a layer, inferred from the shapes of its arrays."""
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
        f"{path}: cannot infer the class of the layer {layer.name} from its weights {shapes}; "
        "convert the file of the whole model instead"
    )


def _described(layer: keras.layers.Layer) -> str:
    """Return a layer's class and size, such as LSTM(64)."""
    units = getattr(layer, "units", None)
    inner = f"({_described(layer.forward_layer)})" if hasattr(layer, "forward_layer") else ""
    return f"{type(layer).__name__}{f'({units})' if units else inner}"
