"""What a backbone is: uint8 RGB clips (B, T, H, W, 3) in, a feature map out, stages to freeze."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Trunk:
    """A built backbone.

    Attributes:
        model: uint8 (B, T, H, W, 3) to a float32 feature map (B, h, w, C); pixel scaling is inside.
        core: the part that published weights belong to.
        stages: the core's layers by stage, in the order that data passes them.
    """

    model: "keras.Model"
    core: "keras.Model"
    stages: "dict[str, list[keras.layers.Layer]]"


@dataclass(frozen=True)
class BackboneSpec:
    """A backbone by name.

    Attributes:
        name: as `--backbone` takes it.
        clip_length: T, frames that one feature sees; 1 for frame networks.
        input_size: side of the square input in pixels that it was made for.
        stages: names of its stages, first to last.
        source: paper, and where the weights come from.
        licence: of the published weights.
        make: builds the core for an input side, with weights `imagenet` or None.
        scale: maps float32 pixels 0..255 to what the core expects, inside the graph.
        stage_of: returns the stage that a layer's name shows, or None.
    """

    name: str
    clip_length: int
    input_size: int
    stages: tuple[str, ...]
    source: str
    licence: str
    make: "Callable[[int, str | None], keras.Model]" = field(repr=False)
    scale: "Callable[[keras.KerasTensor], keras.KerasTensor]" = field(repr=False)
    stage_of: Callable[[str], str | None] = field(repr=False)
