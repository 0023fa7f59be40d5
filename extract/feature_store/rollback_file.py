"""A file that is always as it was at its last commit, whenever the program dies.

HDF5 has no journal: a program killed while the library writes leaves a file that may not open any
more, and with it every feature computed so far. So the store gives HDF5 this file object instead
of a path. Before a page that belongs to the last commit is overwritten, it is copied into a journal
beside the file; a commit removes the journal; opening a file that has one puts the pages back and
cuts off what was appended. (The scheme is SQLite's rollback journal.) It guards against kills,
crashes and full disks; against a power failure only as far as the disk keeps the order of writes.
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
    return path.with_name(path.name + ".journal")


def roll_back(path: Path) -> bool:
    """Put `path` back to its last commit; return whether there was anything to do."""
    journal = journal_path(path)
    if not journal.exists():
        return False
    content = journal.read_bytes()
    if len(content) >= _HEADER.size:  # a shorter journal was never acted upon
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
            break  # torn while being written, so its page was not overwritten yet
        records.append((offset, page))
        place += _RECORD.size + length
    return records


class RollbackFile:
    """A binary file object for h5py whose changes hold only from `commit` on.

    h5py's driver cannot carry an exception through the HDF5 library (it crashes the interpreter),
    so a failed write is remembered in `error`, and all later ones are dropped: look at it after
    every operation, and leave without a commit.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.error: OSError | None = None
        roll_back(path)
        # Not "w": an existing file must not lose its content, nor a new one be missing.
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | _binary(), 0o666), "r+b", 0)
        self._journal = None
        self._begin()

    def _begin(self) -> None:
        self._committed_size = self._file.seek(0, os.SEEK_END)
        self._saved: set[int] = set()

    def commit(self) -> None:
        """Make everything written so far permanent.

        Raises:
            OSError: a write had failed, or the disk refuses.
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
        """Close the file; what was not committed is undone."""
        if self._file.closed:
            return
        self._file.close()
        if self._journal is not None:
            self._journal.close()
            roll_back(self.path)

    def write(self, data) -> int:
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
        size = self._file.tell() if size is None else size
        if self.error is None:
            try:
                self._save(size, max(0, self._committed_size - size))
                self._file.truncate(size)
            except OSError as error:
                self.error = error
        return size

    def _save(self, offset: int, length: int) -> None:
        """Copy the committed pages that a write is about to change into the journal."""
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
        """HDF5 asks for this; every write already went to the operating system."""


def _binary() -> int:
    return getattr(os, "O_BINARY", 0)  # Windows alone tells text from binary
