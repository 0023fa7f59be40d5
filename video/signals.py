"""Signals that end a command. Only commands install handlers; imports do not."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class _Ending:
    """Whether signals are deferred, and whether one is waiting."""

    shielded = False
    asked = False


_ENDING = _Ending()


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGINT raise `KeyboardInterrupt` inside the context; the previous handlers
    are restored at its end.

    A service manager ends a program by SIGTERM, which must leave complete files as Ctrl-C does. A
    program that a shell starts in the background begins with SIGINT ignored. Main thread only.
    """
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {each: signal.signal(each, _on_signal) for each in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            # None stands for a handler that was not set from Python and cannot be restored.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextmanager
def defer_signals() -> Iterator[None]:
    """Let the first signal of `ended_by_signals` wait until the block ends, and raise it then.

    Native code must not be interrupted by an exception: OpenCV, interrupted while it draws, aborts
    the process, and the video file has no index. A second signal raises immediately, in case the
    block never ends.
    """
    if threading.current_thread() is not threading.main_thread():  # no signal is handled there
        yield
        return
    _ENDING.shielded = True
    try:
        yield
    finally:
        asked, _ENDING.shielded, _ENDING.asked = _ENDING.asked, False, False
    if asked:
        raise KeyboardInterrupt


def _on_signal(number: int, frame: FrameType | None) -> None:
    if _ENDING.shielded and not _ENDING.asked:
        _ENDING.asked = True
        return
    raise KeyboardInterrupt
