"""Reading files that PyTorch before 1.6 saved, as plain arrays and without PyTorch.

Such a file is a row of pickles (a magic number, a version, the machine, the content, the keys of
the storages) and then the bytes of each storage. Only the few names that tensors need are resolved,
so nothing in a file is executed.
"""

import pickle
from collections import OrderedDict
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

# The magic number 0x1950a86a20f9469cfc6c as every pickle protocol writes it.
_MAGIC = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
_TYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}


def is_legacy(head: bytes) -> bool:
    """Return whether a file with these first bytes was saved in the old format."""
    return _MAGIC in head[:24]


def read_legacy(path: Path) -> Any:
    """Return the content of a file in the old format, with NumPy arrays in place of tensors.

    Floating-point arrays become float32.

    Raises:
        pickle.UnpicklingError: The file holds more than tensors and plain values; the message
            names what, as `GLOBAL module.name`.
        Exception: The file is broken. A pickle of arbitrary bytes can raise anything.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        for _ in range(3):  # magic number, version of the format, machine
            _Unpickler(file).load()
        unpickler = _Unpickler(file)
        content = unpickler.load()
        for key in _Unpickler(file).load():
            unpickler.storages[key].read(file, size)
    return _with_arrays(content)


@dataclass(eq=False)
class _Storage:
    """The values of one or more tensors; the file has them after everything else."""

    type_name: str
    count: int
    values: np.ndarray = field(default_factory=lambda: np.empty(0))

    def read(self, file: BinaryIO, file_size: int) -> None:
        dtype = np.dtype(_TYPES[self.type_name])
        count = int.from_bytes(file.read(8), "little")
        if count != self.count or file.tell() + count * dtype.itemsize > file_size:
            raise ValueError("a tensor is cut off")
        values = np.frombuffer(file.read(count * dtype.itemsize), dtype)
        if self.type_name == "BFloat16Storage":  # the upper half of a float32
            values = (values.astype("<u4") << 16).view("<f4")
        self.values = values.astype(np.float32) if values.dtype.kind == "f" else values


@dataclass(frozen=True, eq=False)
class _Tensor:
    """A tensor before its storage is read: a view of the storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> np.ndarray:
        values, size = self.storage.values, prod(self.shape)
        numbers = (self.offset, *self.shape, *self.strides)
        last = self.offset + sum(
            (length - 1) * stride for length, stride in zip(self.shape, self.strides, strict=True)
        )
        if min(numbers) < 0 or size > len(values) or (size and last >= len(values)):
            raise ValueError("a tensor reaches beyond its values")
        steps = [stride * values.itemsize for stride in self.strides]
        view = np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, steps)
        return view.copy()


class _Unpickler(pickle.Unpickler):
    """Unpickler that knows tensors, storages and ordered dictionaries, and refuses the rest."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in _TYPES:
            return name
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return self._parameter
        raise pickle.UnpicklingError(f"GLOBAL {module}.{name} is not part of a tensor")

    def persistent_load(self, identity: Any) -> _Storage:
        kind, type_name, key, _, count, view = identity
        if kind != "storage" or view is not None:
            raise ValueError(f"{kind} is not a storage")
        return self.storages.setdefault(key, _Storage(type_name, count))

    @staticmethod
    def _tensor(storage: _Storage, offset: int, shape: tuple, strides: tuple, *_: Any) -> _Tensor:
        return _Tensor(storage, offset, tuple(shape), tuple(strides))

    @staticmethod
    def _parameter(tensor: _Tensor, *_: Any) -> _Tensor:
        return tensor


def _with_arrays(content: Any) -> Any:
    if isinstance(content, _Tensor):
        return content.array()
    if isinstance(content, dict):
        return {key: _with_arrays(value) for key, value in content.items()}
    return content
