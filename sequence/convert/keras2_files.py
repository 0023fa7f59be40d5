"""Reading the HDF5 files of Keras 1 and 2: what layers there are, and their arrays. No code is run.

Layout: a group a layer, with the names of its arrays in order in the attribute `weight_names`. The
groups lie in `model_weights`, and the architecture as JSON in `model_config`; where the weights
alone were saved, the groups lie at the top.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from video.errors import LookbackError


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes:
        name: as its maker called it.
        kind: name of its class; empty where the file does not say.
        config: its arguments.
        arrays: its weights in order.
    """

    name: str
    kind: str
    config: dict
    arrays: tuple[np.ndarray, ...]


def read_layers(path: Path) -> list[Layer]:
    """Return the layers of a chain in the order that data passes them.

    Raises:
        LookbackError: there is no such file, it is not of Keras 2, or its layers form no chain.
    """
    if not path.is_file():
        raise LookbackError(f"{path}: there is no such file")
    try:
        with h5py.File(path, "r") as file:
            group = file.get("model_weights", file)
            if "layers" in file or "_layer_checkpoint_dependencies" in file:
                raise LookbackError(f"{path}: a weights file of today's Keras already")
            if not any(str(key).startswith("layer_names") for key in group.attrs):
                raise LookbackError(f"{path}: holds no layers of Keras 2")
            arrays = {name: _arrays(file, group[name]) for name in _texts(group, "layer_names")}
            text = file.attrs.get("model_config")
        if text is None:
            return [Layer(name, "", {}, found) for name, found in arrays.items()]
        return _joined(_chain(json.loads(text), path), arrays, path)
    except (OSError, KeyError, RuntimeError) as error:
        detail = str(error).strip("'\"")[:100]
        raise LookbackError(f"{path}: no whole HDF5 file of Keras 2 ({detail})") from None
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise LookbackError(f"{path}: its model_config is damaged") from None


def _texts(group: h5py.Group, key: str) -> list[str]:
    """Return an attribute of names; long ones were cut into `key`0, `key`1 and so on."""
    parts = [group.attrs[key]] if key in group.attrs else []
    while f"{key}{len(parts)}" in group.attrs:
        parts.append(group.attrs[f"{key}{len(parts)}"])
    texts = [text for part in parts for text in part]
    return [text.decode() if isinstance(text, bytes) else str(text) for text in texts]


def _arrays(file: h5py.File, layer: h5py.Group) -> tuple[np.ndarray, ...]:
    found = []
    for key in _texts(layer, "weight_names"):
        dataset = layer[key]
        # Links and virtual data could lead to any file on the computer.
        elsewhere = dataset.file.filename != file.filename
        if elsewhere or dataset.external or dataset.is_virtual:
            raise KeyError(f"{key} lies in another file")
        found.append(np.asarray(dataset[()], "float32"))
    return tuple(found)


def _chain(model: dict, path: Path) -> list[dict]:
    """Return the layers' descriptions in order."""
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
                f"{path}: its layers form no chain (at {layer['config']['name']}), and only chains "
                "are converted"
            )
    return layers


def _joined(layers: list[dict], arrays: dict[str, tuple], path: Path) -> list[Layer]:
    joined = []
    for number, layer in enumerate(layers):
        config = layer["config"]
        # The first versions of Keras named layers in the groups alone.
        name = config.get("name") or list(arrays)[number]
        joined.append(Layer(str(name), str(layer["class_name"]), config, arrays.get(name, ())))
    unknown = set(arrays) - {layer.name for layer in joined}
    if any(arrays[name] for name in unknown):
        raise LookbackError(f"{path}: model_config knows nothing of its layer {min(unknown)}")
    return joined
