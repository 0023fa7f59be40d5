"""Backup of a manifest before it is replaced, so that no manual edit is lost."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from video.atomic_write import atomic_write
from video.errors import LookbackError


def keep_previous(path: Path, before: bytes | None, after: bytes) -> Path | None:
    """Save a copy of a manifest that is about to be replaced; return the path of the copy.

    Existing copies are never overwritten, because each may contain manual edits.

    Args:
        path: The path of the manifest.
        before: The current content; None if there is no file.
        after: The new content. If it is equal, no copy is made.
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
    """Check that the folder of a manifest is writable; report errors of the block with a remedy.

    Raises:
        LookbackError: The folder or a file in it cannot be written.
    """
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
            f"{error.filename or folder}: cannot be written ({error.strerror}); create a new "
            f"folder with a link to the clips (mkdir mine; ln -s {clips} mine/clips) and run the "
            "commands with --data mine"
        ) from None
