"""Registry of all backbones. To add one, write a module with its spec and add one line here."""

from extract.architectures import (
    efficient_x3d,
    efficientnet_lite,
    i3d,
    keras_applications,
    r2plus1d,
    slowfast,
    timesformer,
    tiny,
    videomae,
    x3d,
)
from extract.architectures.spec import BackboneSpec
from video.errors import UsageError, hint

BACKBONES: dict[str, BackboneSpec] = {
    spec.name: spec
    for spec in (
        *keras_applications.SPECS,
        *efficientnet_lite.SPECS,
        tiny.SPEC,
        *x3d.SPECS,
        *efficient_x3d.SPECS,
        i3d.SPEC,
        r2plus1d.SPEC,
        *slowfast.SPECS,
        *videomae.SPECS,
        timesformer.SPEC,
    )
}


def spec_of(name: str) -> BackboneSpec:
    """Return the spec of a backbone.

    Raises:
        UsageError: No backbone has this name.
    """
    if name not in BACKBONES:
        raise UsageError(f"backbone {name}: there is none of that name; {hint(name, BACKBONES)}")
    return BACKBONES[name]
