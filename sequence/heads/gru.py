"""Stacked GRU layers (Cho et al. 2014)."""

from sequence.heads.lstm import recurrent_stack
from training.keras_backend import keras


def gru(rows, units: tuple[int, ...], dropout: float):
    """Rows (B, L, F) to the last GRU layer's last state (B, units[-1])."""
    return recurrent_stack(keras.layers.GRU, rows, units, dropout)
