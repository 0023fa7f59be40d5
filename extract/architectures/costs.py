"""Cost of a network per layer: multiply-adds, parameters and memory."""

from dataclasses import dataclass
from math import prod

from training.keras_backend import keras


@dataclass(frozen=True)
class LayerCost:
    """Cost of one layer.

    Attributes:
        name: Name of the layer.
        kind: Class name of the layer.
        shape: Output shape without the batch axis.
        parameters: Number of all parameters, with the statistics of batch normalization.
        trainable: Number of trainable parameters, whether the layer is frozen or not.
        macs: Multiply-adds for one input.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    trainable: int
    macs: int

    @property
    def activation_bytes(self) -> int:
        """Memory of the float32 output for one input, in bytes."""
        return 4 * prod(self.shape)


def layer_costs(model: "keras.Model") -> list[LayerCost]:
    """Return the cost of every layer of a model in order, with nested models expanded."""
    costs = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            costs += layer_costs(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            costs.append(_cost(layer))
    return costs


def gflops(model: "keras.Model") -> float:
    """Return billions of multiply-adds for one input, called GFLOPs in papers on these networks."""
    return sum(cost.macs for cost in layer_costs(model)) / 1e9


def trainable_parameters(model: "keras.Model") -> int:
    """Return the number of trainable parameters, those of frozen layers included.

    Batch statistics are non-trainable.
    """
    return sum(cost.trainable for cost in layer_costs(model))


def _cost(layer: "keras.layers.Layer") -> LayerCost:
    output = layer.output
    shape = tuple((output[0] if isinstance(output, (list, tuple)) else output).shape[1:])
    trainable = [variable for variable in layer.weights if not _is_non_trainable(variable)]
    sizes = [sum(prod(each.shape) for each in group) for group in (layer.weights, trainable)]
    macs = _macs(layer, shape)
    return LayerCost(layer.name, type(layer).__name__, shape, *sizes, macs)


_STATISTICS = ("moving_mean", "moving_variance", "mean", "variance", "count")


def _is_non_trainable(variable) -> bool:
    """Return whether a weight is a statistic, which is not updated by gradients."""
    return variable.path.rsplit("/", 1)[-1] in _STATISTICS


def _macs(layer: "keras.layers.Layer", shape: tuple[int, ...]) -> int:
    if hasattr(layer, "macs"):  # a layer of this project that computes more than one product
        return layer.macs()
    layers = keras.layers
    if isinstance(layer, (layers.RNN, layers.Bidirectional)):  # LSTM and GRU
        return _recurrent_macs(layer)
    if isinstance(layer, layers.Dense):
        return prod(shape[:-1]) * prod(layer.kernel.shape)
    if isinstance(layer, layers.SeparableConv2D):
        both = prod(layer.depthwise_kernel.shape) + prod(layer.pointwise_kernel.shape)
        return prod(shape[:-1]) * both
    if hasattr(layer, "kernel"):  # convolutions, depthwise ones too: (..., inputs, outputs)
        return prod(shape[:-1]) * prod(layer.kernel.shape)
    return 0


def _recurrent_macs(layer: "keras.layers.RNN | keras.layers.Bidirectional") -> int:
    """Return the multiply-adds of a recurrent layer over all its steps."""
    both = isinstance(layer, keras.layers.Bidirectional)
    directions = (layer.forward_layer, layer.backward_layer) if both else (layer,)
    kernels = [(each.cell.kernel, each.cell.recurrent_kernel) for each in directions]
    return layer.input.shape[1] * sum(prod(each.shape) for pair in kernels for each in pair)
