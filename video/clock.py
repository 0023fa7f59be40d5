"""Conversion of a container's timestamps to seconds from the start of the video."""

# A longer jump is a broken timestamp, not a gap.
_MAX_GAP_SECONDS = 3600.0

# Two frames of a file that are further apart belong to separate recordings, as of a recorder that
# starts on motion. A shorter pause is a still scene: a screen recorder writes no repeated frames.
FILE_GAP_SECONDS = 60.0


class Clock:
    """Converts presentation timestamps to strictly increasing seconds from 0.

    A stamp that is missing, goes back or jumps by more than an hour advances the clock by one
    frame interval.

    Attributes:
        after_gap: Whether more than `FILE_GAP_SECONDS` passed before the last stamp.
    """

    def __init__(self, interval_seconds: float) -> None:
        self.after_gap = False
        self._interval = interval_seconds
        self._origin: float | None = None
        self._last = 0.0

    def seconds(self, stamp: float | None) -> float:
        """Return the time in the video for a stamp in seconds (None: the container has none)."""
        if self._origin is None:
            self._origin = stamp if stamp is not None else 0.0
            return 0.0
        passed = self._last + self._interval if stamp is None else stamp - self._origin
        if not self._last < passed <= self._last + _MAX_GAP_SECONDS:
            passed = self._last + self._interval
        self.after_gap = passed - self._last > FILE_GAP_SECONDS
        self._last = passed
        return passed
