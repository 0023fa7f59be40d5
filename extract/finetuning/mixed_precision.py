"""Mixed precision: half the bits on a GPU's matrix units, float32 where it would hurt."""

from collections.abc import Iterator
from contextlib import contextmanager

from training.keras_backend import gpus, keras


def training_precision(chosen: str) -> str:
    """Return the Keras policy that a recipe's `finetune.mixed_precision` means on this machine.

    On a CPU mixed precision is several times slower than float32, so `auto` takes it on a GPU only.
    """
    if chosen != "auto":
        return chosen
    return "mixed_float16" if gpus() else "float32"


@contextmanager
def layers_in(policy: str) -> Iterator[None]:
    """Build layers under a dtype policy; those built outside keep theirs."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
