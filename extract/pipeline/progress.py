"""Progress line of an extraction, with its bottleneck."""

import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from extract.pipeline.reader import StepBatch
from video.console import progress_bar
from video.pipeline_stage import PipelineStage


class Progress:
    """Progress line: percentage, time left, videos, steps per second, bottleneck.

    The percentage and the time left follow the videos' sizes in bytes, because videos differ in
    length.

    Attributes:
        bottleneck: Pipeline stage that was busiest so far; the others wait for it.
    """

    bottleneck = "writing"

    def __init__(self, sizes: Mapping[str, int]) -> None:
        """Start the line.

        Args:
            sizes: Size of each video in bytes.
        """
        self._sizes = sizes
        self._total, self._finished = sum(sizes.values()), 0
        self._done, self._writing = 0, 0.0
        self._settled: deque[str] = deque()
        self._started = time.perf_counter()
        self._bar = progress_bar(
            total=self._total,
            bar_format="{percentage:3.0f}% |{bar}| {remaining} left{postfix}",  # in 80 columns
        )

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Count the time inside the context as writing time."""
        started = time.perf_counter()
        yield
        self._writing += time.perf_counter() - started

    def settle(self, video: str) -> None:
        """Note that a video need not be computed after all; from any thread."""
        self._settled.append(video)

    def update(self, batch: StepBatch, steps: int, stages: Mapping[str, PipelineStage]) -> None:
        """Show the state after a batch.

        Args:
            batch: Batch that was written last.
            steps: Number of all steps written so far.
            stages: Pipeline stages before writing, by name.
        """
        seconds = time.perf_counter() - self._started
        busy = {name: stage.busy for name, stage in stages.items()}
        busy["writing"] = self._writing / seconds
        self.bottleneck = max(busy, key=busy.__getitem__)
        ended = [batch.video] if batch.last else []
        while self._settled:
            ended.append(self._settled.popleft())
        self._done += len(ended)
        self._bar.set_postfix_str(
            f"{self._done}/{len(self._sizes)} videos, {steps / seconds:.0f} steps/s, "
            f"bottleneck: {self.bottleneck}",
            refresh=False,
        )
        for video in ended:
            self._finished += self._sizes[video]
            self._bar.update(self._sizes[video])

    @property
    def share(self) -> float:
        """Share of the videos that is done, by their sizes, 0 to 1."""
        return self._finished / self._total if self._total else 1.0

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_) -> None:
        self._bar.close()
