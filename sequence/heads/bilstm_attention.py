"""A bidirectional LSTM whose rows are averaged by attention.

Akti, Tataroglu and Ekenel (2019) use the like on fights; the attention is that of Bahdanau et al.
(2014) with a learned query.
"""

from sequence.heads.lstm import LSTM
from training.keras_backend import keras


def bilstm_attention(rows, units: tuple[int, ...], dropout: float):
    """Rows (B, L, F) to the attention-weighted mean of both directions' states (B, 2 units[0])."""
    layers = keras.layers
    lstm = LSTM(units[0], return_sequences=True, name="recurrent1")
    states = layers.Dropout(dropout)(layers.Bidirectional(lstm)(rows))
    hidden = layers.Dense(units[-1], activation="tanh", name="attention_hidden")(states)
    scores = layers.Dense(1, use_bias=False, name="attention_scores")(hidden)
    weights = layers.Softmax(axis=1)(scores)  # over the L rows
    pooled = layers.Dot(axes=1)([weights, states])  # (B, 1, 2 units[0])
    return layers.Flatten()(pooled)
