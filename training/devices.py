"""Training on several devices, in one process or in several: data parallelism with JAX.

    batch        0 1 2 3 4 | 0          5 clips on 2 devices: filled up to 6 rows
    weights      w w w w w   0          the copy has no weight, so loss and gradients stay the same
    device       0 0 0 1 1   1

Every device holds all variables and computes its rows of a batch; JAX sums the gradients. The rows
of a batch have the same places as on one device, so that dropout draws the same masks.

Keras on TensorFlow accepts `keras.distribution` and ignores it; on PyTorch it computes on one
device. There, and on a single device, `all_devices` returns None.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from math import lcm
from typing import Any

import numpy as np

from training.keras_backend import keras
from video.errors import LookbackError

_GATHERED_BYTES = 64 * 2**20  # of each process at a time: they pass through the devices


@dataclass(frozen=True)
class Share:
    """The rows of a filled batch that a process computes.

    Attributes:
        rows: Rows of the batch, int (n,).
        factors: Factors of their loss weights, float32 (n,); 0 for copies.
    """

    rows: np.ndarray
    factors: np.ndarray


class Devices:
    """All devices of all processes.

    Attributes:
        count: Number of devices.
        processes: Number of processes.
        rank: Number of this process, from 0. Only process 0 writes files and messages.
    """

    def __init__(self) -> None:
        """Find the devices.

        Raises:
            LookbackError: The processes have different numbers of devices.
        """
        import jax

        self._jax: Any = jax
        # By process: the rows of a process are neighbors.
        found = sorted(jax.devices(), key=lambda device: (device.process_index, device.id))
        self.count, self.processes, self.rank = (
            len(found),
            jax.process_count(),
            jax.process_index(),
        )
        numbers = np.bincount([device.process_index for device in found]).tolist()
        if len(set(numbers)) > 1:
            raise LookbackError(
                f"--distributed: the processes have {numbers} devices; give each the same number "
                "(CUDA_VISIBLE_DEVICES)"
            )
        names = [f"{device.platform}:{device.id}" for device in found]
        self._distribution = keras.distribution.DataParallel(
            devices=names, auto_shard_dataset=False
        )
        local = jax.sharding.Mesh(np.array(jax.local_devices()), ("batch",))
        spec = jax.sharding.PartitionSpec
        self._local_rows = jax.sharding.NamedSharding(local, spec("batch"))
        self._local_copies = jax.sharding.NamedSharding(local, spec())

    def __str__(self) -> str:
        where = f" in {self.processes} processes" if self.processes > 1 else ""
        return f"Training on {self.count} devices{where}: each computes 1/{self.count} of a batch."

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Put the variables that are built in the block on all devices, and divide batches."""
        with self._distribution.scope():
            yield

    def share(self, count: int, whole: bool = False) -> Share:
        """Return this process's part of a batch, filled up to equal parts for all devices.

        Args:
            count: Rows of the batch.
            whole: Whether only whole copies of the batch fill it, so that the mean and variance
                over its rows stay the same too.
        """
        filled = lcm(count, self.count) if whole else -(-count // self.count) * self.count
        each = filled // self.processes
        places = np.arange(self.rank * each, (self.rank + 1) * each)
        # The loss is the sum of the weighted losses over the number of rows, copies included.
        factors = np.where(places < count, filled / count, 0).astype(np.float32)
        return Share(places % count, factors)

    def gathered(self, rows: np.ndarray) -> list[np.ndarray]:
        """Return the arrays of all processes, in order of their rank; all have to call it.

        Args:
            rows: This process's array (n, ...), whose n may differ between processes. 64-bit
                numbers become 32-bit ones.
        """
        if self.processes == 1:
            return [rows]
        counts = self._all_gather(np.array([len(rows)], np.int32))[:, 0].tolist()
        size = max(1, _GATHERED_BYTES // max(1, rows[:1].nbytes))
        parts: list[list[np.ndarray]] = [[] for _ in counts]
        for start in range(0, max(counts), size):
            length = min(size, max(counts) - start)
            block = np.zeros((length, *rows.shape[1:]), rows.dtype)
            mine = rows[start : start + length]
            block[: len(mine)] = mine
            for part, count, each in zip(parts, counts, self._all_gather(block), strict=True):
                part.append(each[: max(0, count - start)])
        return [np.concatenate(part) if part else rows[:0] for part in parts]

    def from_first(self, text: str) -> str:
        """Return the text of process 0; all processes have to call it."""
        encoded = np.frombuffer(text.encode(), np.uint8)
        return self.gathered(encoded)[0].tobytes().decode()

    def predictor(self, model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
        """Return a function from inputs (B, ...) to the outputs of a model in inference mode.

        It computes on the devices of this process only, so the processes may call it with other
        inputs, and at other times.

        Args:
            model: The model, with its variables on all devices.
        """
        jax, trained, others = self._jax, model.trainable_variables, model.non_trainable_variables

        def outputs(of_trained: list, of_others: list, inputs: Any) -> Any:
            return model.stateless_call(of_trained, of_others, inputs, training=False)[0]

        compiled = jax.jit(outputs)
        values: list = []  # of the last call: the weights stay the same for many batches
        here: list = []

        def predict(inputs: np.ndarray) -> np.ndarray:
            nonlocal values, here
            count, devices = len(inputs), len(jax.local_devices())
            filled = np.arange(-(-count // devices) * devices) % count
            now = [variable.value for variable in (*trained, *others)]
            if len(values) != len(now) or any(a is not b for a, b in zip(values, now, strict=True)):
                values, here = now, [self._on_local_devices(value) for value in now]
            rows = jax.device_put(inputs[filled], self._local_rows)
            return np.asarray(compiled(here[: len(trained)], here[len(trained) :], rows))[:count]

        return predict

    def _on_local_devices(self, value: Any) -> Any:
        """Return a variable's value as an array on the devices of this process only."""
        if value.is_fully_addressable:
            return value
        # Through the host: arrays that were put on the devices of several processes at once do not
        # give their parts (JAX 0.10).
        return self._jax.device_put(np.asarray(value), self._local_copies)

    @cached_property
    def _all_gather(self) -> Callable[[np.ndarray], np.ndarray]:
        from jax.experimental import multihost_utils

        return lambda rows: np.asarray(multihost_utils.process_allgather(rows))


def all_devices() -> Devices | None:
    """Return all devices if there are several, and the backend of Keras divides batches."""
    if keras.backend.backend() != "jax":
        return None
    import jax

    return Devices() if jax.device_count() > 1 else None


@contextmanager
def on_this_process() -> Iterator[None]:
    """Put variables that are built in the block on a device of this process only."""
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def assign(variable: keras.Variable, value: Any) -> None:
    """Set a variable, on all devices if it is on several.

    `Variable.assign` would compare the values of all processes, each time.

    Args:
        variable: The variable.
        value: Its value, the same in all processes.
    """
    present = variable.value
    if getattr(present, "is_fully_addressable", True):
        variable.assign(value)
        return
    import jax

    array = np.asarray(value, present.dtype)
    variable.assign(
        jax.make_array_from_callback(array.shape, present.sharding, lambda index: array[index])
    )
