"""What a network costs: multiplications with additions, parameters, memory, layer by layer."""

from dataclasses import dataclass
from math import prod

from training.keras_backend import keras


@dataclass(frozen=True)
class LayerCost:
    """One layer.

    Attributes:
        name: of the layer.
        kind: its class.
        shape: of its output without the batch.
        parameters: numbers it holds, learnt or counted (a batch normalisation's statistics).
        learnt: those of them that training changes.
        macs: multiplications with additions for one input.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    learnt: int
    macs: int

    @property
    def activation_bytes(self) -> int:
        """Memory of the output for one input, in float32."""
        return 4 * prod(self.shape)


def layer_costs(model: keras.Model) -> list[LayerCost]:
    """Return the costs of every layer of a model, nested models laid open, in order."""
    costs = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            costs += layer_costs(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            costs.append(_cost(layer))
    return costs


def gflops(model: keras.Model) -> float:
    """Return billions of multiplications with additions for one input: what papers on these
    networks call GFLOPs."""
    return sum(cost.macs for cost in layer_costs(model)) / 1e9


def learnt_parameters(model: keras.Model) -> int:
    """Return how many numbers are learnt: batch statistics do not count, frozen layers do."""
    return sum(cost.learnt for cost in layer_costs(model))


def _cost(layer: keras.layers.Layer) -> LayerCost:
    output = layer.output
    shape = tuple((output[0] if isinstance(output, (list, tuple)) else output).shape[1:])
    learnt = sum(prod(variable.shape) for variable in layer.weights if not _counted(variable))
    parameters = sum(prod(variable.shape) for variable in layer.weights)
    macs = _macs(layer, shape)
    return LayerCost(layer.name, type(layer).__name__, shape, parameters, learnt, macs)


_STATISTICS = ("moving_mean", "moving_variance", "mean", "variance", "count")


def _counted(variable) -> bool:
    """Whether a weight is a statistic that data sets and gradients do not."""
    return variable.path.rsplit("/", 1)[-1] in _STATISTICS


def _macs(layer: keras.layers.Layer, shape: tuple[int, ...]) -> int:
    if hasattr(layer, "macs"):  # a layer of this project that is more than one product
        return layer.macs()
    layers = keras.layers
    if isinstance(layer, layers.Dense):
        return prod(shape[:-1]) * prod(layer.kernel.shape)
    if isinstance(layer, layers.SeparableConv2D):
        both = prod(layer.depthwise_kernel.shape) + prod(layer.pointwise_kernel.shape)
        return prod(shape[:-1]) * both
    if hasattr(layer, "kernel"):  # convolutions, depthwise ones too: (..., inputs, outputs)
        return prod(shape[:-1]) * prod(layer.kernel.shape)
    return 0
