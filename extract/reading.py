"""Decoding ahead: several videos at once, in threads, with a bounded queue."""

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from video.errors import VideoError
from video.sources import FileSource
from video.steps import Step, Stepper

_QUEUED_BATCHES = 4
_READERS = 2


@dataclass
class StepBatch:
    """Some steps of one video, in order.

    Attributes:
        video: which.
        clips: uint8 (U, T, H, W, 3), each picture once.
        rows: for each step its row in `clips`; steps that repeat a picture share one.
        seconds: for each step its time.
        last: whether the video ends here.
        note: with the last batch, what was wrong with the file.
        error: instead of steps, why the video cannot be read.
    """

    video: str
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

    def batch(self, video: str, **end) -> StepBatch:
        clips = np.stack(self.clips) if self.clips else np.empty(0, np.uint8)
        return StepBatch(
            video, clips, np.array(self.rows, int), np.array(self.seconds, float), **end
        )


def batches_of(video: str, path: Path, stepper: Stepper, batch_size: int) -> Iterator[StepBatch]:
    """Yield a video's steps in batches of `batch_size` pictures; how they are cut depends on the
    video alone."""
    gathered = _Gathered()
    try:
        with FileSource(path) as source:
            for frame in source:
                for step in stepper.push(frame):
                    if len(gathered.clips) == batch_size and not step.repeats:
                        yield gathered.batch(video)
                        gathered = _Gathered()
                    gathered.add(step)
            yield gathered.batch(video, last=True, note=source.note)
    except VideoError as error:
        yield _Gathered().batch(video, last=True, error=str(error))


def read_ahead(
    videos: list[tuple[str, Path]], make_stepper: Callable[[], Stepper], batch_size: int
) -> Iterator[StepBatch]:
    """Yield the batches of all videos; those of one video stay in order, videos may interleave.

    An unexpected error in a reading thread is raised here. Leaving the iterator early stops the
    threads.
    """
    todo: queue.SimpleQueue = queue.SimpleQueue()
    for item in videos:
        todo.put(item)
    done: queue.Queue = queue.Queue(_QUEUED_BATCHES)
    stop = threading.Event()
    finished = object()

    def put(item) -> bool:
        while not stop.is_set():
            try:
                done.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def read() -> None:
        try:
            while not stop.is_set():
                video, path = todo.get_nowait()
                for batch in batches_of(video, path, make_stepper(), batch_size):
                    if not put(batch):
                        return
        except queue.Empty:
            put(finished)
        except BaseException as error:
            put(error)

    threads = [threading.Thread(target=read, daemon=True) for _ in range(_READERS)]
    for thread in threads:
        thread.start()
    try:
        running = len(threads)
        while running:
            item = done.get()
            if item is finished:
                running -= 1
            elif isinstance(item, BaseException):
                raise item
            else:
                yield item
    finally:
        stop.set()
        for thread in threads:
            thread.join()
