"""Stacked LSTM layers (Hochreiter and Schmidhuber 1997)."""

from sequence.unrolling import is_unrolled
from training.keras_backend import keras

ops = keras.ops


# Registered because `Bidirectional` clones the layer from its config.
@keras.saving.register_keras_serializable("lookback")
class LSTM(keras.layers.LSTM):
    """LSTM of Keras (cuDNN on a GPU), which inside `unrolled` computes the same without a loop."""

    def call(self, sequences, initial_state=None, mask=None, training=False):
        """Return the last state (B, U), or all states (B, L, U) with `return_sequences`."""
        if not is_unrolled():
            return super().call(sequences, initial_state, mask=mask, training=training)
        cell = self.cell
        # One product for all rows: the input's part of the gates does not depend on the state.
        inputs = ops.matmul(sequences, cell.kernel) + cell.bias  # (B, L, 4 U)
        carry = state = ops.zeros_like(inputs[:, 0, : self.units])
        states = []
        order = range(inputs.shape[1])
        for step in reversed(order) if self.go_backwards else order:
            gates = inputs[:, step] + ops.matmul(state, cell.recurrent_kernel)
            input_gate, forget_gate, candidate, output_gate = ops.split(gates, 4, axis=-1)
            carry = ops.sigmoid(forget_gate) * carry
            carry = carry + ops.sigmoid(input_gate) * ops.tanh(candidate)
            state = ops.sigmoid(output_gate) * ops.tanh(carry)
            states.append(state)
        return ops.stack(states, axis=1) if self.return_sequences else state


def recurrent_stack(layer: type, rows, units: tuple[int, ...], dropout: float):
    """Return the last state of stacked recurrent layers, with dropout after each.

    The layers use only what cuDNN supports (tanh and sigmoid, no recurrent dropout, no masking), so
    that a GPU runs the fused cuDNN kernel.

    Args:
        layer: Class of the layers.
        rows: Rows of the windows: (B, L, F).
        units: Width of each layer.
        dropout: Dropout rate, 0..1.

    Returns:
        Vectors (B, units[-1]).
    """
    for number, width in enumerate(units, 1):
        rows = layer(width, return_sequences=number < len(units), name=f"recurrent{number}")(rows)
        rows = keras.layers.Dropout(dropout)(rows)
    return rows


def lstm(rows, units: tuple[int, ...], dropout: float):
    """Return the last state of the last LSTM layer, (B, units[-1]), see `recurrent_stack`."""
    return recurrent_stack(LSTM, rows, units, dropout)
