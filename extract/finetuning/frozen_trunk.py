"""The frozen part of a network: where it ends, how it is computed, and what trains behind it.

What lies below the cut runs as for inference, whether or not its results are kept: stochastic depth
and dropout are for layers that learn.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from math import prod

import numpy as np

from extract.architectures.building import from_pixels
from extract.architectures.graph_cuts import cut_points, layers_behind, tail_of
from extract.architectures.spec import BackboneSpec, Trunk
from extract.backbones.heads import weights_sha256
from extract.engines import NetworkId
from extract.engines.registry import make_engine
from training.keras_backend import keras


def cut_of(model: keras.Model, trunk: Trunk) -> "keras.KerasTensor | None":
    """Return the tensor that ends the frozen part of a network, as its layers are now.

    It carries everything that passes (no connection leads around it), and no layer that learns or
    draws at random lies below it. Of such tensors it is the smallest behind the last frozen layer
    with weights, since what follows that one costs nothing.

    Args:
        model: of `extract.backbones.heads.classifier_network` on `trunk`.

    Returns:
        A tensor (B, ...) of the core's graph, or of the model's behind the core; None where nothing
        is frozen below the first layer that trains, or two pathways lead on from there.
    """
    cut, weights_since = None, False
    for operation, tensor in _passages(model, trunk):
        if _trains(operation):
            break
        weights_since |= _is_frozen(operation)
        if tensor is None:
            continue
        if weights_since or (cut is not None and _size(tensor) <= _size(cut)):
            cut, weights_since = tensor, False
    return cut


def _passages(
    model: keras.Model, trunk: Trunk
) -> "Iterator[tuple[keras.Operation, keras.KerasTensor | None]]":
    """Yield the operations from the core's input to the logits, as `cut_points` does."""
    yield from cut_points(trunk.core)
    for layer in layers_behind(model, trunk.core):
        yield layer, layer.output


def _trains(operation: keras.Operation) -> bool:
    """Whether an operation is a layer whose result changes from one update to the next."""
    if not getattr(operation, "trainable", False):
        return False
    draws = any("seed_generator" in variable.path for variable in operation.variables)
    return draws or bool(operation.trainable_variables)


def _is_frozen(operation: keras.Operation) -> bool:
    """Whether an operation is a layer with weights that are held still."""
    return not getattr(operation, "trainable", True) and bool(operation.weights)


def _size(tensor: "keras.KerasTensor") -> int:
    return prod(tensor.shape[1:])


def trained_part(model: keras.Model, trunk: Trunk, cut: "keras.KerasTensor") -> keras.Model:
    """Return what stands behind a cut, with the network's own layers and weights: float32 (B, ...)
    as the cut has it to logits."""
    inputs = keras.Input(cut.shape[1:])
    if last := _layer_of_head(model, trunk, cut):
        return keras.Model(inputs, tail_of(model, last, inputs))
    features = keras.Model(cut, trunk.core.output)(inputs)
    return keras.Model(inputs, tail_of(model, trunk.core, features))


def frozen_part(
    model: keras.Model, trunk: Trunk, spec: BackboneSpec, cut: "keras.KerasTensor"
) -> keras.Model:
    """Return what lies below a cut, with the network's own layers and weights: uint8
    (B, T, H, W, 3) to float32 (B, D), the cut's tensor as a vector."""
    if _layer_of_head(model, trunk, cut):
        below = keras.Model(model.input, cut)
    else:
        below = from_pixels(spec, keras.Model(trunk.core.input, cut))
    return keras.Model(below.input, keras.layers.Flatten(dtype="float32")(below.output))


def _layer_of_head(
    model: keras.Model, trunk: Trunk, cut: "keras.KerasTensor"
) -> keras.layers.Layer | None:
    """Return the layer behind the core that gives a cut's tensor; None for a cut in the core."""
    behind = layers_behind(model, trunk.core)
    return next((layer for layer in behind if layer.output is cut), None)


class FrozenTrunk:
    """The part of a network below a cut, on an engine.

    Attributes:
        cut: the tensor that it computes.
        shape: of that for one clip.
        engine: which computes it, by name.
    """

    def __init__(self, part: keras.Model, cut: "keras.KerasTensor", engine: str) -> None:
        """Make an engine of a frozen part; it holds the weights as they are now.

        Args:
            part: of `frozen_part`.
            cut: where it ends.
            engine: as for `extract.engines.registry.make_engine`.
        """
        self.cut, self.shape = cut, tuple(cut.shape[1:])
        # Nothing of it is kept in the model folder: it is of use to this run alone.
        self._engine = make_engine(part, NetworkId(None, weights_sha256(part)), engine)
        self.engine = self._engine.name
        self._threads = ThreadPoolExecutor(self._engine.parallel)

    def __call__(self, clips: np.ndarray) -> np.ndarray:
        """Return float32 activations (B, *shape) of uint8 clips (B, T, H, W, 3)."""
        parts = np.array_split(clips, self._engine.parallel)
        activations = np.concatenate(list(self._threads.map(self._engine, parts)))
        return activations.reshape(len(clips), *self.shape)
