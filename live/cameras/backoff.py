"""Waiting times between attempts to connect to a camera."""

import random

DELAYS = (1.0, 2.0, 4.0, 8.0, 15.0)
_JITTER = 0.2
_REFUSED_SECONDS = 60.0
# A camera that was live for this long was well: its next failure begins with the shortest delay.
_RESET_SECONDS = 10.0


class Backoff:
    """The delay before each attempt: 1, 2, 4, 8, then 15 s, up to 20 % longer or shorter, so that
    cameras behind one switch do not all connect at once. After a refusal it is a minute."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)
        self._failures = 0

    def after_failure(self, live_seconds: float, refused: bool = False) -> float:
        """Return the seconds to wait before the next attempt.

        Args:
            live_seconds: Time for which the camera was live before it failed, in seconds.
            refused: Whether the camera answered and refused, such as a wrong password.
        """
        if live_seconds >= _RESET_SECONDS:
            self._failures = 0
        delay = DELAYS[min(self._failures, len(DELAYS) - 1)]
        self._failures += 1
        if refused:
            delay = _REFUSED_SECONDS
        return delay * self._random.uniform(1 - _JITTER, 1 + _JITTER)
