"""Files that are there only while they are read, such as clips on S3; `storage` fetches them."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path


class Stage(ABC):
    """What fetches files. Of a path that is none of its files it knows nothing."""

    @abstractmethod
    def staged(self, path: Path) -> AbstractContextManager[object]:
        """Return a context in which the content of a file is there; contexts may be nested."""

    @abstractmethod
    def size(self, path: Path) -> int | None:
        """Return the size of a file in bytes; None of a path that is no file of this stage."""

    @abstractmethod
    def tag(self, path: Path) -> str | None:
        """Return a text that changes with the content of a file; None as for `size`."""


_stages: list[Stage] = []


def stage_with(stage: Stage) -> None:
    """Let a stage fetch the files that it knows."""
    _stages[:] = [stage]


def staged(path: Path) -> AbstractContextManager[object]:
    """Return a context in which the content of a video or image is there."""
    return _stages[0].staged(path) if _stages else nullcontext()


def size_of(path: Path) -> int:
    """Return the size of a file in bytes, also if its content is not there."""
    size = _stages[0].size(path) if _stages else None
    return path.stat().st_size if size is None else size


def state_of(path: Path) -> tuple[int, int | str]:
    """Return a file's size in bytes and what changes with its content: the time of its last
    modification in nanoseconds, or the tag that a stage knows."""
    size, tag = (_stages[0].size(path), _stages[0].tag(path)) if _stages else (None, None)
    if size is not None and tag is not None:
        return size, tag
    found = path.stat()
    return found.st_size, found.st_mtime_ns
