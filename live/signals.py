"""The signals that end a live run, for a program that is one; imported modules install none."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGINT raise `KeyboardInterrupt` inside; afterwards all is as before.

    A service manager ends a program by SIGTERM: it must leave complete files as Ctrl-C does. One
    that a shell starts in the background begins with SIGINT ignored. For the main thread alone.
    """
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {each: signal.signal(each, signal.default_int_handler) for each in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            # None is a handler that did not come from Python and cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
