"""Clips on S3 and other storage, staged ahead of the decoding stage so that it does not wait."""

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from clips.manifest.duplicates import content_size
from video.errors import VideoError
from video.pipeline_stage import PipelineStage
from video.staging import staged

_THREADS = 4
_CLIPS_AHEAD = 4  # that wait for the decoding stage
_BYTES_AHEAD = 2**31  # of all clips that are there; one larger clip is staged alone


@dataclass
class StagedClip:
    """A clip that is there until `release`.

    Attributes:
        video: Name of the video.
        path: Path of the file.
        release: Function that lets it go.
        error: Reason why it is not there; empty if it is.
    """

    video: str
    path: Path
    release: Callable[[], None]
    error: str = ""


class ClipsAhead:
    """Clips that threads stage in the order of a list; a context manager.

    Iterating gives the clips as they come; several threads may iterate and share them.
    """

    def __init__(self, videos: Sequence[tuple[str, Path]]) -> None:
        """Create it; the threads start on entering the context.

        Args:
            videos: Name and path of each video.
        """
        self._room = threading.Condition()
        self._bytes, self._ended = 0, False
        self._open: set[ExitStack] = set()
        self._stage = PipelineStage("staging", self._fetch, videos, _THREADS, _CLIPS_AHEAD)

    def __enter__(self) -> "ClipsAhead":
        self._stage.__enter__()
        return self

    def __exit__(self, *end) -> None:
        with self._room:
            self._ended = True
            self._room.notify_all()
        self._stage.__exit__(*end)
        for context in list(self._open):  # of clips that nobody read
            self._release(context)

    def __iter__(self) -> Iterator[StagedClip]:
        yield from self._stage

    def _fetch(self, item: tuple[str, Path]) -> Generator[StagedClip, None, None]:
        video, path = item
        context = ExitStack()
        self._open.add(context)
        try:
            size = content_size(path)
            if not self._take(size):
                return
            context.callback(self._give_back, size)
            context.enter_context(staged(path))
        except VideoError as error:
            self._release(context)
            yield StagedClip(video, path, lambda: None, str(error))
        else:
            yield StagedClip(video, path, lambda: self._release(context))

    def _release(self, context: ExitStack) -> None:
        self._open.discard(context)
        context.close()

    def _take(self, size: int) -> bool:
        """Wait until there is room for a clip; return False if the stage has ended."""
        with self._room:
            while self._bytes and self._bytes + size > _BYTES_AHEAD and not self._ended:
                self._room.wait()
            self._bytes += size
            return not self._ended

    def _give_back(self, size: int) -> None:
        with self._room:
            self._bytes -= size
            self._room.notify_all()
