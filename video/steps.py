"""Conversion of frames to steps: sampling, preprocessing, and the clip of the last T frames.

Extraction and the live loop both push their frames through a `Stepper`. This makes live equal to
offline.
"""

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from video.errors import VideoError
from video.frame import Frame
from video.preprocessing import Preprocessing, Preprocessor
from video.sampling import Sample, Sampler, Sampling, is_step


@dataclass(frozen=True, slots=True)
class Step:
    """An instant that has a feature.

    Attributes:
        index: Index of the step in the video, from 0.
        seconds: Time in the video.
        clip: uint8 RGB (T, H, W, 3), the last T sampled frames. Before there are T, the first frame
            is repeated. For a change picture, the earlier frame and the sampled one.
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


def too_short(path: Path, sampling: Sampling) -> VideoError:
    """Return the error of a video that ends before its first step."""
    return VideoError(
        f"{path}: is shorter than {sampling.change_seconds:g} s, the time between the two frames "
        "of a change picture (sampling.change_seconds)"
    )


class Stepper:
    """Converts the frames of one video to steps. Use one instance per video.

    Attributes:
        sampling: Sampling of the frames.
    """

    def __init__(self, sampling: Sampling, preprocessing: Preprocessing, clip_length: int) -> None:
        self.sampling = sampling
        self._sampler = Sampler(sampling.fps, sampling.change_seconds)
        self._preprocess = Preprocessor(preprocessing)
        self._stride = sampling.stride
        self._length = clip_length
        self._recent: deque[tuple[int, np.ndarray]] = deque(maxlen=clip_length)
        self._converted: dict[int, np.ndarray] = {}  # frames of change pictures, by index
        self._shown: tuple[int, ...] = ()
        self._count = 0

    def push(self, frame: Frame) -> Iterator[Step]:
        """Yield the steps that `frame` completes. Exhaust the iterator before the next push."""
        for sample in self._sampler.push(frame):
            clip_frames = self._pair(sample) if sample.earlier else self._last(sample.frame)
            if not is_step(sample.index, self._length, self._stride):
                continue
            shown = tuple(index for index, _ in clip_frames)
            clip = np.stack([pixels for _, pixels in clip_frames])
            full = sample.index >= self._length - 1
            yield Step(self._count, sample.seconds, clip, shown == self._shown, full, shown)
            self._shown = shown
            self._count += 1

    def _last(self, frame: Frame) -> Collection[tuple[int, np.ndarray]]:
        """Return the last T sampled frames with their indices, after the next one."""
        if self._recent and self._recent[-1][0] == frame.index:
            self._recent.append(self._recent[-1])
            return self._recent
        entry = (frame.index, self._preprocess(frame))
        if not self._recent:
            self._recent.extend([entry] * (self._length - 1))
        self._recent.append(entry)
        return self._recent

    def _pair(self, sample: Sample) -> Collection[tuple[int, np.ndarray]]:
        """Return the two frames of a change picture with their indices."""
        assert sample.earlier is not None
        # An earlier frame was often sampled itself, at an earlier tick.
        since, before = sample.earlier.index, self._converted
        self._converted = {index: before[index] for index in before if index >= since}
        pair = (sample.earlier, sample.frame)
        for frame in pair:
            if frame.index not in self._converted:
                self._converted[frame.index] = self._preprocess(frame)
        return [(frame.index, self._converted[frame.index]) for frame in pair]
