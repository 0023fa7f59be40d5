"""File object with a rollback journal: after a crash, the file returns to its last commit.

HDF5 has no journal. A program that is killed while HDF5 writes can leave a corrupt file, and all
features in it would be lost. The store therefore gives HDF5 this file object instead of a path. A
page of the last commit is copied into a journal file before it is overwritten. A commit removes the
journal. Opening a file that has a journal restores the pages and truncates the file to its
committed size. (SQLite's rollback journal works in the same way.) This protects against kills,
crashes and full disks. It protects against power failures only if the disk preserves the order of
writes.
"""

import os
import struct
import zlib
from pathlib import Path

_PAGE = 4096
_HEADER = struct.Struct("<8sQ")  # magic, committed size of the file
_RECORD = struct.Struct("<QII")  # offset, length, checksum
_MAGIC = b"LBROLLB1"


def journal_path(path: Path) -> Path:
    """Return the path of a file's journal."""
    return path.with_name(path.name + ".journal")


def roll_back(path: Path) -> bool:
    """Restore the last commit of `path`; return whether there was a journal."""
    journal = journal_path(path)
    if not journal.exists():
        return False
    content = journal.read_bytes()
    if len(content) >= _HEADER.size:  # with a shorter journal, no page was overwritten yet
        magic, size = _HEADER.unpack_from(content)
        if magic == _MAGIC and path.exists():
            with path.open("r+b") as file:
                for offset, page in _records(content):
                    file.seek(offset)
                    file.write(page)
                file.truncate(size)
                os.fsync(file.fileno())
    journal.unlink()
    return True


def _records(content: bytes) -> list[tuple[int, bytes]]:
    records, place = [], _HEADER.size
    while place + _RECORD.size <= len(content):
        offset, length, checksum = _RECORD.unpack_from(content, place)
        page = content[place + _RECORD.size : place + _RECORD.size + length]
        if len(page) < length or zlib.crc32(page) != checksum:
            break  # an incomplete record: its page was not overwritten yet
        records.append((offset, page))
        place += _RECORD.size + length
    return records


class RollbackFile:
    """Binary file object for h5py whose changes become permanent with `commit`.

    An exception inside HDF5's callback would crash the interpreter. A failed write is therefore
    stored in `error`, and all later writes are dropped. Check `error` after every operation.

    Attributes:
        path: Path of the file.
        error: First error of a write; None without one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.error: OSError | None = None
        roll_back(path)
        # Not mode "w", which truncates an existing file, nor "r+", which creates no new one.
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | _binary(), 0o666), "r+b", 0)
        self._journal = None
        self._begin()

    def _begin(self) -> None:
        self._committed_size = self._file.seek(0, os.SEEK_END)
        self._saved: set[int] = set()

    def commit(self) -> None:
        """Make all writes so far permanent.

        Raises:
            OSError: An earlier write failed, or this one does.
        """
        if self.error:
            raise self.error
        os.fsync(self._file.fileno())
        if self._journal is not None:
            self._journal.close()
            self._journal = None
            journal_path(self.path).unlink()
        self._begin()

    def close(self) -> None:
        """Close the file and roll back uncommitted changes."""
        if self._file.closed:
            return
        self._file.close()
        if self._journal is not None:
            self._journal.close()
            roll_back(self.path)

    def write(self, data) -> int:
        """Write bytes at the current position; return their number even if the write fails."""
        data = memoryview(data).cast("B")
        if self.error is None:
            try:
                offset = self._file.tell()
                self._save(offset, len(data))
                written = 0
                while written < len(data):
                    written += self._file.write(data[written:])
            except OSError as error:
                self.error = error
        return len(data)

    def truncate(self, size: int | None = None) -> int:
        """Truncate or extend the file to `size` bytes."""
        size = self._file.tell() if size is None else size
        if self.error is None:
            try:
                self._save(size, max(0, self._committed_size - size))
                self._file.truncate(size)
            except OSError as error:
                self.error = error
        return size

    def _save(self, offset: int, length: int) -> None:
        """Copy the committed pages that a write will change into the journal."""
        if self._journal is None:
            self._journal = journal_path(self.path).open("wb", buffering=0)
            self._journal.write(_HEADER.pack(_MAGIC, self._committed_size))
        if offset >= self._committed_size or length == 0:
            return
        end = min(offset + length, self._committed_size)
        for page in range(offset // _PAGE, (end - 1) // _PAGE + 1):
            if page in self._saved:
                continue
            self._file.seek(page * _PAGE)
            content = self._file.read(min(_PAGE, self._committed_size - page * _PAGE))
            record = _RECORD.pack(page * _PAGE, len(content), zlib.crc32(content)) + content
            if self._journal.write(record) != len(record):
                raise OSError(28, "No space left on device", str(journal_path(self.path)))
            self._saved.add(page)
        self._file.seek(offset)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def readinto(self, buffer) -> int:
        return self._file.readinto(buffer)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        """Do nothing: the file is unbuffered. HDF5 requires the method."""


def _binary() -> int:
    return getattr(os, "O_BINARY", 0)  # only Windows distinguishes text from binary files
