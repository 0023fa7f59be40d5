"""Layers bear the names of the modules in published checkpoints, so that conversion needs no table.

A dash stands for the dot between modules: on the PyTorch backend a layer's name becomes part of its
parameters' names, where PyTorch allows no dots.
"""


def layer_name(module: str) -> str:
    """Return the layer's name for a checkpoint's module.

    >>> layer_name("blocks.0.conv")
    'blocks-0-conv'
    """
    return module.replace(".", "-")


def module_name(layer: str) -> str:
    """Return the checkpoint's module for a layer's name."""
    return layer.replace("-", ".")
