"""Stacked LSTM layers (Hochreiter and Schmidhuber 1997)."""

from extract.framework import keras


def recurrent_stack(layer: type, rows, units: tuple[int, ...], dropout: float):
    """Return the last state of stacked recurrent layers, with dropout between and after them.

    The layers keep to what cuDNN computes (tanh and sigmoid, no recurrent dropout, no masking), so
    that a GPU runs its fused kernel.
    """
    for number, width in enumerate(units, 1):
        rows = layer(width, return_sequences=number < len(units), name=f"recurrent{number}")(rows)
        rows = keras.layers.Dropout(dropout)(rows)
    return rows


def lstm(rows, units: tuple[int, ...], dropout: float):
    """Rows (B, L, F) to the last LSTM layer's last state (B, units[-1])."""
    return recurrent_stack(keras.layers.LSTM, rows, units, dropout)
