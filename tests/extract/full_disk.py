"""A disk that fills up, for a store that is written in this process or in another."""

import errno
from typing import BinaryIO


class FullDisk:
    """A file on a disk that ends at `limit` bytes."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._file, self._limit = file, limit

    def __getattr__(self, name: str):
        return getattr(self._file, name)

    def write(self, data: bytes) -> int:
        if self._file.tell() + len(data) > self._limit:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._file.write(data)
