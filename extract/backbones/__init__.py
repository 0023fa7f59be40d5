"""Networks that turn clips into features. A new one is a module with its spec and one line here.

from extract.backbones import build
model = build("vgg16", weights="imagenet")    # uint8 (B,1,224,224,3) -> features (B,512)
"""

import difflib
import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from extract.backbones import applications, tiny
from extract.backbones.spec import BackboneSpec, Trunk
from video.errors import LookbackError, UsageError

if TYPE_CHECKING:
    import keras

BACKBONES: dict[str, BackboneSpec] = {spec.name: spec for spec in (*applications.SPECS, tiny.SPEC)}

__all__ = ["BACKBONES", "BackboneSpec", "Trunk", "build", "build_trunk", "spec_of"]


def spec_of(name: str) -> BackboneSpec:
    """Return the spec of a backbone.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in BACKBONES:
        close = difflib.get_close_matches(name, BACKBONES, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(BACKBONES)}"
        raise UsageError(f"backbone {name}: there is none of that name; {hint}")
    return BACKBONES[name]


def build(
    name: str, weights: str = "imagenet", classes: int | None = None, side: int | None = None
) -> "keras.Model":
    """Return a backbone as a model.

    Args:
        name: of `BACKBONES`.
        weights: `imagenet`, `none` for random ones, or a weights file of the network.
        classes: with a number, a dense layer of that width follows, with random weights.
        side: of the square input in pixels; the network's own without it.

    Returns:
        A model from uint8 RGB (B, T, H, W, 3) to float32 features (B, D), or logits (B, classes).

    Raises:
        UsageError: there is no such backbone.
        LookbackError: the weights cannot be downloaded or are of another network.
    """
    from extract.framework import keras

    trunk = build_trunk(name, weights, side)
    outputs = keras.layers.GlobalAveragePooling2D(name="pooling")(trunk.model.output)
    if classes:
        outputs = keras.layers.Dense(classes, name="classifier")(outputs)
    return keras.Model(trunk.model.input, outputs, name=name)


def build_trunk(name: str, weights: str = "none", side: int | None = None) -> Trunk:
    """Return a backbone up to its feature map; arguments and errors as for `build`."""
    from extract.framework import keras

    spec = spec_of(name)
    side = side or spec.input_size
    try:
        core = spec.make(side, None)
    except ValueError as error:
        raise UsageError(
            f"preprocessing.input_size {side}: {name} cannot take it ({error})"
        ) from None
    if weights == "imagenet":
        core.set_weights(_imagenet(spec, side).get_weights())
        for layer in core.layers:
            if hasattr(layer, "finalize_state"):
                layer.finalize_state()  # Normalization computes with a copy of its weights
    elif weights != "none":
        load_weights(core, Path(weights), name)
    inputs = keras.Input((spec.clip_length, side, side, 3), dtype="uint8", name="clip")
    pixels = keras.ops.cast(keras.ops.squeeze(inputs, axis=1), "float32")
    outputs = core(spec.scale(pixels))
    model = keras.Model(inputs, outputs, name=f"{name}_trunk")
    return Trunk(model, core, _stages(spec, core))


def load_weights(model: "keras.Model", path: Path, name: str) -> None:
    """Load a weights file (`.weights.h5`, or `.h5` of keras.applications) into `model`.

    Raises:
        LookbackError: there is no such file, it is no weights file, or one of another network.
    """
    if not path.is_file():
        raise LookbackError(f"{path}: there is no such weights file")
    if path.suffix != ".h5":
        raise LookbackError(f"{path}: a weights file's name ends in .weights.h5 or .h5")
    try:
        with warnings.catch_warnings():  # of another network's file Keras warns layer by layer
            warnings.simplefilter("ignore")
            model.load_weights(path)
    except OSError:
        raise LookbackError(f"{path}: cannot be read as a weights file (HDF5)") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        detail = str(error).split("\n")[0].split(". ")[0][:160]
        raise LookbackError(f"{path}: these are not weights of {name} ({detail})") from None


def _imagenet(spec: BackboneSpec, side: int) -> "keras.Model":
    try:
        return spec.make(side, "imagenet")
    except Exception as error:  # Keras raises a bare Exception where a download fails
        if isinstance(error, ValueError) and "published" in str(error):
            raise UsageError(
                f"{spec.name} has no published weights: use --backbone-weights none and train it "
                "with finetune.py, or a file"
            ) from None
        address = re.search(r"https?://\S+?\.h5", str(error))
        if not address:
            raise
        models = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
        raise LookbackError(
            f"{spec.name}: the ImageNet weights cannot be downloaded; fetch {address.group()} on "
            f"another machine and put it into {models}"
        ) from None


def _stages(spec: BackboneSpec, core: "keras.Model") -> dict[str, list]:
    stages: dict[str, list] = {stage: [] for stage in spec.stages}
    current = spec.stages[-1]
    # From the end: a layer without a stage of its own belongs to what it leads to.
    for layer in reversed(core.layers):
        current = spec.stage_of(layer.name) or current
        stages[current].insert(0, layer)
    return stages
