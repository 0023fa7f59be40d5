"""What a backbone is: uint8 RGB clips (B, T, H, W, 3) in, features out, stages to freeze."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Normalisation:
    """Pixels 0..255 to (x / 255 - mean) / deviation, a value a channel, inside the graph."""

    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]

    def __call__(self, pixels: "keras.KerasTensor") -> "keras.KerasTensor":
        import keras

        mean = keras.ops.array(self.mean, "float32")
        return (pixels / 255.0 - mean) / keras.ops.array(self.deviation, "float32")


@dataclass(frozen=True)
class Trunk:
    """A built backbone.

    Attributes:
        model: uint8 (B, T, H, W, 3) to float32: a feature map (B, h, w, C) of an image network, the
            features (B, D) of a clip network. Pixel scaling is inside.
        core: the part that published weights belong to.
        stages: the core's layers by stage, in the order that data passes them.
    """

    model: "keras.Model"
    core: "keras.Model"
    stages: "dict[str, list[keras.layers.Layer]]"

    @property
    def gives_features(self) -> bool:
        """Whether the network pools by itself, so that nothing is left to pool."""
        return len(self.model.output_shape) == 2


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
        make: builds the core for (T, side, weights); weights are `imagenet` or None.
        scale: maps float32 pixels 0..255 to what the core expects, inside the graph.
        stage_of: returns the stage that a layer's name shows, or None.
        feature_size: D, the width that enters its own classifier.
        parameters: how many numbers are learnt, with the classifier of a clip network (400 classes)
            and without that of an image network.
        gflops: billions of multiplications with additions for one input, as the field counts.
        published: the name of its published weights, `imagenet` or `kinetics400`; None without any.
        accuracy: what was published of those weights, with its source; for the catalogue.
        frame_rate: frames a second of a clip as it was trained; None for frame networks.
        short_side: a picture is scaled until its short side has so many pixels, and its middle is
            taken; 0 stretches the whole picture into the input.
        classifier: name of the dense layer that published weights end in; None without one.
        classes: of that layer.
    """

    name: str
    clip_length: int
    input_size: int
    stages: tuple[str, ...]
    source: str
    licence: str
    make: "Callable[[int, int, str | None], keras.Model]" = field(repr=False)
    scale: "Callable[[keras.KerasTensor], keras.KerasTensor]" = field(repr=False)
    stage_of: Callable[[str], str | None] = field(repr=False)
    feature_size: int
    parameters: int
    gflops: float
    published: str | None
    accuracy: str = ""
    frame_rate: float | None = None
    short_side: int = 0
    classifier: str | None = None
    classes: int = 400

    @property
    def is_clip_network(self) -> bool:
        return self.classifier is not None

    @property
    def is_transformer(self) -> bool:
        return "embeddings" in self.stages

    def weights_meant(self, weights: str | None) -> str:
        """Return `weights` as `build` takes them: what was published where nothing is said."""
        return weights or self.published or "none"
