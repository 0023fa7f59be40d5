"""Batches of a training, divided among its devices."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from extract.finetuning.activation_cache import ActivationCache
from extract.finetuning.dataset import ClipDataset
from training.devices import Devices


@dataclass(frozen=True)
class Batch:
    """This process's part of a batch.

    Attributes:
        inputs: Inputs of the network (n, ...).
        classes: Class indices (n,), or soft labels or indicators (n, K).
        count: Clips of the whole batch.
        factors: Factors of the loss weights (n,); 0 for rows that only fill the batch up. None
            for 1.
    """

    inputs: np.ndarray
    classes: np.ndarray
    count: int
    factors: np.ndarray | None = None


def training_batches(
    inputs: ClipDataset | ActivationCache, epoch: int, devices: Devices | None, whole: bool
) -> Iterator[Batch]:
    """Yield the batches of an epoch.

    Args:
        inputs: Source of the batches.
        epoch: The epoch.
        devices: Devices of the training; None for one, which fills nothing up.
        whole: See `Devices.share`.
    """
    if devices is None:
        for rows, classes in inputs.train(epoch):
            yield Batch(rows, classes, len(classes))
        return

    def needed(count: int) -> np.ndarray:
        return np.unique(devices.share(count, whole).rows)

    for part in inputs.train_rows(epoch, needed):
        share = devices.share(part.count, whole)
        place = np.searchsorted(needed(part.count), share.rows)
        factors = share.factors * part.present[place]
        yield Batch(part.inputs[place], part.classes[place], part.count, factors)
