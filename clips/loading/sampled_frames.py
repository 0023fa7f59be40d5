"""The sampled frames of segments: which they are, and reading only some of them.

The frames of a whole video are counted by decoding it. A part of a video may be a few seconds of an
hour, so its frames come from the packets of the file, and reading seeks to them. If the packets do
not tell (a format without key frames, a damaged file), the video is decoded from its beginning.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
import numpy as np

from clips.manifest.segments import Segment
from video.frame import Frame
from video.image_folder import image_folder
from video.sampling import Sample, Sampler
from video.sources import VideoSource, open_video
from video.sources.chosen_frames import ChosenFrames, NotAsIndexedError, index_of
from video.sources.packets import FileIndex


@dataclass(frozen=True, eq=False)
class SampledVideo:
    """The samples of a video, by its packets.

    Attributes:
        index: The frames of the file.
        seconds: Times of the samples: float64 (s,).
        frames: Index of the frame of each sample: int64 (s,).
        earlier: Index of the earlier frame of each change picture: int64 (s,); None for frames.
    """

    index: FileIndex
    seconds: np.ndarray
    frames: np.ndarray
    earlier: np.ndarray | None

    def within(self, segment: Segment) -> range:
        """Return the indices of the samples of a segment."""
        first, last = np.searchsorted(self.seconds, (segment.start, segment.end))
        return range(int(first), int(last))


def _sampled_video(
    path: Path, fps: float | None, change_seconds: float | None
) -> SampledVideo | None:
    index = None if image_folder(path) else index_of(path)
    if index is None:
        return None
    sampler, samples = Sampler(fps, change_seconds), list[tuple[float, int, int]]()
    timed = cast(av.VideoFrame, None)  # the sampler uses only the time
    for number, (seconds, gap) in enumerate(zip(index.seconds, index.after_gap, strict=True)):
        for each in sampler.push(Frame(number, float(seconds), timed, after_gap=bool(gap))):
            before = each.earlier.index if each.earlier else -1
            samples.append((each.seconds, each.frame.index, before))
    times, frames, earlier = np.array(samples, np.float64).reshape(-1, 3).T
    pairs = earlier.astype(np.int64) if change_seconds else None
    return SampledVideo(index, times, frames.astype(np.int64), pairs)


class SegmentFrames:
    """The sampled frames of each segment, found once and then cached.

    Thread-safe: if two threads look up the same video at once, one waits.
    """

    def __init__(self) -> None:
        self._known: dict[tuple, range] = {}
        self._videos: dict[tuple, SampledVideo | None] = {}
        self._locks: dict[Path, threading.Lock] = {}

    def __call__(
        self, path: Path, segment: Segment, fps: float | None, change_seconds: float | None = None
    ) -> range:
        """Return the indices of a segment's sampled frames, from 0 at the start of the video.

        Args:
            path: The video.
            segment: The segment of the video.
            fps: Sampled frames per second; None for all frames.
            change_seconds: Time between the two frames of a change picture; None for frames alone.

        Raises:
            VideoError: The file cannot be read.
        """
        key = (path, segment.start, segment.end, fps, change_seconds)
        if key not in self._known:
            video = self.video(path, segment, fps, change_seconds)
            self._known[key] = (
                video.within(segment)
                if video
                else _frames_in(path, segment, Sampler(fps, change_seconds))
            )
        return self._known[key]

    def know(
        self,
        path: Path,
        segment: Segment,
        fps: float | None,
        change_seconds: float | None,
        frames: range,
    ) -> None:
        """Take over the frames of a segment that another process has found.

        Args:
            path, segment, fps, change_seconds: Arguments of a call.
            frames: What the call returns.
        """
        self._known[path, segment.start, segment.end, fps, change_seconds] = frames

    def video(
        self, path: Path, segment: Segment, fps: float | None, change_seconds: float | None
    ) -> SampledVideo | None:
        """Return the samples of a segment's video; None if it has to be decoded as a whole.

        Arguments as for a call.

        Raises:
            VideoError: The file cannot be read.
        """
        if not segment.is_part:
            return None
        key = (path, fps, change_seconds)
        with self._locks.setdefault(path, threading.Lock()):
            if key not in self._videos:
                self._videos[key] = _sampled_video(path, fps, change_seconds)
            return self._videos[key]


def _frames_in(path: Path, segment: Segment, sampler: Sampler) -> range:
    first = last = 0
    with open_video(path) as source:
        for sample in samples_of(source, sampler):
            if sample.seconds >= segment.end:
                break
            last = sample.index + 1
            if not segment.holds(sample.seconds):
                first = last
    return range(first, last)


def samples_of(source: VideoSource, sampler: Sampler) -> Iterator[Sample]:
    """Yield the samples of a source."""
    for frame in source:
        yield from sampler.push(frame)


def read_samples(
    path: Path, wanted: Sequence[int], sampler: Sampler, video: SampledVideo | None
) -> Iterator[Sample]:
    """Yield at least the wanted samples of a video, in order of time.

    Args:
        path: The video.
        wanted: Indices of the samples, ascending, each once.
        sampler: New sampler for the video.
        video: Samples of the video; None decodes it from its beginning.

    Raises:
        VideoError: The file cannot be read.
    """
    reached = -1
    if video:
        try:
            for sample in _chosen(video, wanted):
                reached = sample.index
                yield sample
            return
        except NotAsIndexedError:
            pass  # the samples so far are correct
    with open_video(path) as source:
        yield from (each for each in samples_of(source, sampler) if each.index > reached)


def _chosen(video: SampledVideo, wanted: Sequence[int]) -> Iterator[Sample]:
    frames = video.frames[wanted]
    earlier = frames if video.earlier is None else video.earlier[wanted]
    needed = np.union1d(frames, earlier).tolist()
    kept: dict[int, Frame] = {}
    with ChosenFrames(video.index, needed) as source:
        coming = iter(source)
        for number, shown, before in zip(wanted, frames.tolist(), earlier.tolist(), strict=True):
            for old in [each for each in kept if each < before]:
                del kept[old]
            while shown not in kept:
                frame = next(coming)
                kept[frame.index] = frame
            pair = kept[before] if video.earlier is not None else None
            yield Sample(number, float(video.seconds[number]), kept[shown], pair)
