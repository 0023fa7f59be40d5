"""Layer names: the module names of published checkpoints, so that conversion needs no name table.

A dash replaces the dot between modules. On Keras' PyTorch backend a layer's name becomes part of
its parameters' names, and PyTorch allows no dots there.
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
