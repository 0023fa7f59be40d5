"""Backbones: networks with weights that turn clips into features.

from extract.backbones import build
model = build("x3d_s", weights="FILE.weights.h5", classes=400)   # uint8 (B,13,160,160,3) -> (B,400)
model = build("vgg16", weights="imagenet")         # uint8 (B,1,224,224,3) -> features (B,512)
"""

from typing import TYPE_CHECKING

from extract.architectures.registry import BACKBONES, spec_of
from extract.architectures.spec import BackboneSpec, Trunk
from extract.backbones.pretrained import build_model, load_weights, make_trunk

if TYPE_CHECKING:
    import keras


__all__ = ["BACKBONES", "BackboneSpec", "Trunk", "build", "build_trunk", "load_weights", "spec_of"]


def build(
    name: str,
    weights: str | None = None,
    classes: int | None = None,
    side: int | None = None,
    clip_length: int | None = None,
) -> "keras.Model":
    """Return a backbone as a Keras model.

    Args:
        name: Name of the backbone, a key of `BACKBONES`.
        weights: `imagenet`, `kinetics400`, `pypi`, `none` for random weights, or the path of a
            weights file; None for the published weights.
        classes: Number of classes of a classifier to add; None for features. The classifier has the
            weights of the file if it contains one of this width, else random ones.
        side: Side of the square input in pixels; None for the network's own.
        clip_length: T, frames per clip; None for the network's own.

    Returns:
        A model from uint8 RGB (B, T, H, W, 3) to float32 features (B, D), or logits (B, classes).

    Raises:
        UsageError: No backbone has this name, or it cannot take this input.
        LookbackError: The weights cannot be downloaded or belong to another network.
    """
    return build_model(spec_of(name), weights, classes, side, clip_length)


def build_trunk(
    name: str,
    weights: str | None = "none",
    side: int | None = None,
    clip_length: int | None = None,
    change: bool = False,
) -> Trunk:
    """Return a backbone without a classifier, up to its features or feature map.

    Args:
        name: Name of the backbone, a key of `BACKBONES`.
        weights: Weights as for `build`.
        side: Side of the square input in pixels; None for the network's own.
        clip_length: T, frames per clip; None for the network's own.
        change: Whether an image network sees the change picture of two frames; T is then 2.

    Raises:
        UsageError: No backbone has this name, or it cannot take this input.
        LookbackError: The weights cannot be downloaded or belong to another network.
    """
    return make_trunk(spec_of(name), weights, side, clip_length, change)
