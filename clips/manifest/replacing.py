"""Replacing a manifest, so that nothing that a person typed into it is lost."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from video.atomic_write import atomic_write
from video.errors import LookbackError


def keep_previous(path: Path, before: bytes | None, after: bytes) -> Path | None:
    """Keep a manifest that is about to be replaced in a file of its own; return that file.

    No such file is ever overwritten: each may hold what a person typed.
    """
    if before is None or before == after:
        return None
    number = 1
    while True:
        suffix = f"-{number}" if number > 1 else ""
        previous = path.with_name(f"{path.stem}.previous{suffix}{path.suffix}")
        if not previous.exists():
            with atomic_write(previous) as temporary:
                temporary.write_bytes(before)
            return previous
        if previous.read_bytes() == before:
            return previous
        number += 1


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Name the way out where the manifest's folder cannot be written, best before the work."""
    folder = path.parent
    try:
        if folder.is_dir() and not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        yield
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        clips = (folder / "clips").absolute()
        raise LookbackError(
            f"{error.filename or folder}: cannot be written ({error.strerror}); make a folder of "
            f"your own with a link to the clips in it (mkdir mine; ln -s {clips} mine/clips) and "
            "run the commands with --data mine"
        ) from None
