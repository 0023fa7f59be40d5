"""Sampling of frames at a fixed rate in the time of the video.

frames  |    |    |      |    |        (any rate, also a variable one)
ticks   k0        k1        k2         (k / fps)
sample  ^         ^      ^             (the newest frame at or before the tick)

A frame repeats at every tick until the next frame. A gap (`Frame.after_gap`) is a part of the video
in which nothing was recorded: it has no ticks, and the ticks restart at the first frame after it.
The source detects gaps, because it alone reads every frame: in a file, two frames are more than a
minute apart; in a live source, more than two seconds. The numbering of samples has no break, so
clips and windows continue across a gap.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from video.frame import Frame

# Containers round timestamps (Matroska to a millisecond), so a frame that belongs to a tick may
# come slightly after it.
_TOLERANCE_SECONDS = 5e-4


@dataclass(frozen=True)
class Sampling:
    """Settings of the sampling; stored with every model and every feature file.

    Attributes:
        fps: Ticks per second, or None to take every frame of the source.
        stride: Sampled frames between two features (1 for frame networks).
    """

    fps: float | None
    stride: int = 1

    def __post_init__(self) -> None:
        if self.fps is not None and not 0 < self.fps < math.inf:
            raise ValueError(f"fps is {self.fps}; it must be a rate above 0, or source")
        if self.stride < 1:
            raise ValueError(f"stride is {self.stride}; it must be at least 1")

    def to_dict(self) -> dict:
        """Return the sampling as a feature file's spec records it."""
        return {"fps": self.fps, "hop": self.stride}  # `hop`: the name since version 1


def is_step(tick: int, clip_length: int, stride: int) -> bool:
    """Return whether there is a feature at a tick.

    There is one at the first tick and at every `stride`-th tick, counted from the end of the first
    full clip. So a video of exactly T sampled frames has a step that sees all of them.

    >>> [tick for tick in range(32) if is_step(tick, clip_length=16, stride=8)]
    [0, 7, 15, 23, 31]
    """
    return tick == 0 or (tick - (clip_length - 1)) % stride == 0


def steps_before_full(clip_length: int, stride: int) -> int:
    """Return the number of steps of a video that see fewer than T of its frames.

    >>> steps_before_full(16, 8), steps_before_full(1, 1)
    (2, 0)
    """
    return -(-(clip_length - 1) // stride)


@dataclass(frozen=True, slots=True)
class Sample:
    """A tick at `seconds` with the newest frame at that time; `index` numbers the ticks."""

    index: int
    seconds: float
    frame: Frame


class Sampler:
    """Samples frames that are pushed in order of time: tick k takes the newest frame at k / fps.

    A tick is yielded as soon as its frame is certain: when a frame is exactly at the tick, or when
    a later frame arrives. Ticks run from 0 to the time of the last frame, so every video has one
    or more. At a gap, they end at the last frame before it and restart at the first one after it.
    """

    def __init__(self, fps: float | None) -> None:
        self.fps = fps
        self._origin = 0.0
        self._tick = 0
        self._count = 0
        self._newest: Frame | None = None

    def push(self, frame: Frame) -> Iterator[Sample]:
        """Yield the samples that `frame` completes. Exhaust the iterator before the next push."""
        if self.fps is None:
            yield Sample(frame.index, frame.seconds, frame)
            return
        if frame.after_gap:
            self._origin, self._tick = frame.seconds, 0
        elif self._newest is not None:
            while self._time() < frame.seconds - _TOLERANCE_SECONDS:
                yield self._take(self._newest)
        self._newest = frame
        if self._time() <= frame.seconds + _TOLERANCE_SECONDS:
            yield self._take(frame)

    def _time(self) -> float:
        assert self.fps is not None  # without a rate there are no ticks
        return self._origin + self._tick / self.fps

    def _take(self, frame: Frame) -> Sample:
        sample = Sample(self._count, self._time(), frame)
        self._tick, self._count = self._tick + 1, self._count + 1
        return sample
