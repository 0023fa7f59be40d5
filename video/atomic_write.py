"""Replacing a file in one step, so that readers find the old file or the new one, whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path that replaces `path` when the block ends without an error.

    The temporary file is `part.<name>` in the folder of `path`, which is made where it is missing.
    The prefix keeps the name's ending, by which Keras (`.weights.h5`), NumPy (`.npz`) and OpenVINO
    (`.xml`) choose the format. The program may be killed at any moment: what it leaves is
    overwritten by the next write.

    Args:
        path: The file to write.

    Yields:
        The path to write to. After an error the file is removed and `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"part.{path.name}")
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
