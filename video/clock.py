"""From a container's time stamps to the clip's own time."""

# A step of the clock beyond this is a broken time stamp, not a gap.
_LONGEST_GAP_SECONDS = 3600.0

# Two frames of a file that are further apart were not recorded in one go: a recorder that starts
# with motion has such gaps. Shorter ones are a still picture, of which a screen recorder writes no
# copies.
FILE_GAP_SECONDS = 60.0


class Clock:
    """Turns presentation time stamps into seconds from 0 that rise strictly.

    A stamp that is missing, goes back or jumps by more than an hour counts as one frame's interval.

    Attributes:
        after_gap: whether more than `FILE_GAP_SECONDS` passed before the last stamp.
    """

    def __init__(self, interval_seconds: float) -> None:
        self.after_gap = False
        self._interval = interval_seconds
        self._origin: float | None = None
        self._last = 0.0

    def seconds(self, stamp: float | None) -> float:
        """Return the clip's time for a stamp in seconds (None where the container has none)."""
        if self._origin is None:
            self._origin = stamp if stamp is not None else 0.0
            return 0.0
        passed = self._last + self._interval if stamp is None else stamp - self._origin
        if not self._last < passed <= self._last + _LONGEST_GAP_SECONDS:
            passed = self._last + self._interval
        self.after_gap = passed - self._last > FILE_GAP_SECONDS
        self._last = passed
        return passed
