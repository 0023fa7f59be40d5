"""Backbones: networks with their weights that turn clips into features.

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
    """Return a backbone as a model.

    Args:
        name: of `BACKBONES`.
        weights: `imagenet`, `kinetics400`, `none` for random ones, or a weights file of the
            network; None for its published ones.
        classes: with a number, a dense layer of that width follows: the one in the weights file
            where that has one of this width, else with random weights.
        side, clip_length: of the square input in pixels, and T; the network's own without them.

    Returns:
        A model from uint8 RGB (B, T, H, W, 3) to float32 features (B, D), or logits (B, classes).

    Raises:
        UsageError: there is no such backbone, or it cannot take that input.
        LookbackError: the weights cannot be downloaded or are of another network.
    """
    return build_model(spec_of(name), weights, classes, side, clip_length)


def build_trunk(
    name: str,
    weights: str | None = "none",
    side: int | None = None,
    clip_length: int | None = None,
) -> Trunk:
    """Return a backbone up to its features or feature map; arguments and errors as for `build`."""
    return make_trunk(spec_of(name), weights, side, clip_length)
