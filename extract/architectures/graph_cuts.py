"""Where a network can be cut in two: at a tensor that carries everything that passes."""

from collections import Counter
from collections.abc import Iterator

from training.keras_backend import keras


def passages(
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
