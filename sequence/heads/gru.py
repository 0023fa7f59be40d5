"""Stacked GRU layers (Cho et al. 2014)."""

from extract.framework import keras
from sequence.heads.lstm import recurrent_stack


def gru(rows, units: tuple[int, ...], dropout: float):
    """Rows (B, L, F) to the last GRU layer's last state (B, units[-1])."""
    return recurrent_stack(keras.layers.GRU, rows, units, dropout)
