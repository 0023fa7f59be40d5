"""One part of an extraction, computed by whichever worker of a cluster is told to."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from recipes.places import copied_up
from video.cores import VARIABLE
from video.errors import LookbackError

_RESULTS = "lookback.extract.pipeline.runner"  # the logger of an extraction's result


@dataclass(frozen=True)
class Work:
    """What all parts have in common.

    Attributes:
        arguments: Arguments of extract.py, `--shard` and `--threads` left out.
        folder: Working folder of the program that divides the work; paths may be relative to it.
        seen: Files that a worker must see, because they are on a disk that all nodes share.
        threads: Number of threads of a worker.
    """

    arguments: tuple[str, ...]
    folder: str
    seen: tuple[str, ...]
    threads: int

    def of(self, *arguments: str) -> "Work":
        """Return the work with further arguments of extract.py."""
        return replace(self, arguments=(*self.arguments, *arguments))


def compute(work: Work, everything: bool = False) -> list[str]:
    """Run extract.py in this process, and return what it has to tell.

    Args:
        work: The part.
        everything: Whether all messages are returned, not only the result and the warnings.

    Returns:
        Messages, a line each.

    Raises:
        LookbackError: This machine does not see the files, or the extraction cannot run.
        KeyboardInterrupt: The part was cancelled. Finished videos are kept.
    """
    os.environ[VARIABLE] = str(work.threads)
    if Path(work.folder).is_dir():
        os.chdir(work.folder)
    for path in work.seen:
        if not Path(path).exists():
            raise LookbackError(
                f"{path}: the node {socket.gethostname()} does not see it; put data, features and "
                "model folder on a disk that every node mounts at the same path, or name s3:// "
                "folders"
            )
    # The framework starts here, after the threads are known.
    main = import_module("lookback.commands.extract").main
    with _collected(everything) as lines, copied_up():
        main(list(work.arguments))
    return lines


@contextmanager
def _collected(everything: bool) -> Iterator[list[str]]:
    """Collect first lines of messages: all, or the result and the warnings."""
    lines: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if everything or record.levelno >= logging.WARNING or record.name == _RESULTS:
                lines.append(record.getMessage().partition("\n")[0])

    root, collector = logging.getLogger("lookback"), Collector(logging.INFO)
    level = root.level
    root.addHandler(collector)
    root.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        root.removeHandler(collector)
        root.setLevel(level)
