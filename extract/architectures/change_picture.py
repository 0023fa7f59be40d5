"""The change picture: what moved between two frames, as the input of an image network.

It is the signed difference of the frames in color around mid-gray. On fixed cameras an image
network that sees it separates actions better than one that sees the frames; docs/accuracy.md has
numbers.
"""

from training.keras_backend import keras

_GRAY = 127.5


@keras.saving.register_keras_serializable(package="lookback")
class ChangePicture(keras.layers.Layer):
    """Subtracts the earlier of two frames from the later one.

    Float32 (B, 2, H, W, 3) in 0..255, the earlier frame first, becomes 127.5 + later - earlier,
    clipped to 0..255: float32 (B, H, W, 3).
    """

    def call(self, frames):
        """Return the change pictures: float32 (B, H, W, 3)."""
        later, earlier = (keras.ops.cast(frames[:, n], "float32") for n in (1, 0))
        return keras.ops.clip(later - earlier + _GRAY, 0.0, 255.0)

    def compute_output_shape(self, shape):
        """Return the shape of the output, which has no axis of time."""
        return (shape[0], *shape[2:])
