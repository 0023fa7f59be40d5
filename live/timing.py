"""Stopwatch of a live run: seconds of each section of a step."""

import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

# The sections between a frame's arrival and a decision. "output" (drawing, writing, showing at the
# pace of a file) comes after.
STEP_SECTIONS = ("decode", "preprocess", "backbone", "sequence")

_STEPS_KEPT = 36_000  # an hour at 10 steps per second; bounds the memory of a live run


class Stopwatch:
    """Seconds of every section, for the current step and over the run.

    Attributes:
        steps: The number of steps that have ended.
        repeated: The number of those that repeat the previous step.
        skipped: The number of steps that were not computed.
        frames: The number of frames read.
    """

    def __init__(self, kept: int = _STEPS_KEPT) -> None:
        """Begin to count.

        Args:
            kept: Number of the last steps that the summary is about; it bounds the memory.
        """
        self.steps = 0
        self.repeated = 0
        self.skipped = 0
        self.frames = 0
        self._recent: deque[dict[str, float]] = deque(maxlen=kept)
        self._now: dict[str, float] = defaultdict(float)
        self._start = time.perf_counter()

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """Time a block, also one that raises an error.

        Args:
            name: The name of the section, such as `backbone`.
        """
        started = time.perf_counter()
        try:
            yield
        finally:
            self._now[name] += time.perf_counter() - started

    def take_over(self, other: "Stopwatch") -> None:
        """Add the sections of a step that another watch has timed, in another thread."""
        for name, seconds in other._now.items():
            self._now[name] += seconds

    def step_done(self, repeated: bool = False) -> float:
        """End a step; return its seconds from decoding to decision.

        Args:
            repeated: Whether no new frame came since the previous step. Such a step is counted, but
                its time, almost 0, is left out of the summary.
        """
        step = dict(self._now)
        self._now.clear()
        self.steps += 1
        self.repeated += repeated
        if not repeated:
            self._recent.append(step)
        return sum(step.get(name, 0.0) for name in STEP_SECTIONS)

    def summary(self) -> str:
        """Return a table of milliseconds per step: median, 95th percentile, share."""
        if not self._recent:
            return "No step was computed."
        names = list(dict.fromkeys(name for step in self._recent for name in step))
        times = {
            name: 1000 * np.array([step.get(name, 0.0) for step in self._recent]) for name in names
        }
        whole = sum(times[name] for name in names if name in STEP_SECTIONS)
        total = sum(values.sum() for values in times.values())
        lines = [f"{'ms a step':<12}{'median':>9}{'p95':>9}{'share':>8}"]
        rows = [("step", whole), *times.items()]
        for name, values in rows:
            median, high = np.percentile(values, [50, 95])
            share = "" if name == "step" else f"{values.sum() / total:.0%}"
            lines.append(f"{name:<12}{median:>9.2f}{high:>9.2f}{share:>8}")
        passed = time.perf_counter() - self._start
        lines.append(
            f"{self.steps} steps of {self.frames} frames in {passed:.1f} s "
            f"({self.frames / passed:.0f} frames/s); a step is decode to decision"
        )
        if self.skipped:
            lines.append(
                f"{self.skipped} more steps were skipped: the one before was still being computed"
            )
        if self.repeated:
            lines.append(
                f"{self.repeated} of {self.steps} steps came without a new frame and reused the "
                "feature of the step before: the source, or this computer, gives fewer frames than "
                "steps"
            )
        return "\n".join(lines)
