"""Conversion of frames to steps: sampling, preprocessing, and the clip of the last T frames.

Extraction and the live loop both push their frames through a `Stepper`. This makes live equal to
offline.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from video.frame import Frame
from video.preprocessing import Preprocessing, Preprocessor
from video.sampling import Sampler, Sampling, is_step


@dataclass(frozen=True, slots=True)
class Step:
    """An instant that has a feature.

    Attributes:
        index: Index of the step in the video, from 0.
        seconds: Time in the video.
        clip: uint8 RGB (T, H, W, 3), the last T sampled frames. Before there are T, the first frame
            is repeated.
        repeats: Whether the clip shows the same frames as the previous step's clip, so that the
            feature is the same.
        full: Whether the video has T sampled frames by then. A padded clip looks motionless.
        frames: Index in the video of each frame of the clip.
    """

    index: int
    seconds: float
    clip: np.ndarray
    repeats: bool
    full: bool = True
    frames: tuple[int, ...] = ()


class Stepper:
    """Converts the frames of one video to steps. Use one instance per video.

    Attributes:
        fps: Ticks per second; None for every frame.
    """

    def __init__(self, sampling: Sampling, preprocessing: Preprocessing, clip_length: int) -> None:
        self.fps = sampling.fps
        self._sampler = Sampler(sampling.fps)
        self._preprocess = Preprocessor(preprocessing)
        self._stride = sampling.stride
        self._length = clip_length
        self._recent: deque[tuple[int, np.ndarray]] = deque(maxlen=clip_length)
        self._shown: tuple[int, ...] = ()
        self._count = 0

    def push(self, frame: Frame) -> Iterator[Step]:
        """Yield the steps that `frame` completes. Exhaust the iterator before the next push."""
        for sample in self._sampler.push(frame):
            self._remember(sample.frame)
            if not is_step(sample.index, self._length, self._stride):
                continue
            shown = tuple(index for index, _ in self._recent)
            clip = np.stack([pixels for _, pixels in self._recent])
            full = sample.index >= self._length - 1
            yield Step(self._count, sample.seconds, clip, shown == self._shown, full, shown)
            self._shown = shown
            self._count += 1

    def _remember(self, frame: Frame) -> None:
        if self._recent and self._recent[-1][0] == frame.index:
            self._recent.append(self._recent[-1])
            return
        entry = (frame.index, self._preprocess(frame))
        if not self._recent:
            self._recent.extend([entry] * (self._length - 1))
        self._recent.append(entry)
