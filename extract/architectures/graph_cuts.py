"""Where a network can be cut in two: at a tensor that carries everything that passes."""

from collections import Counter
from collections.abc import Iterator

from training.keras_backend import keras


def cut_points(
    core: keras.Model,
) -> "Iterator[tuple[keras.Operation, keras.KerasTensor | None]]":
    """Yield a network's operations in order, each with the one tensor that carries everything
    behind it, or None where there are several (a shortcut, two pathways)."""
    operations, flatten = core.operations, keras.tree.flatten
    # How often a tensor is still to be used; the output leads on to whatever stands on it.
    uses = Counter(id(tensor) for each in operations for tensor in flatten(each.input))
    uses[id(core.output)] += 1
    carrying: dict[int, keras.KerasTensor] = {}
    for operation in operations:
        for tensor in flatten(operation.input):
            uses[id(tensor)] -= 1
            if not uses[id(tensor)]:
                del carrying[id(tensor)]
        carrying |= {id(made): made for made in flatten(operation.output) if uses[id(made)]}
        yield operation, next(iter(carrying.values())) if len(carrying) == 1 else None


def layers_behind(model: keras.Model, layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """Return the layers that follow `layer` in a model that is a chain from there on."""
    return model.layers[model.layers.index(layer) + 1 :]


def tail_of(
    model: keras.Model, layer: keras.layers.Layer, inputs: "keras.KerasTensor"
) -> "keras.KerasTensor":
    """Return the model's output for another tensor in the place of `layer`'s output.

    The layers and their weights are the model's own.

    Args:
        model: The model, a chain behind `layer`.
        layer: The last layer that is left out.
        inputs: The tensor, of the shape that `layer` gives.
    """
    for later in layers_behind(model, layer):
        inputs = later(inputs)
    return inputs
