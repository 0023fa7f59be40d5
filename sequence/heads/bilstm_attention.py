"""Bidirectional LSTM with attention pooling.

Akti, Tataroglu and Ekenel (2019) use a similar model for fight detection. The attention is that of
Bahdanau et al. (2014) with a learned query.
"""

from sequence.heads.lstm import LSTM
from training.keras_backend import keras


def bilstm_attention(rows, units: tuple[int, ...], dropout: float):
    """Return the attention-weighted mean of the states of both directions.

    Args:
        rows: Rows of the windows: (B, L, F).
        units: Width of the LSTM, first, and of the attention's hidden layer, last.
        dropout: Dropout rate of the states, 0..1.

    Returns:
        Vectors (B, 2 units[0]).
    """
    layers = keras.layers
    lstm = LSTM(units[0], return_sequences=True, name="recurrent1")
    states = layers.Dropout(dropout)(layers.Bidirectional(lstm)(rows))
    hidden = layers.Dense(units[-1], activation="tanh", name="attention_hidden")(states)
    scores = layers.Dense(1, use_bias=False, name="attention_scores")(hidden)
    weights = layers.Softmax(axis=1)(scores)  # over the L rows
    pooled = layers.Dot(axes=1)([weights, states])  # (B, 1, 2 units[0])
    return layers.Flatten()(pooled)
