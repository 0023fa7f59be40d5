"""Conversion of a checkpoint to a weights file of a backbone."""

from pathlib import Path

import numpy as np

from extract.architectures.building import with_classifier
from extract.architectures.layer_names import public_name
from extract.architectures.registry import spec_of
from extract.architectures.spec import BackboneSpec
from extract.convert.catalogue import KINETICS, find_entry
from extract.convert.checkpoint_reader import read_checkpoint
from extract.convert.class_names import find_labels
from extract.convert.download import sha256_of
from extract.convert.kinetics import kinetics400
from extract.convert.verified_writing import require_ending, write_checked
from extract.convert.weights_info import WeightsInfo
from training.keras_backend import keras
from video.console import logger
from video.errors import LookbackError, UsageError

_LOG = logger(__name__)


def convert_checkpoint(
    name: str,
    checkpoint: Path,
    out: Path,
    without_head: bool = False,
    labels_file: Path | None = None,
) -> WeightsInfo:
    """Convert a checkpoint to a weights file of the backbone `name`.

    Args:
        name: Name of a clip network, or of an EfficientNet-Lite.
        checkpoint: Official file, or one of the same network trained on other classes.
        out: Path of the weights file, ending in `.weights.h5`. It is replaced atomically, and only
            after the new file was loaded again and gave finite outputs.
        without_head: Whether to leave the classifier out.
        labels_file: Text file with the class names, one per line; None to find them.

    Returns:
        The description that was written into the file with the weights.

    Raises:
        UsageError: No such network has this name, or `out` does not end in `.weights.h5`.
        LookbackError: The checkpoint is damaged, has more than weights, or is for another network.
    """
    spec = _convertible(name)
    require_ending(out)
    tensors = {public_name(name): value for name, value in read_checkpoint(checkpoint).items()}
    classes = _classes(spec, tensors)
    model = _network(spec, 0 if without_head else classes)
    body = {n: t for n, t in tensors.items() if not n.startswith(f"{spec.classifier}.")}
    from extract.convert.weight_porting import assign  # loads Keras

    assign(model, body if without_head or not classes else tensors, str(checkpoint))
    if not classes and not without_head:  # for another network `assign` has failed already
        raise LookbackError(
            f"{checkpoint}: the classifier's tensor {spec.classifier}.weight is missing; "
            "--without-head converts the network without its classifier"
        )
    if not classes:
        _LOG.info(f"{checkpoint}: has no classifier ({spec.classifier}), so none is left out.")
    labels = find_labels(checkpoint, 0 if without_head else classes, labels_file)
    if labels == kinetics400() and not spec.is_clip_network and not labels_file:
        labels = None  # 400 other classes: images do not show actions
    elif labels == kinetics400() and not labels_file:
        _LOG.info("The 400 classes get the names of Kinetics-400; --labels FILE sets others.")
    info = _info(spec, checkpoint, classes, labels, without_head)
    write_checked(model, _network(spec, info.classes), out, str(checkpoint), info)
    return info


def _network(spec: BackboneSpec, classes: int) -> "keras.Model":
    """Return the network in the form of weights files, with random weights."""
    core = spec.make(spec.clip_length, spec.input_size, None)
    return with_classifier(core, spec, classes) if classes else core


def _convertible(name: str) -> BackboneSpec:
    spec = spec_of(name)
    if spec.classifier is None:
        raise UsageError(
            f"{name}: only checkpoints of clip networks and of EfficientNet-Lite are converted; "
            "for this image network use --backbone-weights imagenet"
        )
    return spec


def _classes(spec: BackboneSpec, tensors: dict[str, np.ndarray]) -> int:
    """Return the number of classes of the checkpoint's classifier; 0 without one."""
    kernel = tensors.get(f"{spec.classifier}.weight")
    return 0 if kernel is None or not kernel.ndim else kernel.shape[0]


def _info(
    spec: BackboneSpec,
    checkpoint: Path,
    classes: int,
    labels: tuple[str, ...] | None,
    without_head: bool,
) -> WeightsInfo:
    entry = find_entry(spec.name, classes)
    if entry and entry.trained_on == KINETICS and labels not in (None, kinetics400()):
        entry = None  # 400 other classes
    return WeightsInfo(
        network=spec.name,
        clip_length=spec.clip_length,
        input_size=spec.input_size,
        classes=0 if without_head else classes,
        labels=labels,
        # Fine-tuned weights stay under the license of the published ones.
        licence=entry.licence if entry else spec.licence,
        trained_on=entry.trained_on if entry else "unknown",
        source=checkpoint.name,
        source_sha256=sha256_of(checkpoint),
        converted_with={"keras": keras.__version__, "numpy": np.__version__},
    )
