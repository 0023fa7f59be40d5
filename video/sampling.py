"""Which frames count: the sampler walks a clip's own clock.

frames  |    |    |      |    |        (any rate, also a varying one)
ticks   k0        k1        k2         (k / fps)
sample  ^         ^      ^             (the newest frame at or before the tick)

A frame repeats over the ticks until the next one, except across a gap (`Frame.after_gap`): there
are no ticks in it, as nothing was recorded, and they restart on the first frame after it. The
source says where a gap is, since it alone sees every frame: in a file, two frames are more than a
minute apart; in a live source, more than two seconds. Samples are counted without a break, so clips
and windows go on across a gap.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from video.frame import Frame

# Containers round time stamps (Matroska to a millisecond), so a frame that belongs on a tick may
# stand just behind it.
_TOLERANCE_SECONDS = 5e-4


@dataclass(frozen=True)
class Sampling:
    """How time becomes steps; stored with every model and every feature file.

    Attributes:
        fps: ticks a second, or None to keep every frame of the source.
        stride: sampled frames between two features (1 for frame networks).
    """

    fps: float | None
    stride: int = 1

    def __post_init__(self) -> None:
        if self.fps is not None and not 0 < self.fps < math.inf:
            raise ValueError(f"fps is {self.fps}; it is a rate above 0, or source")
        if self.stride < 1:
            raise ValueError(f"stride is {self.stride}; it is at least 1")

    def to_dict(self) -> dict:
        """Return the sampling as a feature file's spec records it."""
        return {"fps": self.fps, "hop": self.stride}  # `hop`: the name since version 1


def is_step(tick: int, clip_length: int, stride: int) -> bool:
    """Return whether a feature exists at a tick: at the first, and at every `stride`-th counted
    from the first whole clip (so that the shortest clip which fills the network is seen whole).

    >>> [tick for tick in range(32) if is_step(tick, clip_length=16, stride=8)]
    [0, 7, 15, 23, 31]
    """
    return tick == 0 or (tick - (clip_length - 1)) % stride == 0


def steps_before_full(clip_length: int, stride: int) -> int:
    """Return how many steps of a video see fewer than T frames of its own.

    >>> steps_before_full(16, 8), steps_before_full(1, 1)
    (2, 0)
    """
    return -(-(clip_length - 1) // stride)


@dataclass(frozen=True, slots=True)
class Sample:
    """A tick at `seconds`, and the newest frame at that time; `index` counts ticks outside gaps."""

    index: int
    seconds: float
    frame: Frame


class Sampler:
    """Turns frames, pushed in order of time, into samples: tick k is the newest frame at k / fps.

    A tick is given out as soon as its frame is certain: when a frame stands on it, or when a later
    frame arrives. Ticks run from 0 to the time of the last frame, so every video has at least one.
    At a gap they end with the last frame before it and restart on the first one after it.
    """

    def __init__(self, fps: float | None) -> None:
        self.fps = fps
        self._origin = 0.0
        self._tick = 0
        self._given = 0
        self._newest: Frame | None = None

    def push(self, frame: Frame) -> Iterator[Sample]:
        """Yield the ticks that `frame` settles. Exhaust the iterator before the next push."""
        if self.fps is None:
            yield Sample(frame.index, frame.seconds, frame)
            return
        if frame.after_gap:
            self._origin, self._tick = frame.seconds, 0
        elif self._newest is not None:
            while self._time() < frame.seconds - _TOLERANCE_SECONDS:
                yield self._give(self._newest)
        self._newest = frame
        if self._time() <= frame.seconds + _TOLERANCE_SECONDS:
            yield self._give(frame)

    def _time(self) -> float:
        assert self.fps is not None  # without a rate, every frame is given as it comes
        return self._origin + self._tick / self.fps

    def _give(self, frame: Frame) -> Sample:
        sample = Sample(self._given, self._time(), frame)
        self._tick, self._given = self._tick + 1, self._given + 1
        return sample
