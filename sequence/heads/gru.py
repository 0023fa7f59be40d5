"""Stacked GRU layers (Cho et al. 2014)."""

from sequence.heads.lstm import recurrent_stack
from training.keras_backend import keras


def gru(rows, units: tuple[int, ...], dropout: float):
    """Return the last state of the last GRU layer, (B, units[-1]), see `recurrent_stack`."""
    return recurrent_stack(keras.layers.GRU, rows, units, dropout)
