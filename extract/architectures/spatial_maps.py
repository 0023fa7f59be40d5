"""Where a network last knows places: its graph, cut in two before the pooling over places.

The default rule holds for every convolutional network and needs no entry per network: from the
output backward, along every path, the first tensor that has an axis of space with more than one
position. Local pooling is passed: the maps before it are finer, such as 14x14 instead of 7x7 of
VGG16, as in the experiments of Grad-CAM's paper. SlowFast has two such tensors, one per pathway.
"""

from dataclasses import dataclass

import numpy as np

from training.keras_backend import keras

_LOCAL_POOLING = (
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
    keras.layers.MaxPooling3D,
    keras.layers.AveragePooling3D,
)


@dataclass(frozen=True)
class Split:
    """A network of clips in two parts that share its weights.

    Attributes:
        front: From uint8 clips (B, T, H, W, 3) to the tensors that know places.
        back: From these tensors to features (B, D).
    """

    front: keras.Model
    back: keras.Model

    def maps(self, clip: np.ndarray) -> list:
        """Return the tensors of one clip, (1, ...) each, that know places.

        Args:
            clip: uint8 RGB (T, H, W, 3).
        """
        return keras.tree.flatten(self.front(clip[None], training=False))

    def computed_maps(self, clip: np.ndarray) -> list[np.ndarray]:
        """Return `maps` as arrays, without a gradient: compiled, so several times as fast."""
        return keras.tree.flatten(predicted(self.front, clip[None]))

    def features(self, maps: list):
        """Return the features (B, D) of the tensors of `maps`."""
        return self.back(maps, training=False)


def map_tensors(core: keras.Model) -> "list[keras.KerasTensor]":
    """Return the last tensors with places, (B, h, w, C) or (B, T', h, w, C), one per pathway.

    Args:
        core: Core of a backbone.

    Raises:
        ValueError: The network has no such tensor: it is a transformer.
    """
    flatten = keras.tree.flatten
    made_by = {id(made): each for each in core.operations for made in flatten(each.output)}
    found: dict[int, keras.KerasTensor] = {}
    waiting, known = [core.output], set()
    while waiting:
        tensor = waiting.pop(0)
        if id(tensor) in known:
            continue
        known.add(id(tensor))
        operation = made_by[id(tensor)]
        has_places = len(tensor.shape) >= 4 and max(tensor.shape[-3:-1]) > 1
        if has_places and not isinstance(operation, _LOCAL_POOLING):
            found[id(tensor)] = tensor
        else:
            waiting += flatten(operation.input) if operation.input is not tensor else []
    inputs = {id(each) for each in core.inputs}
    if not found or inputs & set(found):
        raise ValueError(f"{core.name} has no feature maps")
    return list(found.values())


def frontier_before(core: keras.Model, operation: keras.Operation) -> "list[keras.KerasTensor]":
    """Return the tensors that are made before an operation and used by it or later ones.

    Args:
        core: Core of a backbone.
        operation: Operation of it.
    """
    flatten, operations = keras.tree.flatten, core.operations
    place = operations.index(operation)
    made = {id(each): each for before in operations[:place] for each in flatten(before.output)}
    used = [each for later in operations[place:] for each in flatten(later.input)]
    return list({id(each): each for each in used if id(each) in made}.values())


def split_at(network: keras.Model, tensors: "list[keras.KerasTensor]") -> Split:
    """Return a network of clips, cut at tensors of its core.

    Args:
        network: Network from uint8 clips to features, which is a chain around its core.
        tensors: Tensors of the core that all its paths go through.
    """
    core = core_of(network)
    inputs = keras.Input(network.input_shape[1:], dtype="uint8", name="clip")
    scaled = keras.Model(network.input, _input_of(network, core))(inputs)
    maps = keras.Model(core.input, tensors)(scaled)
    front = keras.Model(inputs, keras.tree.flatten(maps))
    begin = [keras.Input(each.shape[1:]) for each in tensors]
    if tensors[0] is core.output:
        end = begin[0]
    else:
        end = keras.Model(tensors, core.output)(begin if len(begin) > 1 else begin[0])
    for layer in network.layers[network.layers.index(core) + 1 :]:
        end = layer(end)
    return Split(front, keras.Model(begin, end))


def predicted(model: keras.Model, clips: np.ndarray):
    """Return the outputs of a compiled network, without XLA; see extract/engines/keras_engine.py.

    Args:
        model: Network.
        clips: uint8 RGB (B, T, H, W, 3).
    """
    model.jit_compile = False
    return model.predict_on_batch(clips)


def core_of(network: keras.Model) -> keras.Model:
    """Return the core of a network of clips: the one model inside it."""
    return next(each for each in network.layers if isinstance(each, keras.Model))


def _input_of(network: keras.Model, core: keras.Model) -> "keras.KerasTensor":
    """Return the tensor of `network` that enters its core."""
    made = {id(t) for each in network.operations for t in keras.tree.flatten(each.output)}
    for node in core._inbound_nodes:
        if id(node.input_tensors[0]) in made:
            return node.input_tensors[0]
    raise ValueError(f"{core.name} is not a part of this network")
