"""Messages of the library, and the console that shows them while a command runs.

Every module logs to a logger below `lookback`. From Python these loggers are silent until the
program installs a handler of its own. A command shows them as plain lines on standard output.
"""

import errno
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

_FULL = (errno.ENOSPC, errno.EDQUOT)
_ROOT = logging.getLogger("lookback")
_ROOT.addHandler(logging.NullHandler())  # without it, Python prints warnings on standard error


def logger(module: str) -> logging.Logger:
    """Return the logger of a module.

    >>> logger("clips.preparation").name
    'lookback.clips.preparation'
    """
    return logging.getLogger(f"lookback.{module}")


_filters: list[logging.Filter] = []


def add_filter(filter_: logging.Filter) -> None:
    """Let a filter see every message that `console` shows."""
    _filters.append(filter_)


class _Console(logging.Handler):
    """Prints each message unchanged. A closed output raises an error, as with `print`."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(self.format(record), flush=True)
        except OSError as error:
            # A full disk takes no lines; what a thread logs must not end it. The main thread ends
            # the program if nobody reads its output any more.
            is_main = threading.current_thread() is threading.main_thread()
            if is_main and error.errno not in _FULL:
                raise


@contextmanager
def console() -> Iterator[None]:
    """Show the messages of the library on standard output while the context lasts."""
    handler = _Console(logging.INFO)
    for each in _filters:
        handler.addFilter(each)
    level, propagate = _ROOT.level, _ROOT.propagate
    _ROOT.addHandler(handler)
    _ROOT.setLevel(logging.INFO)
    _ROOT.propagate = False  # a framework's handler at the root would print every line again
    try:
        yield
    finally:
        _ROOT.removeHandler(handler)
        _ROOT.setLevel(level)
        _ROOT.propagate = propagate


def silence() -> None:
    """Show no further messages in this process, where another one shows the same."""
    for handler in [each for each in _ROOT.handlers if isinstance(each, _Console)]:
        _ROOT.removeHandler(handler)


def progress_bar(*arguments: Any, **options: Any) -> tqdm:
    """Return a tqdm progress bar, created with the arguments given.

    It is shown on a terminal only, and only while a console is open.
    """
    shown = any(isinstance(handler, _Console) for handler in _ROOT.handlers)
    return tqdm(*arguments, disable=None if shown else True, **options)
