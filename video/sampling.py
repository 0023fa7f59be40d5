"""Sampling of frames at a fixed rate in the time of the video.

frames  |    |    |      |    |        (any rate, also a variable one)
ticks   k0        k1        k2         (k / fps)
sample  ^         ^      ^             (the newest frame at or before the tick)

A frame repeats at every tick until the next frame. A gap (`Frame.after_gap`) is a part of the video
in which nothing was recorded: it has no ticks, and the ticks restart at the first frame after it.
The source detects gaps, because it alone reads every frame: in a file, two frames are more than a
minute apart; in a live source, more than two seconds. The numbering of samples has no break, so
clips and windows continue across a gap.

With `change_seconds`, a sample also has the frame from that long before (`Sample.earlier`), for the
change picture of the two. It is the frame nearest to that time, so the pair spans the same time at
any frame rate, up to half a frame interval. It does not cross a gap, and there are no samples as
long as the recording does not reach that far back.
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from video.frame import Frame

# Containers round timestamps (Matroska to a millisecond), so a frame that belongs to a tick may
# come slightly after it.
_TOLERANCE_SECONDS = 5e-4
# A difference of two timestamps has twice the rounding error of one.
_SPAN_TOLERANCE_SECONDS = 2 * _TOLERANCE_SECONDS

# The sampler keeps the decoded frames of this time, so it is limited.
MAX_CHANGE_SECONDS = 1.0


@dataclass(frozen=True)
class Sampling:
    """Settings of the sampling; stored with every model and every feature file.

    Attributes:
        fps: Ticks per second, or None to take every frame of the source.
        stride: Sampled frames between two features (1 for frame networks).
        change_seconds: Time between the two frames of a change picture, in seconds; None if the
            network sees the frames themselves.
    """

    fps: float | None
    stride: int = 1
    change_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.fps is not None and not 0 < self.fps < math.inf:
            raise ValueError(f"fps is {self.fps}; it must be a rate above 0, or source")
        if self.stride < 1:
            raise ValueError(f"stride is {self.stride}; it must be at least 1")
        if self.change_seconds is not None and not 0 < self.change_seconds <= MAX_CHANGE_SECONDS:
            raise ValueError(
                f"change_seconds is {self.change_seconds}; it must be above 0 and at most "
                f"{MAX_CHANGE_SECONDS:g}"
            )

    @property
    def is_change(self) -> bool:
        """Whether the network sees the change between two frames instead of a frame."""
        return self.change_seconds is not None

    @property
    def input(self) -> Literal["frame", "change"]:
        """What an image network sees: a `frame`, or the `change` between two."""
        return "change" if self.is_change else "frame"

    def frames_per_clip(self, clip_length: int) -> int:
        """Return the number of frames in the network's input, for a clip of `clip_length` samples.

        >>> Sampling(10.0).frames_per_clip(1), Sampling(10.0, change_seconds=0.1).frames_per_clip(1)
        (1, 2)
        """
        return 2 if self.is_change else clip_length

    def to_dict(self) -> dict:
        """Return the sampling as a feature file's spec records it."""
        recorded = {"fps": self.fps, "hop": self.stride}  # `hop`: the name since version 1
        return {**recorded, "change_seconds": self.change_seconds} if self.is_change else recorded


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
    """A tick at `seconds` with the newest frame at that time; `index` numbers the ticks.

    `earlier` is the other frame of the change picture; None if there is none.
    """

    index: int
    seconds: float
    frame: Frame
    earlier: Frame | None = None


class Sampler:
    """Samples frames that are pushed in order of time: tick k takes the newest frame at k / fps.

    A tick is yielded as soon as its frame is certain: when a frame is exactly at the tick, or when
    a later frame arrives. Ticks run from 0 to the time of the last frame, so every video has one
    or more. At a gap, they end at the last frame before it and restart at the first one after it.

    With `change_seconds`, a tick whose frame has no earlier frame is left out.
    """

    def __init__(self, fps: float | None, change_seconds: float | None = None) -> None:
        """Begin a video.

        Args:
            fps: Ticks per second; None for a sample at every frame.
            change_seconds: Time between the two frames of a change picture; None for frames alone.
        """
        self.fps = fps
        self._origin = 0.0
        self._tick = 0
        self._count = 0
        self._newest: _Shown | None = None
        self._earlier = _EarlierFrames(change_seconds) if change_seconds else None

    def push(self, frame: Frame) -> Iterator[Sample]:
        """Yield the samples that `frame` completes. Exhaust the iterator before the next push."""
        newest = _Shown(frame, self._earlier.of(frame) if self._earlier else None)
        if self.fps is None:
            yield from self._take(newest, frame.seconds)
            return
        if frame.after_gap:
            self._origin, self._tick = frame.seconds, 0
        elif self._newest is not None:
            while self._time() < frame.seconds - _TOLERANCE_SECONDS:
                yield from self._tick_of(self._newest)
        self._newest = newest
        if self._time() <= frame.seconds + _TOLERANCE_SECONDS:
            yield from self._tick_of(newest)

    def _time(self) -> float:
        assert self.fps is not None  # without a rate there are no ticks
        return self._origin + self._tick / self.fps

    def _tick_of(self, shown: "_Shown") -> Iterator[Sample]:
        seconds = self._time()
        self._tick += 1
        yield from self._take(shown, seconds)

    def _take(self, shown: "_Shown", seconds: float) -> Iterator[Sample]:
        if self._earlier and shown.earlier is None:
            return
        sample = Sample(self._count, seconds, shown.frame, shown.earlier)
        self._count += 1
        yield sample


@dataclass(frozen=True, slots=True)
class _Shown:
    """A frame with the earlier frame of its change picture."""

    frame: Frame
    earlier: Frame | None


class _EarlierFrames:
    """The frames of the last `change_seconds`, to find the earlier frame of a change picture.

    Why the nearest frame and not the newest one at or before the earlier time: with the latter, a
    camera at 15 frames per second would give pairs of 0.07 s and 0.13 s in turn, and a slower one
    would pair a frame with itself, which looks motionless.
    """

    def __init__(self, change_seconds: float) -> None:
        self._change_seconds = change_seconds
        self._frames: deque[Frame] = deque()

    def of(self, frame: Frame) -> Frame | None:
        """Return the earlier frame for the next frame of the video; None if the recording does not
        reach that far back."""
        if frame.after_gap:
            self._frames.clear()
        frames, wanted = self._frames, frame.seconds - self._change_seconds
        # Later frames want later times, so only the newest frame at or before this time is kept.
        while len(frames) > 1 and frames[1].seconds <= wanted + _SPAN_TOLERANCE_SECONDS:
            frames.popleft()
        earlier = None
        if frames and frames[0].seconds <= wanted + _SPAN_TOLERANCE_SECONDS:
            earlier = frames[0]
            if len(frames) > 1:
                before, after = wanted - frames[0].seconds, frames[1].seconds - wanted
                # A tie goes to the older frame, and rounding does not decide it.
                earlier = frames[1] if after < before - _SPAN_TOLERANCE_SECONDS else earlier
        frames.append(frame)
        return earlier
