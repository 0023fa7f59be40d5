"""Reader of clips, decoded from the videos on demand; nothing is written to disk."""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Literal

import numpy as np

from clips.loading.augmentation import augment_clip, retimed, sample_placement
from clips.loading.clip_sampling import ClipSampling, plan
from clips.loading.sampled_frames import SegmentFrames, read_samples
from clips.manifest.segments import Segment
from recipes.schema import Augment
from video.errors import VideoError
from video.pipeline_stage import PipelineStage
from video.preprocessing import CENTER, Placement, Preprocessing, Preprocessor
from video.sampling import Sample, Sampler, Sampling

_THREADS = 2
# Maximum of clips that a thread decodes ahead: a number, or a size in bytes for small clips.
_CLIPS_AHEAD = 4
_BYTES_AHEAD = 16 * 2**20


@dataclass(frozen=True)
class ClipSampler:
    """Settings for sampling clips from segments. Use one instance for a whole run: it caches the
    frames of the segments.

    Attributes:
        folder: Folder that the paths of the segments are relative to.
        sampling: Sampling of frames for `random` clips; the other modes use all frames.
        preprocessing: Conversion of a frame to the network's input.
        clip_length: Frames per clip, T; 1 for frame networks.
        clip_sampling: Mode `random`, `dense` or `uniform`; see `clips.loading.clip_sampling`.
        count: Clips per segment, or `all`.
        augment: Augmentation of training clips; None for validation, whose clips are evenly spaced.
        segment_frames: Cache of the frames of each segment.
    """

    folder: Path
    sampling: Sampling
    preprocessing: Preprocessing
    clip_length: int
    clip_sampling: ClipSampling
    count: int | Literal["all"]
    augment: Augment | None
    segment_frames: SegmentFrames = field(default_factory=SegmentFrames, compare=False, repr=False)

    @property
    def fps(self) -> float | None:
        """Sampled frames per second; None for all frames of the source."""
        return self.sampling.fps if self.clip_sampling == "random" else None

    @property
    def clip_shape(self) -> tuple[int, int, int, int]:
        """Shape of a clip: (T, H, W, 3)."""
        frames = self.sampling.frames_per_clip(self.clip_length)
        return frames, self.preprocessing.height, self.preprocessing.width, 3

    @property
    def clip_bytes(self) -> int:
        """Size of a clip in bytes."""
        return prod(self.clip_shape)


@dataclass
class _PlannedClip:
    """The frames of a clip, the position of its crop, and the pixels of the frames read so far.

    The pixels of a sampled frame are (1, H, W, 3), or (2, H, W, 3) for a change picture.
    """

    frames: np.ndarray
    place: Placement
    pixels: dict[int, np.ndarray] = field(default_factory=dict)

    def stack(self) -> np.ndarray:
        return np.concatenate([self.pixels[frame] for frame in self.frames.tolist()])


