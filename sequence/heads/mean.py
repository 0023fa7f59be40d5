"""Mean of the window and a dense layer: a baseline that ignores the order of the steps."""

from training.keras_backend import keras


def mean(rows, units: tuple[int, ...], dropout: float):
    """Return a dense layer over the mean of the rows.

    Args:
        rows: Rows of the windows: (B, L, F).
        units: Widths of the layers; only the last is used.
        dropout: Dropout rate of the mean, 0..1.

    Returns:
        Vectors (B, units[-1]).
    """
    layers = keras.layers
    pooled = layers.Dropout(dropout)(layers.GlobalAveragePooling1D()(rows))
    return layers.Dense(units[-1], activation="relu", name="hidden")(pooled)
