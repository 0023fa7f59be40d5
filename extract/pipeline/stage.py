"""A stage of a pipeline: threads that work ahead of their reader, through a bounded queue."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Generic, TypeVar

Item = TypeVar("Item")

_END = object()
_PATIENCE_SECONDS = 0.1  # how soon a thread that waits notices that the stage was closed


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error


class Stage(Generic[Item]):
    """Runs `work()` in several threads and gives out what they yield, in the order that it comes.

    An error in a thread is raised to who reads. A context manager: leaving it ends the threads,
    also early.
    """

    def __init__(
        self, name: str, work: Callable[[], Generator[Item, None, None]], threads: int, ahead: int
    ) -> None:
        """Prepare a stage.

        Args:
            name: how a progress line calls it.
            work: a generator function, called once in every thread; what it yields is given out.
            threads: how many.
            ahead: items that may wait for their reader.
        """
        self.name = name
        self._work, self._count = work, threads
        self._ready: queue.Queue = queue.Queue(ahead)
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._running, self._waited = threads, 0.0
        self._threads = [
            threading.Thread(target=self._run, name=name, daemon=True) for _ in range(threads)
        ]

    def __enter__(self) -> "Stage[Item]":
        self._started = time.perf_counter()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._closed.set()
        for thread in self._threads:
            thread.join()

    def __iter__(self) -> Iterator[Item]:
        """Yield what the threads give. Several readers share it out among them."""
        while (item := self._get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield item

    @property
    def busy(self) -> float:
        """The share of its time that it has worked, not waited for its reader: 0 to 1."""
        passed = (time.perf_counter() - self._started) * self._count
        return max(0.0, 1 - self._waited / max(passed, 1e-9))

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time inside as waited, as `work` does where it reads another stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self._waited += time.perf_counter() - started

    def _run(self) -> None:
        try:
            with closing(self._work()) as items:
                for item in items:
                    if not self._put(item):
                        return
        except BaseException as error:
            self._put(_Failure(error))
        finally:
            with self._lock:
                self._running -= 1
                last = not self._running
            if last:
                self._put(_END)

    def _put(self, item) -> bool:
        with self.waiting():
            while not self._closed.is_set():
                try:
                    self._ready.put(item, timeout=_PATIENCE_SECONDS)
                    return True
                except queue.Full:
                    continue
        return False

    def _get(self):
        while not self._closed.is_set():
            try:
                item = self._ready.get(timeout=_PATIENCE_SECONDS)
            except queue.Empty:
                continue
            if item is _END:
                self._ready.put(_END)  # for the other readers
            return item
        return _END
