"""Stacked LSTM layers (Hochreiter and Schmidhuber 1997)."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from training.keras_backend import keras

ops = keras.ops
_step_by_step: ContextVar[bool] = ContextVar("recurrent layers step by step", default=False)


@contextmanager
def step_by_step() -> Iterator[None]:
    """Trace every `LSTM` without a loop, for a converter: OpenVINO runs a loop's body as a network
    of its own, and reads the input's weights anew in each round (1280 features, 16 steps: 1.5 ms
    against 0.4)."""
    token = _step_by_step.set(True)
    try:
        yield
    finally:
        _step_by_step.reset(token)


@keras.saving.register_keras_serializable("lookback")  # Bidirectional makes two of its settings
class LSTM(keras.layers.LSTM):
    """Keras' LSTM, on a GPU by cuDNN; under `step_by_step` the same numbers without a loop."""

    def call(self, sequences, initial_state=None, mask=None, training=False):
        """Rows (B, L, F) to the last state (B, U), or with `return_sequences` all (B, L, U)."""
        if not _step_by_step.get():
            return super().call(sequences, initial_state, mask=mask, training=training)
        cell = self.cell
        # Of all rows at once: what a row adds to the gates does not depend on the state.
        added = ops.matmul(sequences, cell.kernel) + cell.bias  # (B, L, 4 U)
        carry = state = ops.zeros_like(added[:, 0, : self.units])
        states = []
        order = range(added.shape[1])
        for step in reversed(order) if self.go_backwards else order:
            gates = added[:, step] + ops.matmul(state, cell.recurrent_kernel)
            into, keep, new, out = ops.split(gates, 4, axis=-1)
            carry = ops.sigmoid(keep) * carry + ops.sigmoid(into) * ops.tanh(new)
            state = ops.sigmoid(out) * ops.tanh(carry)
            states.append(state)
        return ops.stack(states, axis=1) if self.return_sequences else state


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
    return recurrent_stack(LSTM, rows, units, dropout)
