"""The signals that end a live run, for a program that is one; imported modules install none."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class _Ending:
    """Whether a signal may raise now, and whether one waits to."""

    shielded = False
    asked = False


_ENDING = _Ending()


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGINT raise `KeyboardInterrupt` inside; afterwards all is as before.

    A service manager ends a program by SIGTERM: it must leave complete files as Ctrl-C does. One
    that a shell starts in the background begins with SIGINT ignored. For the main thread alone.
    """
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {each: signal.signal(each, _on_signal) for each in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            # None is a handler that did not come from Python and cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextmanager
def defer_interrupts() -> Iterator[None]:
    """Let the first signal of `ended_by_signals` wait until the block ends, and raise it then.

    Native code between Python calls cannot bear an error from nowhere: OpenCV, interrupted while it
    draws, ends the process, and a video file remains without its index. A second signal raises at
    once, should the block never end.
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
