"""A writer on a thread of its own, so that its caller goes on while pictures are encoded."""

import queue
import threading

import av
import numpy as np

from video.writer import Mp4Writer

Picture = np.ndarray | av.VideoFrame
_AHEAD = 4  # pictures that may wait; in 4K each has 12 MB
_POLL_SECONDS = 0.1  # interval at which a caller who waits checks whether the thread has failed


class BackgroundWriter:
    """Hands pictures to an `Mp4Writer` in another thread, in order; a context manager.

    A caller who is faster than the encoder waits. An error of the writer is raised in the caller's
    next `write`, or in `close`.

    Args:
        writer: The writer. Only this object may use it from now on.
    """

    def __init__(self, writer: Mp4Writer) -> None:
        self._writer = writer
        self._waiting: queue.Queue[tuple[Picture, float] | None] = queue.Queue(_AHEAD)
        self._error: BaseException | None = None
        self._is_told = False
        # A daemon: a caller who is killed by an error does not wait for it.
        self._thread = threading.Thread(target=self._run, name="encode", daemon=True)
        self._thread.start()

    def write(self, picture: Picture, seconds: float) -> None:
        """Append a picture, as `Mp4Writer.write` does; the caller must not change it afterwards.

        Raises:
            VideoError: An earlier picture could not be written.
        """
        self._put((picture, seconds))
        if self._error is not None:
            self._is_told = True
            raise self._error

    def close(self) -> None:
        """Write what waits, and complete the file. May be called twice.

        Raises:
            VideoError: A picture could not be written, and no `write` has said so.
        """
        self._put(None)
        self._thread.join()
        try:
            self._writer.close()
        finally:
            if self._error is not None and not self._is_told:
                self._is_told = True
                raise self._error

    def _put(self, item: tuple[Picture, float] | None) -> None:
        while self._thread.is_alive():
            try:
                self._waiting.put(item, timeout=_POLL_SECONDS)
                return
            except queue.Full:
                continue

    def _run(self) -> None:
        try:
            while (item := self._waiting.get()) is not None:
                self._writer.write(*item)
        except BaseException as error:
            self._error = error

    def __enter__(self) -> "BackgroundWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
