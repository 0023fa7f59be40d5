"""Layer names: the module names of published checkpoints, so that conversion needs no name table.

A dash replaces the dot between modules. On Keras' PyTorch backend a layer's name becomes part of
its parameters' names, and PyTorch allows no dots there. An underscore at the start is left out:
TensorFlow refuses it in the name of an operation.
"""


def layer_name(module: str) -> str:
    """Return the layer name for a checkpoint's module name.

    >>> layer_name("blocks.0.conv")
    'blocks-0-conv'
    """
    return module.replace(".", "-")


def module_name(layer: str) -> str:
    """Return the checkpoint's module name for a layer name."""
    return layer.replace("-", ".")


def public_name(tensor: str) -> str:
    """Return a tensor's name without the underscore with which some checkpoints begin it.

    >>> public_name("_blocks.0._bn1.weight")
    'blocks.0._bn1.weight'
    """
    return tensor.removeprefix("_")
