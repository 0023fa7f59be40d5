"""Splits a network at a cut point into a frozen part, computed by an engine, and a trained part.

The frozen part always runs in inference mode, whether or not its outputs are cached: dropout and
stochastic depth apply to trained layers only.
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
from extract.engines.registry import make_engine, require_able
from training.devices import Devices
from training.keras_backend import keras


def cut_of(model: keras.Model, trunk: Trunk) -> "keras.KerasTensor | None":
    """Return the cut point of a network: the output of its frozen part.

    Every path goes through the cut point (no skip connection bypasses it), and no layer below it is
    trainable or random. Among such tensors after the last frozen layer with weights it is the
    smallest: layers without weights cost nothing to compute again.

    Args:
        model: Network of `extract.backbones.heads.classifier_network` on `trunk`.
        trunk: The backbone; its layers are trainable or frozen as in the phase.

    Returns:
        A tensor (B, ...) of the core's graph, or of the model's after the core; None if nothing
        below the first trainable layer is frozen, or if parallel pathways have no single cut
        point.
    """
    cut, weights_since = None, False
    for operation, tensor in _cut_points(model, trunk):
        if _trains(operation):
            break
        weights_since |= _is_frozen(operation)
        if tensor is None:
            continue
        if weights_since or (cut is not None and _size(tensor) <= _size(cut)):
            cut, weights_since = tensor, False
    return cut


def _cut_points(
    model: keras.Model, trunk: Trunk
) -> "Iterator[tuple[keras.Operation, keras.KerasTensor | None]]":
    """Yield the operations from the core's input to the logits, as `cut_points` does."""
    yield from cut_points(trunk.core)
    for layer in layers_behind(model, trunk.core):
        yield layer, layer.output


def _trains(operation: keras.Operation) -> bool:
    """Return whether an operation is a layer whose output changes between updates."""
    if not getattr(operation, "trainable", False):
        return False
    is_random = any("seed_generator" in variable.path for variable in operation.variables)
    return is_random or bool(operation.trainable_variables)


def _is_frozen(operation: keras.Operation) -> bool:
    """Return whether an operation is a frozen layer with weights."""
    return not getattr(operation, "trainable", True) and bool(operation.weights)


def _size(tensor: "keras.KerasTensor") -> int:
    return prod(tensor.shape[1:])


def trained_part(model: keras.Model, trunk: Trunk, cut: "keras.KerasTensor") -> keras.Model:
    """Return the part of a network after a cut point: float32 (B, ...) of the cut point's shape to
    logits. It shares the network's layers and weights."""
    inputs = keras.Input(cut.shape[1:])
    if last := _layer_of_head(model, trunk, cut):
        return keras.Model(inputs, tail_of(model, last, inputs))
    features = keras.Model(cut, trunk.core.output)(inputs)
    return keras.Model(inputs, tail_of(model, trunk.core, features))


def frozen_part(
    model: keras.Model, trunk: Trunk, spec: BackboneSpec, cut: "keras.KerasTensor"
) -> keras.Model:
    """Return the part of a network up to a cut point: uint8 (B, T, H, W, 3) to float32 (B, D), the
    flattened tensor. It shares the network's layers and weights."""
    if _layer_of_head(model, trunk, cut):
        below = keras.Model(model.input, cut)
    else:
        below = from_pixels(spec, keras.Model(trunk.core.input, cut), trunk.change)
    return keras.Model(below.input, keras.layers.Flatten(dtype="float32")(below.output))


def _layer_of_head(
    model: keras.Model, trunk: Trunk, cut: "keras.KerasTensor"
) -> keras.layers.Layer | None:
    """Return the layer after the core whose output is the cut point; None for one in the core."""
    behind = layers_behind(model, trunk.core)
    return next((layer for layer in behind if layer.output is cut), None)


class FrozenTrunk:
    """The frozen part of a network on an inference engine.

    Attributes:
        cut: The cut point.
        shape: Shape of the cut point's tensor for one clip.
        engine: Name of the engine.
    """

    def __init__(
        self,
        part: keras.Model,
        cut: "keras.KerasTensor",
        engine: str,
        devices: Devices | None = None,
    ) -> None:
        """Convert a frozen part, with its current weights, to an engine.

        Args:
            part: Network of `frozen_part`.
            cut: Cut point of that network.
            engine: Name of an engine, see `extract.engines.registry.make_engine`.
            devices: Devices of the training, on which Keras computes; None for one.
        """
        self.cut, self.shape = cut, tuple(cut.shape[1:])
        if devices:
            require_able(engine, "f32")
            self.engine, self._parallel = "keras", 1
            self._compute = devices.predictor(part)
            self._threads = ThreadPoolExecutor(1)
            return
        # Without a folder: the converted network is useful to this run only.
        made = make_engine(part, NetworkId(None, weights_sha256(part)), engine)
        self.engine, self._compute, self._parallel = made.name, made, made.parallel
        self._threads = ThreadPoolExecutor(self._parallel)

    def __call__(self, clips: np.ndarray) -> np.ndarray:
        """Return float32 activations (B, *shape) of uint8 clips (B, T, H, W, 3)."""
        parts = np.array_split(clips, self._parallel)
        activations = np.concatenate(list(self._threads.map(self._compute, parts)))
        return activations.reshape(len(clips), *self.shape)
