"""Writes files as PyTorch before 1.6 saved them, without PyTorch."""

import io
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001
_STORAGES = {"f4": "FloatStorage", "f2": "HalfStorage", "f8": "DoubleStorage", "i8": "LongStorage"}


class Global:
    """A name that the file contains and this program need not have."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __call__(self) -> None:
        """Pickle wants a callable."""


class _Storage:
    def __init__(self, values: np.ndarray, kind: str = "") -> None:
        self.values, self.kind = values, kind or _STORAGES[values.dtype.str[1:]]


class Tensor:
    """A tensor: values, and how they are to be seen.

    Args:
        values: One-dimensional values.
        shape, strides, offset: View of the values, in elements; by default all in order.
        kind: Name of the storage's type; by default that of the values.
    """

    def __init__(
        self,
        values: np.ndarray,
        shape: tuple | None = None,
        strides: tuple | None = None,
        offset: int = 0,
        kind: str = "",
    ) -> None:
        shape = values.shape if shape is None else shape
        if strides is None:
            ordered = np.empty(shape, "u1")
            strides = ordered.strides
        self.arguments = (_Storage(values.ravel(), kind), offset, shape, strides, False)

    def __reduce__(self):
        return Global("torch._utils", "_rebuild_tensor_v2"), (*self.arguments, OrderedDict())


class _Pickler(pickle._Pickler):
    dispatch: ClassVar[dict] = dict(pickle._Pickler.dispatch)

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, 2)
        self.storages: dict[str, _Storage] = {}

    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, _Storage):
            return None
        key = str(id(obj))
        self.storages[key] = obj
        return ("storage", Global("torch", obj.kind), key, "cpu", len(obj.values), None)

    def save_global_name(self, obj: Global) -> None:
        self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        self.memoize(obj)

    dispatch[Global] = save_global_name


def write_legacy(path: Path, content: Any) -> Path:
    """Write `content`, whose tensors are `Tensor`s, and return the path."""
    body = io.BytesIO()
    for value in (_MAGIC, _VERSION, {"little_endian": True}):
        pickle.dump(value, body, 2)
    pickler = _Pickler(body)
    pickler.dump(content)
    pickle.dump(list(pickler.storages), body, 2)
    for storage in pickler.storages.values():
        body.write(len(storage.values).to_bytes(8, "little") + storage.values.tobytes())
    path.write_bytes(body.getvalue())
    return path
