"""Atomic replacement of a file: readers find the complete old file or the complete new one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path that replaces `path` when the block ends without an error.

    The temporary file is `part.<name>` in the folder of `path`. A missing folder is created. The
    prefix keeps the name's suffix, by which Keras (`.weights.h5`), NumPy (`.npz`) and OpenVINO
    (`.xml`) choose the format. If the program is killed, the next write overwrites the leftover
    temporary file.

    Args:
        path: The file to write.

    Yields:
        The path to write to. After an error it is removed and `path` is unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"part.{path.name}")
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