def read_clips(
    segment: Segment, sampler: ClipSampler, random: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yield clips of a segment, in order of time: uint8 RGB (T, H, W, 3). There may be none.

    T is 2 for a change picture: the earlier frame and the sampled one.

    Only the frames of the clips are converted, and decoding ends at the last one. For a part of a
    video, it begins at the key frame before the first one. If the file has become shorter, the
    clips beyond its end are missing.

    Args:
        segment: The segment to sample from.
        sampler: The settings of the sampling.
        random: Generator for the positions and the augmentation.

    Raises:
        VideoError: The file cannot be read.
    """
    clips = deque(_planned(segment, sampler, random))
    wanted: dict[int, list[_PlannedClip]] = {}
    for clip in clips:
        for frame in np.unique(clip.frames).tolist():
            wanted.setdefault(frame, []).append(clip)
    if not clips:
        return
    preprocess = Preprocessor(sampler.preprocessing)
    shown = -1
    images: dict[Placement, np.ndarray] = {}
    with closing(_samples(segment, sampler, sorted(wanted))) as samples:
        for sample in samples:
            if sample.frame.index != shown:
                shown, images = sample.frame.index, {}
            for clip in wanted.pop(sample.index, ()):
                if clip.place not in images:
                    both = [sample.earlier, sample.frame] if sample.earlier else [sample.frame]
                    images[clip.place] = np.stack([preprocess(each, clip.place) for each in both])
                clip.pixels[sample.index] = images[clip.place]
            while clips and clips[0].frames[-1] <= sample.index:
                pixels = clips.popleft().stack()
                yield (augment_clip(pixels, sampler.augment, random) if sampler.augment else pixels)
            if not clips:
                return


def _samples(
    segment: Segment, sampler: ClipSampler, wanted: list[int]
) -> Generator[Sample, None, None]:
    path, change_seconds = sampler.folder / segment.video, sampler.sampling.change_seconds
    video = sampler.segment_frames.video(path, segment, sampler.fps, change_seconds)
    yield from read_samples(path, wanted, Sampler(sampler.fps, change_seconds), video)


def _planned(
    segment: Segment, sampler: ClipSampler, random: np.random.Generator
) -> list[_PlannedClip]:
    frames = sampler.segment_frames(*_key(segment, sampler))
    augment = sampler.augment
    clips = plan(
        frames,
        sampler.clip_length,
        sampler.count,
        sampler.clip_sampling,
        random if augment else None,
        sampler.sampling.stride,
    )
    if not augment:
        return [_PlannedClip(shown, CENTER) for shown in clips]
    return [
        _PlannedClip(
            place=sample_placement(augment, random),
            frames=retimed(shown, frames.start, augment, random),
        )
        for shown in clips
    ]


def read_all_clips(
    segments: list[Segment],
    sampler: ClipSampler,
    seed: tuple[int, ...] = (),
    order: Sequence[int] | None = None,
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (index of the segment, a clip of it), decoded ahead by threads.

    The clips depend on `seed` and the segment's index only, not on the order. A video that cannot
    be read gives no clips; extraction reports it.

    Args:
        segments: The segments to sample from.
        sampler: The settings of the sampling.
        seed: The seed; the segment's index is appended to it.
        order: Indices of the segments in the order to read; None for 0, 1, 2, ...
    """

    def read(index: int) -> Generator[tuple[int, np.ndarray], None, None]:
        random = np.random.default_rng([*seed, index])
        try:
            for clip in read_clips(segments[index], sampler, random):
                yield index, clip
        except VideoError:
            return
        except Exception as error:
            error.add_note(f"while reading {sampler.folder / segments[index].video}")
            raise

    ahead = max(_CLIPS_AHEAD, _BYTES_AHEAD // sampler.clip_bytes)
    jobs = range(len(segments)) if order is None else order
    with PipelineStage("decoding", read, jobs, _THREADS, ahead, ordered=True) as clips:
        yield from clips


def frame_ranges(
    segments: list[Segment], sampler: ClipSampler, order: Sequence[int] | None = None
) -> np.ndarray:
    """Return the first and the end of the sampled frames of segments: int32 (n, 2).

    Both are 0 for a video that cannot be read.

    Args:
        segments: The segments.
        sampler: The settings of the sampling.
        order: Indices of n segments; None for all.
    """

    def found(index: int) -> Generator[tuple[int, int], None, None]:
        segment = segments[index]
        try:
            frames = sampler.segment_frames(*_key(segment, sampler))
            yield frames.start, frames.stop
        except VideoError:
            yield 0, 0

    jobs = range(len(segments)) if order is None else order
    with PipelineStage("counting", found, jobs, _THREADS, ahead=1, ordered=True) as ranges:
        return np.array(list(ranges), np.int32).reshape(-1, 2)


def know_frame_ranges(segments: list[Segment], sampler: ClipSampler, ranges: np.ndarray) -> None:
    """Take over the sampled frames of all segments, int (n, 2), as `frame_ranges` returns them."""
    for segment, (start, stop) in zip(segments, ranges.tolist(), strict=True):
        sampler.segment_frames.know(*_key(segment, sampler), range(start, stop))


def clip_counts(segments: list[Segment], sampler: ClipSampler) -> np.ndarray:
    """Return the number of clips of each segment, int (n,), whose sampled frames are known."""
    random = np.random.default_rng(0)
    return np.array([len(_planned(segment, sampler, random)) for segment in segments], int)


def _key(
    segment: Segment, sampler: ClipSampler
) -> tuple[Path, Segment, float | None, float | None]:
    path = sampler.folder / segment.video
    return path, segment, sampler.fps, sampler.sampling.change_seconds


def max_clips(segments: list[Segment], sampler: ClipSampler) -> int:
    """Return the maximum number of clips of the segments; for `all`, decode them and count."""
    if sampler.count != "all":
        return len(segments) * sampler.count

    def counted(segment: Segment) -> Generator[int, None, None]:
        try:
            yield len(_planned(segment, sampler, np.random.default_rng(0)))
        except VideoError:
            return

    with PipelineStage("counting", counted, segments, _THREADS, ahead=1) as counts:
        return sum(counts)
