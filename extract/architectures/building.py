"""The graph of an architecture: its core, uint8 pixels in front, a classifier behind."""

from extract.architectures.layer_names import layer_name, module_name
from extract.architectures.spec import BackboneSpec
from training.keras_backend import keras
from video.errors import UsageError

# The suffix of a network's name where it includes the classifier.
CLASSIFIER = "_classifier"


def build_core(
    spec: BackboneSpec, side: int | None = None, clip_length: int | None = None
) -> keras.Model:
    """Return the part of a backbone that published weights belong to, with random weights: from
    scaled float32 pixels to its features or feature map."""
    side, frames = side or spec.input_size, clip_length or spec.clip_length
    try:
        return spec.make(frames, side, None)
    except ValueError as error:
        raise UsageError(
            f"preprocessing.input_size {side}"
            + (f", sampling.clip_length {frames}" if spec.is_clip_network else "")
            + f": {spec.name} cannot take it ({error})"
        ) from None


def from_pixels(spec: BackboneSpec, core: keras.Model) -> keras.Model:
    """Return a core over uint8 clips (B, T, H, W, 3), scaling included."""
    frames = core.input_shape[1] if spec.is_clip_network else 1
    inputs = keras.Input((frames, *core.input_shape[-3:]), dtype="uint8", name="clip")
    pixels = inputs if spec.is_clip_network else keras.ops.squeeze(inputs, axis=1)
    outputs = core(spec.scale(keras.ops.cast(pixels, "float32")))
    return keras.Model(inputs, outputs, name=f"{spec.name}_trunk")


def with_classifier(core: keras.Model, spec: BackboneSpec, classes: int) -> keras.Model:
    """Return a clip network's core with the dense layer that published weights end in, as weight
    files hold it: float32 (B, T, H, W, 3) to logits (B, classes)."""
    outputs = keras.layers.Dense(classes, name=layer_name(spec.classifier))(core.output)
    return keras.Model(core.input, outputs, name=f"{spec.name}{CLASSIFIER}")


def stages_of(spec: BackboneSpec, core: keras.Model) -> dict[str, list]:
    """Return the core's layers by stage, in the order that data passes them."""
    stages: dict[str, list] = {stage: [] for stage in spec.stages}
    current = spec.stages[-1]
    # From the end: a layer without a stage of its own belongs to what it leads to.
    for layer in reversed(core.layers):
        current = spec.stage_of(module_name(layer.name)) or current
        stages[current].insert(0, layer)
    return stages
