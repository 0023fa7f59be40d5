"""Reader of HDF5 files of Keras 1 and 2. It runs no code from the file.

Each layer is an HDF5 group, whose attribute `weight_names` lists its arrays in order. A saved model
has these groups in `model_weights` and its architecture as JSON in the attribute `model_config`. A
file of weights has the groups at the top level and no `model_config`.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from video.errors import LookbackError


@dataclass(frozen=True)
class Layer:
    """A layer of a Keras 2 model.

    Attributes:
        name: Name of the layer.
        kind: Name of its class; empty if the file contains only weights.
        config: Arguments of the layer.
        arrays: Weights of the layer, in order.
    """

    name: str
    kind: str
    config: dict
    arrays: tuple[np.ndarray, ...]


def read_layers(path: Path) -> list[Layer]:
    """Return the layers of a sequential model, in order.

    Raises:
        LookbackError: There is no such file, it is not a Keras 1 or 2 file, or the layers of the
            model do not follow each other in one chain.
    """
    if not path.is_file():
        raise LookbackError(f"{path}: there is no such file")
    try:
        with h5py.File(path, "r") as file:
            group = file.get("model_weights", file)
            if "layers" in file or "_layer_checkpoint_dependencies" in file:
                raise LookbackError(f"{path}: is already a weights file of Keras 3")
            if not any(str(key).startswith("layer_names") for key in group.attrs):
                raise LookbackError(f"{path}: contains no layers of Keras 2")
            arrays = {name: _arrays(file, group[name]) for name in _texts(group, "layer_names")}
            text = file.attrs.get("model_config")
        if text is None:
            return [Layer(name, "", {}, found) for name, found in arrays.items()]
        return _merged(_chain(json.loads(text), path), arrays, path)
    except (OSError, KeyError, RuntimeError) as error:
        detail = str(error).strip("'\"")[:100]
        raise LookbackError(
            f"{path}: cannot be read as an HDF5 file of Keras 2, or is incomplete ({detail})"
        ) from None
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise LookbackError(f"{path}: its model_config is damaged") from None


def _texts(group: h5py.Group, key: str) -> list[str]:
    """Return an attribute that lists names. Keras splits a long list into `key`0, `key`1, ..."""
    parts = [group.attrs[key]] if key in group.attrs else []
    while f"{key}{len(parts)}" in group.attrs:
        parts.append(group.attrs[f"{key}{len(parts)}"])
    texts = [text for part in parts for text in part]
    return [text.decode() if isinstance(text, bytes) else str(text) for text in texts]


def _arrays(file: h5py.File, layer: h5py.Group) -> tuple[np.ndarray, ...]:
    found = []
    for key in _texts(layer, "weight_names"):
        dataset = layer[key]
        # External links and virtual datasets could read any file on this computer.
        is_linked = dataset.file.filename != file.filename
        if is_linked or dataset.external or dataset.is_virtual:
            raise KeyError(f"{key} is stored in another file")
        found.append(np.asarray(dataset[()], "float32"))
    return tuple(found)


def _chain(model: dict, path: Path) -> list[dict]:
    """Return the descriptions of the layers in order."""
    config = model["config"]
    layers = config if isinstance(config, list) else config["layers"]
    if model["class_name"] == "Sequential":
        return layers
    names = [layer.get("name") or layer["config"]["name"] for layer in layers]
    for before, layer in zip(["", *names], layers, strict=False):
        nodes = layer.get("inbound_nodes", [])
        sources = [source[0] for node in nodes for source in node]
        if sources != ([before] if before else []):
            raise LookbackError(
                f"{path}: its layers branch at {layer['config']['name']}; only models whose layers "
                "follow each other in one chain can be converted"
            )
    return layers


def _merged(layers: list[dict], arrays: dict[str, tuple], path: Path) -> list[Layer]:
    """Return a `Layer` with its arrays for each description in `layers`."""
    merged = []
    for number, layer in enumerate(layers):
        config = layer["config"]
        # The first versions of Keras stored the names of layers only in the groups.
        name = config.get("name") or list(arrays)[number]
        merged.append(Layer(str(name), str(layer["class_name"]), config, arrays.get(name, ())))
    unknown = set(arrays) - {layer.name for layer in merged}
    if any(arrays[name] for name in unknown):
        raise LookbackError(f"{path}: its layer {min(unknown)} is not described in model_config")
    return merged
