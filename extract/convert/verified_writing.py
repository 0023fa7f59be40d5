"""Verified writing of converted weights: write, load again, compare, then move into place."""

from pathlib import Path

import numpy as np

from extract.convert.weights_info import WeightsInfo, write_info
from training.keras_backend import keras
from video.atomic_write import atomic_write
from video.errors import LookbackError, UsageError

_ENDING = ".weights.h5"
# Time steps of the test input of a network that takes any number of them.
_TIME_STEPS = 8


def require_ending(out: Path) -> None:
    """Raise `UsageError` if a file's name does not end in `.weights.h5`."""
    if not out.name.endswith(_ENDING):
        raise UsageError(f"--out {out}: the name of a weights file ends in {_ENDING}")


def write_checked(
    model: "keras.Model",
    again: "keras.Model",
    out: Path,
    source: str,
    info: WeightsInfo | None = None,
) -> None:
    """Write the weights of `model` to `out` atomically, and only if they pass the checks.

    Args:
        model: Model with the weights.
        again: Second instance of the same network, into which the file is loaded for the checks.
        out: Path of the weights file, ending in `.weights.h5`.
        source: Path of the checkpoint, for messages.
        info: Description to write into the file; None for none.

    Raises:
        LookbackError: A weight is infinite or NaN, the file differs from the model, or a random
            input gives infinite or NaN outputs.
    """
    with atomic_write(out) as temporary:
        model.save_weights(temporary)
        if info:
            write_info(temporary, info)
        again.load_weights(temporary)
        _check(model, again, source)


def _check(model: "keras.Model", again: "keras.Model", source: str) -> None:
    pairs = list(zip(model.get_weights(), again.get_weights(), strict=True))
    if not all(np.isfinite(written).all() for written, _ in pairs):
        raise LookbackError(f"{source}: holds infinite or NaN weights; download it again")
    if not all(np.array_equal(written, read) for written, read in pairs):
        raise LookbackError(f"{source}: the written file differs from the weights; check the disk")
    shape = [1, *(size or _TIME_STEPS for size in model.input_shape[1:])]
    inputs = np.random.default_rng(0).normal(size=shape).astype("float32")
    if not np.isfinite(keras.ops.convert_to_numpy(again(inputs, training=False))).all():
        raise LookbackError(f"{source}: a random input gives infinite or NaN outputs")
