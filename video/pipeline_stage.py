"""A stage of a pipeline: threads that work ahead of their reader, with bounded queues."""

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Generic, TypeVar

Job = TypeVar("Job")
Item = TypeVar("Item")

_END = object()
_POLL_SECONDS = 0.1  # interval at which a waiting thread checks whether the stage was closed


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error


class PipelineStage(Generic[Job, Item]):
    """Runs jobs in threads and yields their items.

    Items come as soon as they are ready or, with `ordered`, job by job as in a plain loop. An error
    in a thread is raised in the reader. A context manager: leaving it stops the threads, also
    before the end, and closes the generators of unfinished jobs.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Job], Generator[Item, None, None]],
        jobs: Sequence[Job],
        threads: int,
        ahead: int,
        ordered: bool = False,
    ) -> None:
        """Create a stage; the threads start on entering the context.

        Args:
            name: Name of the threads, also shown in a progress line.
            work: Generator function, called once for each job.
            jobs: Arguments of `work`. A free thread takes the next job; with `ordered`, the threads
                take jobs in turn.
            threads: Number of threads.
            ahead: Number of items that may wait for the reader; with `ordered`, per thread.
            ordered: Whether items come in the order of the jobs. Only one reader is allowed then.
        """
        self.name = name
        self._work, self._jobs, self._count, self._ordered = work, jobs, threads, ordered
        self._untaken = iter(jobs)
        # One queue for all threads; with `ordered`, one per thread.
        self._ready: list[queue.Queue] = [
            queue.Queue(ahead) for _ in range(threads if ordered else 1)
        ]
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._running, self._waited = threads, 0.0
        self._threads = [
            threading.Thread(target=self._run, args=(number,), name=name, daemon=True)
            for number in range(threads)
        ]

    def __enter__(self) -> "PipelineStage[Job, Item]":
        self._started = time.perf_counter()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        for thread in self._threads:
            thread.join()

    def __iter__(self) -> Iterator[Item]:
        """Yield the items of the jobs. Several readers share the items, unless `ordered`."""
        if not self._ordered:
            yield from self._items(self._ready[0])
            self._put(self._ready[0], _END)  # for the other readers
            return
        for number in range(len(self._jobs)):
            yield from self._items(self._ready[number % self._count])

    @property
    def busy(self) -> float:
        """The fraction of time spent working, not waiting for the reader: 0 to 1."""
        passed = (time.perf_counter() - self._started) * self._count
        return max(0.0, 1 - self._waited / max(passed, 1e-9))

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time inside as waiting; `work` uses it while it reads another stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self._waited += time.perf_counter() - started

    def _run(self, number: int) -> None:
        ready = self._ready[number % len(self._ready)]
        try:
            for job in self._jobs_of(number):
                with closing(self._work(job)) as items:
                    if not all(self._put(ready, item) for item in items):
                        return
                if self._ordered:
                    self._put(ready, _END)
        except BaseException as error:
            self._put(ready, _Failure(error))
        finally:
            with self._lock:
                self._running -= 1
                last = not self._running
            if last and not self._ordered:
                self._put(ready, _END)

    def _jobs_of(self, number: int) -> Iterator[Job]:
        """Yield the jobs of a thread."""
        if self._ordered:
            yield from self._jobs[number :: self._count]
            return
        while True:
            with self._lock:
                try:
                    job = next(self._untaken)
                except StopIteration:
                    return
            yield job

    def _put(self, ready: queue.Queue, item: object) -> bool:
        with self.waiting():
            while not self._closed.is_set():
                try:
                    ready.put(item, timeout=_POLL_SECONDS)
                    return True
                except queue.Full:
                    continue
        return False

    def _items(self, ready: queue.Queue) -> Iterator[Item]:
        """Yield items until the next end mark; raise an error that comes instead of an item."""
        while not self._closed.is_set():
            try:
                item = ready.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if item is _END:
                return
            if isinstance(item, _Failure):
                raise item.error
            yield item
