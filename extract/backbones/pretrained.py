"""Backbones with their weights: published ones, or a weights file."""

import os
import re
import warnings
from pathlib import Path

from extract.architectures.building import build_core, from_pixels, stages_of, with_classifier
from extract.architectures.layer_names import layer_name, module_name
from extract.architectures.spec import BackboneSpec, Trunk
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
) -> keras.Model:
    """See `extract.backbones.build`."""
    path = weights_file(spec, weights)
    if classes and path and spec.is_clip_network and classes_in(path) == classes:
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
    spec: BackboneSpec, weights: str | None, side: int | None, clip_length: int | None
) -> Trunk:
    """See `extract.backbones.build_trunk`."""
    return _trunk(spec, weights, weights_file(spec, weights), side, clip_length)


def _trunk(
    spec: BackboneSpec,
    weights: str | None,
    path: Path | None,
    side: int | None,
    clip_length: int | None,
) -> Trunk:
    """Return a trunk; `path` is the file that `weights` stand for, None without one."""
    core = build_core(spec, side, clip_length)
    if path:
        load_weights(core, path, spec.name)
    elif spec.weights_meant(weights) == "imagenet":
        core.set_weights(_imagenet(spec, core.input_shape[-2]).get_weights())
        for layer in core.layers:
            if hasattr(layer, "finalize_state"):
                layer.finalize_state()  # Normalization computes with a copy of its weights
    return Trunk(from_pixels(spec, core), core, stages_of(spec, core))


def load_classifier(
    spec: BackboneSpec, path: Path, classes: int, side: int | None, clip_length: int | None
) -> tuple[Trunk, keras.layers.Layer]:
    """Return a clip network and the dense layer that follows it, both from a weights file that
    holds a classifier of so many classes. Errors as for `build`."""
    core = build_core(spec, side, clip_length)
    whole = with_classifier(core, spec, classes)
    load_weights(whole, path, spec.name)
    trunk = Trunk(from_pixels(spec, core), core, stages_of(spec, core))
    return trunk, whole.get_layer(layer_name(spec.classifier))


def weights_file(spec: BackboneSpec, weights: str | None) -> Path | None:
    """Return the file that `weights` names or stands for; None for `none` and `imagenet`.

    Raises:
        UsageError: no such weights were published of this network.
        LookbackError: the published weights cannot be had.
    """
    weights = spec.weights_meant(weights)
    if weights in ("none", "imagenet", "kinetics400"):
        if weights not in ("none", spec.published):
            known = f"{spec.published}, " if spec.published else ""
            raise UsageError(
                f"{spec.name} has no published {weights} weights: --backbone-weights takes {known}"
                f"none (and train it with {command('finetune')}), or a file"
            )
        if weights == "kinetics400":
            from extract.convert.published_weights import converted_weights

            return converted_weights(spec)
        return None
    path = Path(weights)
    info = read_info(path)
    if info and info.network != spec.name:
        raise LookbackError(f"{path}: holds weights of {info.network}, not of {spec.name}")
    announce_licence(path)
    return path


def load_weights(model: keras.Model, path: Path, name: str) -> None:
    """Load a weights file (`.weights.h5`, or `.h5` of keras.applications) into `model`.

    Raises:
        LookbackError: there is no such file, it is no weights file, or one of another network.
    """
    require_weights_file(path, name)
    try:
        with warnings.catch_warnings():  # of another network's file Keras warns layer by layer
            warnings.simplefilter("ignore")
            model.load_weights(path)
    except OSError:
        raise LookbackError(f"{path}: cannot be read as a weights file (HDF5)") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        detail = _told_by_keras(str(error))
        raise LookbackError(f"{path}: these are not weights of {name} ({detail})") from None


def require_weights_file(path: Path, name: str) -> None:
    """Raise `LookbackError` where a path is, by its look, no weights file of a network."""
    if not path.is_file():
        raise LookbackError(f"{path}: there is no such weights file")
    if path.suffix != ".h5":
        raise LookbackError(
            f"{path}: a weights file's name ends in .weights.h5 or .h5"
            + (
                f"; {command('convert')} {name} {path.name} --out {path.stem}.weights.h5 "
                "makes one of a PyTorch checkpoint"
                if path.suffix in (".pth", ".pt", ".pyth", ".bin", ".safetensors")
                else ""
            )
        )


def _told_by_keras(message: str) -> str:
    """Return the part of Keras's message that says which weight does not fit, in one line."""
    named = re.search(r"Variable path=([^,]+), shape=(\([^)]*\))", message)
    if named:
        return f"{module_name(named[1])} has another shape than {named[2]}"
    return message.split("\n", maxsplit=1)[0].split(". ", maxsplit=1)[0][:160]


def _imagenet(spec: BackboneSpec, side: int) -> keras.Model:
    try:
        return spec.make(1, side, "imagenet")
    except Exception as error:  # Keras raises a bare Exception where a download fails
        address = re.search(r"https?://\S+?\.h5", str(error))
        if not address:
            raise
        models = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
        raise LookbackError(
            f"{spec.name}: the ImageNet weights cannot be downloaded; fetch {address.group()} on "
            f"another machine and put it into {models}"
        ) from None
