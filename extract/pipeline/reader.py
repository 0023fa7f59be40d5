"""From video files to the clips that a network takes: several files at once, ahead of it."""

import os
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from video.errors import VideoError
from video.pipeline_stage import PipelineStage
from video.sources import FileSource
from video.steps import Step, Stepper

_FRAMES_A_BATCH = 16
_QUEUED_BATCHES = 8


@dataclass
class StepBatch:
    """Some steps of one video.

    Attributes:
        video: which.
        number: its place among the video's batches, from 0.
        clips: uint8 (U, T, H, W, 3), each picture once.
        rows: for each step its row in `clips`; steps that repeat a picture share one.
        seconds: for each step its time.
        last: whether the video ends here.
        note: with the last batch, what was wrong with the file.
        error: instead of steps, why the video cannot be read.
    """

    video: str
    number: int
    clips: np.ndarray
    rows: np.ndarray
    seconds: np.ndarray
    last: bool = False
    note: str = ""
    error: str = ""


@dataclass
class _Gathered:
    clips: list[np.ndarray] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, step: Step) -> None:
        if not step.repeats:
            self.clips.append(step.clip)
        self.rows.append(len(self.clips) - 1)
        self.seconds.append(step.seconds)

    def batch(self, video: str, number: int, **end) -> StepBatch:
        clips = np.stack(self.clips) if self.clips else np.empty(0, np.uint8)
        rows, seconds = np.array(self.rows, int), np.array(self.seconds, float)
        return StepBatch(video, number, clips, rows, seconds, **end)


def batches_of(
    video: str, path: Path, stepper: Stepper, batch_size: int, threads: int | None = None
) -> Iterator[StepBatch]:
    """Yield a video's steps in batches of `batch_size` pictures, decoded by so many threads."""
    gathered, number = _Gathered(), 0
    try:
        with FileSource(path, threads, sampled_at=stepper.fps) as source:
            for frame in source:
                for step in stepper.push(frame):
                    if len(gathered.clips) == batch_size and not step.repeats:
                        yield gathered.batch(video, number)
                        gathered, number = _Gathered(), number + 1
                    gathered.add(step)
            yield gathered.batch(video, number, last=True, note=source.note)
    except VideoError as error:
        yield _Gathered().batch(video, number, last=True, error=str(error))
    except Exception as error:
        error.add_note(f"while reading {path}")
        raise


def decoding_stage(
    videos: list[tuple[str, Path]], make_stepper: Callable[[], Stepper], clip_length: int
) -> PipelineStage[tuple[str, Path], StepBatch]:
    """Return the stage that gives the batches of all videos: those of one video in order, those of
    several at once mixed."""
    cores = os.cpu_count() or 1
    readers = max(1, min(cores, len(videos)))
    # A thread a video decodes more frames a second than several threads on one.
    threads, batch_size = cores // readers, max(1, _FRAMES_A_BATCH // clip_length)

    def read(item: tuple[str, Path]) -> Generator[StepBatch, None, None]:
        yield from batches_of(*item, make_stepper(), batch_size, threads)

    return PipelineStage("decoding", read, videos, readers, _QUEUED_BATCHES)
