"""The average of the window, then a dense layer: what tells whether the order of time matters."""

from training.keras_backend import keras


def mean(rows, units: tuple[int, ...], dropout: float):
    """Rows (B, L, F) to a dense layer of their mean (B, units[-1])."""
    layers = keras.layers
    pooled = layers.Dropout(dropout)(layers.GlobalAveragePooling1D()(rows))
    return layers.Dense(units[-1], activation="relu", name="hidden")(pooled)
