"""Mixed precision: 16-bit computation on a GPU, float32 weights."""

from collections.abc import Iterator
from contextlib import contextmanager

from training.keras_backend import gpus, keras


def training_precision(chosen: str) -> str:
    """Return the Keras dtype policy for a recipe's `finetune.mixed_precision` on this machine.

    On a CPU mixed precision is several times slower than float32, so `auto` uses it on a GPU only.
    """
    if chosen != "auto":
        return chosen
    return "mixed_float16" if gpus() else "float32"


@contextmanager
def layers_in(policy: str) -> Iterator[None]:
    """Set the dtype policy of layers that are built in the block."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
