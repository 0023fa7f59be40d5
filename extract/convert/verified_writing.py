"""Writing a converted network: under another name first, loaded again, then moved into place."""

from pathlib import Path

import numpy as np

from extract.convert.weights_info import WeightsInfo, write_info
from training.keras_backend import keras
from video.atomic_write import atomic_write
from video.errors import LookbackError, UsageError

_ENDING = ".weights.h5"
# Instants of the input that a network of any length is tried with.
_INSTANTS = 8


def require_ending(out: Path) -> None:
    """Raise `UsageError` where a file's name is not one that Keras takes for weights."""
    if not out.name.endswith(_ENDING):
        raise UsageError(f"--out {out}: the name of a weights file ends in {_ENDING}")


def write_checked(
    model: keras.Model, again: keras.Model, out: Path, source: str, info: WeightsInfo | None = None
) -> None:
    """Write the weights of `model` to `out`, in one step and only if they are sound.

    Args:
        model: what is written.
        again: the same network; the file is loaded into it for the check.
        out: ends in `.weights.h5`.
        source: the checkpoint, for messages.
        info: written into the file as well.

    Raises:
        LookbackError: numbers are missing, or a random input gives infinities.
    """
    with atomic_write(out) as temporary:
        model.save_weights(temporary)
        if info:
            write_info(temporary, info)
        again.load_weights(temporary)
        _check(model, again, source)


def _check(model: keras.Model, again: keras.Model, source: str) -> None:
    pairs = list(zip(model.get_weights(), again.get_weights(), strict=True))
    if not all(np.isfinite(written).all() for written, _ in pairs):
        raise LookbackError(f"{source}: holds infinities or no numbers (NaN); fetch it again")
    if not all(np.array_equal(written, read) for written, read in pairs):
        raise LookbackError(f"{source}: the file written holds other numbers; check the disk")
    shape = [1, *(size or _INSTANTS for size in model.input_shape[1:])]
    inputs = np.random.default_rng(0).normal(size=shape).astype("float32")
    if not np.isfinite(keras.ops.convert_to_numpy(again(inputs, training=False))).all():
        raise LookbackError(f"{source}: a random input gives infinities or no numbers (NaN)")
