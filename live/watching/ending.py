"""The end of a run: one time limit that all parts share."""

import math
import threading
import time
from collections.abc import Callable, Sequence

# The end takes at most three seconds, of which a busy computer needs one for that of Python itself.
END_SECONDS = 1.7
_LEAST_SECONDS = 0.05


class Ending:
    """The time that is left for the end; it begins with the first question.

    Args:
        seconds: Time for all parts together.
        clock: Seconds that rise.
    """

    def __init__(
        self, seconds: float = END_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds, self._clock = seconds, clock
        self._until: float | None = None

    def left(self, most: float = math.inf) -> float:
        """Return the time for a part, in seconds: at most `most`, and at least a moment."""
        now = self._clock()
        if self._until is None:
            self._until = now + self._seconds
        return max(_LEAST_SECONDS, min(most, self._until - now))


class AtOnce:
    """Functions that may wait, called in threads of their own; a context manager that awaits them.

    One that does not return in time is left alone: the program ends without it.
    """

    def __init__(self, calls: Sequence[Callable[[], object]], ending: Ending) -> None:
        """Call the functions.

        Args:
            calls: The functions.
            ending: The time limit.
        """
        self._ending = ending
        self._threads = [threading.Thread(target=each, name="end", daemon=True) for each in calls]
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Wait for all."""
        for thread in self._threads:
            thread.join(self._ending.left())

    def __enter__(self) -> "AtOnce":
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()
