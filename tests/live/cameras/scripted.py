"""A device that obeys the test: it opens, shows frames, hangs and breaks off as it is told."""

import queue
import threading

import av
import numpy as np

from tests.conftest import coded_frame
from video.errors import VideoError
from video.sources.device import Device


class ScriptedDevice(Device):
    """Reads what the test gives: arrays are frames, None ends the stream, errors are raised.

    Attributes:
        openings: Errors of the next attempts to open, None for success; without any, it opens.
        threads: Names of the threads that opened, read and closed it.
    """

    def __init__(self, name: str = "camera", rate: float = 25.0) -> None:
        self.name, self.rate = name, rate
        self.size = (64, 48)
        self.openings: queue.Queue[Exception | None] = queue.Queue()
        self.threads: set[str] = set()
        self.opened = self.closed = 0
        self._given: queue.Queue = queue.Queue()
        self._shut = threading.Event()

    def give(self, *items: np.ndarray | Exception | int | None) -> None:
        """Let it show frames (a number is a coded frame), end (None) or fail (an error)."""
        for item in items:
            self._given.put(coded_frame(item) if isinstance(item, int) else item)

    def open(self) -> None:
        self.threads.add(threading.current_thread().name)
        self.opened += 1
        error = None if self.openings.empty() else self.openings.get()
        if error:
            raise error

    def read(self) -> av.VideoFrame | None:
        self.threads.add(threading.current_thread().name)
        while True:
            try:
                item = self._given.get(timeout=0.02)
                break
            except queue.Empty:
                if self._shut.is_set():
                    return None
        if isinstance(item, Exception):
            raise item
        return None if item is None else av.VideoFrame.from_ndarray(item, format="rgb24")

    def close(self) -> None:
        self.threads.add(threading.current_thread().name)
        self.closed += 1

    def shut(self) -> None:
        """Let a waiting read end."""
        self._shut.set()


def unreachable(name: str = "camera") -> VideoError:
    return VideoError(f"{name}: cannot be opened (Connection refused); check the address")
