"""A published checkpoint becomes a weights file of one of the clip networks."""

from pathlib import Path

import numpy as np

from extract.architectures.building import with_classifier
from extract.architectures.registry import spec_of
from extract.architectures.spec import BackboneSpec
from extract.convert.catalogue import KINETICS, recognised
from extract.convert.checkpoint_reader import read_checkpoint
from extract.convert.class_names import labels_for
from extract.convert.download import sha256_of
from extract.convert.kinetics import kinetics400
from extract.convert.verified_writing import require_ending, write_checked
from extract.convert.weight_porting import assign
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
    """Write the weights of a checkpoint as a weights file of the backbone `name`.

    Args:
        name: of a clip network.
        checkpoint: the official file, or one of the same network trained on other classes.
        out: ends in `.weights.h5`; replaced in one step, and only by a file that was loaded again
            and gave finite numbers.
        without_head: leave the classifier out.
        labels_file: names of the classes, one a line.

    Returns:
        What was written into the file beside the weights.

    Raises:
        UsageError: there is no such clip network, or `out` has another ending.
        LookbackError: the checkpoint is broken, holds more than weights or is of another network.
    """
    spec = _clip_network(name)
    require_ending(out)
    tensors = read_checkpoint(checkpoint)
    classes = _classes(spec, tensors)
    model = _network(spec, 0 if without_head else classes)
    body = {n: t for n, t in tensors.items() if not n.startswith(f"{spec.classifier}.")}
    assign(model, body if without_head or not classes else tensors, str(checkpoint))
    if not classes and not without_head:  # of another network, `assign` has said so
        raise LookbackError(
            f"{checkpoint}: the tensor {spec.classifier}.weight is missing; --without-head "
            "converts the network without its classifier"
        )
    if not classes:
        _LOG.info(f"{checkpoint}: has no classifier ({spec.classifier}) to leave out.")
    labels = labels_for(checkpoint, 0 if without_head else classes, labels_file)
    if labels == kinetics400() and not labels_file:
        _LOG.info("400 classes: taken for those of Kinetics-400; --labels FILE names others.")
    info = _info(spec, checkpoint, classes, labels, without_head)
    write_checked(model, _network(spec, info.classes), out, str(checkpoint), info)
    return info


def _network(spec: BackboneSpec, classes: int) -> keras.Model:
    """Return the network as weights files hold it, with random weights."""
    core = spec.make(spec.clip_length, spec.input_size, None)
    return with_classifier(core, spec, classes) if classes else core


def _clip_network(name: str) -> BackboneSpec:
    spec = spec_of(name)
    if not spec.is_clip_network:
        raise UsageError(
            f"{name}: only clip networks are converted; this one's weights come by name "
            "(--backbone-weights imagenet)"
        )
    return spec


def _classes(spec: BackboneSpec, tensors: dict[str, np.ndarray]) -> int:
    """Return how many classes the checkpoint's classifier tells apart; 0 without one."""
    kernel = tensors.get(f"{spec.classifier}.weight")
    return 0 if kernel is None or not kernel.ndim else kernel.shape[0]


def _info(
    spec: BackboneSpec,
    checkpoint: Path,
    classes: int,
    labels: tuple[str, ...] | None,
    without_head: bool,
) -> WeightsInfo:
    entry = recognised(spec.name, classes)
    if entry and entry.trained_on == KINETICS and labels not in (None, kinetics400()):
        entry = None  # somebody else's 400 classes
    return WeightsInfo(
        network=spec.name,
        clip_length=spec.clip_length,
        input_size=spec.input_size,
        classes=0 if without_head else classes,
        labels=labels,
        # Weights that were trained on from published ones stay under their licence.
        licence=entry.licence if entry else spec.licence,
        trained_on=entry.trained_on if entry else "unknown",
        source=checkpoint.name,
        source_sha256=sha256_of(checkpoint),
        converted_with={"keras": keras.__version__, "numpy": np.__version__},
    )
