"""Building an architecture's graph: uint8 input, core and classifier."""

from extract.architectures.layer_names import layer_name, module_name
from extract.architectures.spec import BackboneSpec
from training.keras_backend import keras
from video.errors import UsageError

# The suffix of a network's name if it includes the classifier.
CLASSIFIER = "_classifier"


def build_core(
    spec: BackboneSpec, side: int | None = None, clip_length: int | None = None
) -> "keras.Model":
    """Return a backbone's core with random weights.

    It maps scaled float32 pixels to features or a feature map. Published weights belong to it.

    Args:
        spec: Backbone to build.
        side: Side of the square input in pixels; None for the spec's own.
        clip_length: T, frames per clip; None for the spec's own.

    Raises:
        UsageError: The network cannot take this side or clip length.
    """
    side, frames = side or spec.input_size, clip_length or spec.clip_length
    try:
        return spec.make(frames, side, None)
    except ValueError as error:
        raise UsageError(
            f"preprocessing.input_size {side}"
            + (f", sampling.clip_length {frames}" if spec.is_clip_network else "")
            + f": {spec.name} cannot take it ({error})"
        ) from None


def from_pixels(spec: BackboneSpec, core: "keras.Model", change: bool = False) -> "keras.Model":
    """Return the core with uint8 clips (B, T, H, W, 3) as input and pixel scaling inside.

    Args:
        spec: Backbone.
        core: Its core.
        change: Whether an image network sees the change picture of two frames, the earlier one
            first; T is then 2.
    """
    frames = core.input_shape[1] if spec.is_clip_network else 1 + change
    inputs = keras.Input((frames, *core.input_shape[-3:]), dtype="uint8", name="clip")
    if change:
        from extract.architectures.change_picture import ChangePicture  # loads Keras

        pixels = ChangePicture(name="change_picture", dtype="float32", autocast=False)(inputs)
    else:
        images = inputs if spec.is_clip_network else keras.ops.squeeze(inputs, axis=1)
        pixels = keras.ops.cast(images, "float32")
    outputs = core(spec.scale(pixels))
    return keras.Model(inputs, outputs, name=f"{spec.name}_trunk")


def with_classifier(core: "keras.Model", spec: BackboneSpec, classes: int) -> "keras.Model":
    """Return a core followed by its classifier, a dense layer; a feature map is pooled first.

    The model maps scaled float32 pixels (B, T, H, W, 3), or (B, H, W, 3) of an image network, to
    logits (B, classes). Converted weights files hold this form.
    """
    features = core.output
    if len(core.output_shape) == 4:
        features = keras.layers.GlobalAveragePooling2D(name="pooling")(features)
    outputs = keras.layers.Dense(classes, name=layer_name(spec.classifier))(features)
    return keras.Model(core.input, outputs, name=f"{spec.name}{CLASSIFIER}")


def stages_of(spec: BackboneSpec, core: "keras.Model") -> dict[str, list]:
    """Return the core's layers by stage, in forward order."""
    stages: dict[str, list] = {stage: [] for stage in spec.stages}
    current = spec.stages[-1]
    # Walk backward: a layer whose name shows no stage belongs to the stage of the layer after it.
    for layer in reversed(core.layers):
        current = spec.stage_of(module_name(layer.name)) or current
        stages[current].insert(0, layer)
    return stages
