"""Decoding stage: video files to batches of clips, several files concurrently."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from extract.pipeline.ahead import ClipsAhead
from video.cores import usable_cores
from video.errors import VideoError
from video.motion import CELLS, MotionMeter
from video.pipeline_stage import PipelineStage
from video.sources import open_video
from video.steps import Step, Stepper, too_short

_FRAMES_PER_BATCH = 16
_QUEUED_BATCHES = 8


@dataclass
class StepBatch:
    """Consecutive steps of one video.

    Attributes:
        video: Video of the steps.
        number: Index of the batch within the video, from 0.
        clips: Distinct clips, uint8 (U, T, H, W, 3).
        rows: Row of each step in `clips`, int (N,); steps with the same clip share a row.
        seconds: Time of each step, float (N,).
        motion: Motion energy of each step, float32 (N, 16), see `video.motion`. The first step of a
            video repeats that of the second, since zeros would mean a still picture.
        last: Whether this is the video's last batch.
        note: Problem of the file, in its last batch; empty without one.
        error: Reason why the video cannot be read, instead of steps; empty without one.
    """

    video: str
    number: int
    clips: np.ndarray
    rows: np.ndarray
    seconds: np.ndarray
    motion: np.ndarray
    last: bool = False
    note: str = ""
    error: str = ""


@dataclass
class _Collector:
    """Steps that wait for a full batch."""

    clips: list[np.ndarray] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    motion: list[np.ndarray] = field(default_factory=list)

    def add(self, step: Step, motion: np.ndarray) -> None:
        if not step.repeats:
            self.clips.append(step.clip)
        self.rows.append(len(self.clips) - 1)
        self.seconds.append(step.seconds)
        self.motion.append(motion)

    def batch(self, video: str, number: int, **end) -> StepBatch:
        clips = np.stack(self.clips) if self.clips else np.empty(0, np.uint8)
        rows, seconds = np.array(self.rows, int), np.array(self.seconds, float)
        motion = np.array(self.motion, np.float32).reshape(-1, CELLS)
        return StepBatch(video, number, clips, rows, seconds, motion, **end)


def batches_of(
    video: str, path: Path, stepper: Stepper, batch_size: int, threads: int | None = None
) -> Iterator[StepBatch]:
    """Yield a video's steps in batches of `batch_size` distinct clips.

    Args:
        video: Name of the video.
        path: Path of the file.
        stepper: Stepper for this video only.
        batch_size: Distinct clips per batch.
        threads: Decoder threads; None for the decoder's default.
    """
    collector, number = _Collector(), 0
    meter = MotionMeter()
    try:
        with open_video(path, threads, stepper.sampling) as source:
            for frame in source:
                for step in stepper.push(frame):
                    motion = meter.push(step.clip[-1], step.repeats)
                    if step.index == 1:
                        collector.motion[0] = motion
                    if len(collector.clips) == batch_size and not step.repeats:
                        yield collector.batch(video, number)
                        collector, number = _Collector(), number + 1
                    collector.add(step, motion)
            if not (number or collector.rows):
                raise too_short(path, stepper.sampling)
            yield collector.batch(video, number, last=True, note=source.note)
    except VideoError as error:
        yield _Collector().batch(video, number, last=True, error=str(error))
    except Exception as error:
        error.add_note(f"while reading {path}")
        raise


def decoding_stage(
    videos: list[tuple[str, Path]],
    make_stepper: Callable[[], Stepper],
    frames_per_clip: int,
    ahead: ClipsAhead | None = None,
    is_due: Callable[[str], bool] = lambda video: True,
) -> PipelineStage[Any, StepBatch]:
    """Return the pipeline stage that yields the batches of all videos.

    Batches of one video come in order; those of concurrent videos are interleaved.

    Args:
        videos: Name and path of each video.
        make_stepper: Function that returns a new stepper, called once per video.
        frames_per_clip: Frames in one input of the network.
        ahead: The videos as they are staged; None if they need not be.
        is_due: Function that tells of a staged video whether it is still to be decoded.
    """
    cores = usable_cores()
    readers = max(1, min(cores, len(videos)))
    # One thread per video has a higher throughput than several threads on one video.
    threads, batch_size = cores // readers, max(1, _FRAMES_PER_BATCH // frames_per_clip)

    def read(item: tuple[str, Path]) -> Generator[StepBatch, None, None]:
        yield from batches_of(*item, make_stepper(), batch_size, threads)

    def read_staged(clips: ClipsAhead) -> Generator[StepBatch, None, None]:
        staged = iter(clips)
        while True:
            with stage.waiting():
                clip = next(staged, None)
            if clip is None:
                return
            try:
                if clip.error:
                    yield _Collector().batch(clip.video, 0, last=True, error=clip.error)
                elif is_due(clip.video):
                    yield from read((clip.video, clip.path))
            finally:
                clip.release()

    if ahead:
        stage: PipelineStage[Any, StepBatch] = PipelineStage(
            "decoding", read_staged, [ahead] * readers, readers, _QUEUED_BATCHES
        )
    else:
        stage = PipelineStage("decoding", read, videos, readers, _QUEUED_BATCHES)
    return stage
