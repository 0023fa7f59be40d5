"""Statistics of a window with a linear classifier: no order of the steps, and few weights.

With the differences that `sequence.delta` appends to the rows, the statistics are mean, deviation
and mean absolute difference, as in the baseline `moments` (sequence/baselines.py), which takes them
over a whole clip. They are not standardized again: that amplifies what differs between the windows
of a small training set. The classifier has an L2 penalty and starts at 0 (`sequence.heads.Head`).
docs/accuracy.md compares it with the other heads.
"""

from training.keras_backend import keras

ops = keras.ops


@keras.saving.register_keras_serializable(package="lookback")
class WindowStatistics(keras.layers.Layer):
    """Mean and standard deviation of the rows: (B, L, F) to (B, 2 F)."""

    def call(self, rows):
        """Return the statistics of rows (B, L, F): (B, 2 F)."""
        mean = ops.mean(rows, axis=1)
        deviation = ops.sqrt(ops.mean(ops.square(rows - mean[:, None]), axis=1))
        return ops.concatenate([mean, deviation], axis=-1)

    def compute_output_shape(self, shape):
        """Return the shape of the output, (B, 2 F)."""
        return (shape[0], 2 * shape[-1])


def statistics(rows, units: tuple[int, ...], dropout: float):
    """Return mean and deviation of the rows; with the classifier that follows, the model is linear.

    Args:
        rows: Rows of the windows: (B, L, F).
        units: Unused: there is no layer between the statistics and the classifier.
        dropout: Dropout rate of the statistics, 0..1.

    Returns:
        Vectors (B, 2 F).
    """
    return keras.layers.Dropout(dropout)(WindowStatistics(name="statistics")(rows))
