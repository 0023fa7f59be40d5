"""The last seconds of a camera in memory, so that a recording begins before its event."""

from collections import deque

from live.recording.coded import Coded

_LONGEST_WAIT = 90.0


class Ring:
    """The newest compressed pictures of a camera, in whole groups.

    A group is a key picture and what follows until the next one. The oldest group is dropped when
    the others cover `seconds`, or when all are more than `megabytes`: so the ring is longer than
    `seconds` by up to one group. Not safe between threads.

    Attributes:
        size: Bytes of all pictures.
        overflows: Number of times that one group alone was too large and was dropped.
    """

    def __init__(self, seconds: float, megabytes: float) -> None:
        """Create an empty ring.

        Args:
            seconds: Time to cover.
            megabytes: Limit of the memory.
        """
        self.seconds = seconds
        self.size = 0
        self.overflows = 0
        self._limit = megabytes * 1e6
        self._groups: deque[list[Coded]] = deque()
        self._awaited: list[float] = []

    def wait_for(self, seconds: float) -> None:
        """Keep what came since `seconds`, up to the limit of the memory, until `stop_waiting`; at
        most for a minute and a half."""
        self._awaited.append(seconds)

    def stop_waiting(self, seconds: float) -> None:
        """Let go of what `wait_for` keeps."""
        if seconds in self._awaited:
            self._awaited.remove(seconds)

    def add(self, coded: Coded) -> bool:
        """Add a picture; return False for one that cannot be decoded, as its key is missing."""
        if coded.is_key:
            self._groups.append([coded])
        elif self._groups and self._groups[-1][-1].coding == coded.coding:
            self._groups[-1].append(coded)
        else:
            return False
        self.size += len(coded.data)
        if self._awaited:
            self._awaited = [each for each in self._awaited if each > coded.seconds - _LONGEST_WAIT]
        oldest = min([coded.seconds - self.seconds, *self._awaited])
        while len(self._groups) > 1 and (
            self._groups[1][0].seconds <= oldest or self.size > self._limit
        ):
            self._drop()
        if self.size > self._limit:
            self._drop()
            self.overflows += 1
            return False
        return True

    def since(self, seconds: float) -> list[Coded]:
        """Return the pictures from the last key picture at or before `seconds` on; all if there is
        none. Of an earlier run of the camera, only those of a group that reaches `seconds`."""
        groups = list(self._groups)
        first = 0
        for index, group in enumerate(groups):
            if group[0].seconds <= seconds:
                first = index
        if (
            first + 1 < len(groups)
            and groups[first][-1].seconds < seconds
            and groups[first][-1].coding != groups[first + 1][0].coding
        ):
            first += 1
        return [coded for group in groups[first:] for coded in group]

    def clear(self) -> None:
        """Drop everything."""
        self._groups.clear()
        self.size = 0

    @property
    def covered(self) -> float:
        """Seconds between the oldest and the newest picture."""
        if not self._groups:
            return 0.0
        return self._groups[-1][-1].seconds - self._groups[0][0].seconds

    def _drop(self) -> None:
        self.size -= sum(len(coded.data) for coded in self._groups.popleft())
