"""Cut points of a Keras graph: single tensors through which every path goes."""

from collections import Counter
from collections.abc import Iterator

from training.keras_backend import keras


def cut_points(
    core: "keras.Model",
) -> "Iterator[tuple[keras.Operation, keras.KerasTensor | None]]":
    """Yield a network's operations in order, each with the cut point right after it.

    The cut point is the one tensor that all later operations depend on. It is None if several
    tensors are needed later: inside a skip connection or between two pathways.
    """
    operations, flatten = core.operations, keras.tree.flatten
    # Remaining uses of each tensor. The output counts once more, for the layers after the network.
    uses = Counter(id(tensor) for each in operations for tensor in flatten(each.input))
    uses[id(core.output)] += 1
    needed: dict[int, keras.KerasTensor] = {}
    for operation in operations:
        for tensor in flatten(operation.input):
            uses[id(tensor)] -= 1
            if not uses[id(tensor)]:
                del needed[id(tensor)]
        needed |= {id(made): made for made in flatten(operation.output) if uses[id(made)]}
        yield operation, next(iter(needed.values())) if len(needed) == 1 else None


def layers_behind(model: "keras.Model", layer: "keras.layers.Layer") -> "list[keras.layers.Layer]":
    """Return the layers after `layer`; from there on, the model must be a chain."""
    return model.layers[model.layers.index(layer) + 1 :]


def tail_of(
    model: "keras.Model", layer: "keras.layers.Layer", inputs: "keras.KerasTensor"
) -> "keras.KerasTensor":
    """Return the model's output with `inputs` in place of the output of `layer`.

    Layers and weights are shared with the model, not copied.

    Args:
        model: Model that is a chain after `layer`.
        layer: Last layer to leave out.
        inputs: Tensor with the shape of the layer's output.
    """
    for later in layers_behind(model, layer):
        inputs = later(inputs)
    return inputs
