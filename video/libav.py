"""Calls to FFmpeg: safe file paths, error messages in plain words, and the conversion of every
error inside a video to a `VideoError` that names the video.
"""

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import av
from av.container import InputContainer

from video.console import logger
from video.errors import LookbackError, VideoError

# Logs every converted error at debug level, with a traceback unless it is FFmpeg's.
LOG = logger(__name__)

_ROOT = Path(__file__).resolve().parents[1]
_ROOMS = {
    *("video", "metrics", "training", "recipes", "clips", "model_folder", "extract", "sequence"),
    *("live", "lookback", "storage", "cluster"),
}

# Exceptions that a library raises on unexpected file content.
_UNEXPECTED_CONTENT = (LookupError, AttributeError, TypeError, ValueError, ArithmeticError)

# No file can cause these. They would be raised for every video, so no video is rejected for them.
_PROGRAMMING_ERRORS = (NameError, ImportError, SyntaxError, AssertionError, NotImplementedError)

_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (av.DecoderNotFoundError, "no decoder for its codec"),
    (av.DemuxerNotFoundError, "no reader for its format"),
    (av.EOFError, "the file ends within its header"),
    (av.InvalidDataError, "damaged, or not a video"),
    (av.PatchWelcomeError, "uses a feature that FFmpeg does not support"),
    (av.error.MemoryError, "damaged header: it asks for more memory than there is"),
    (av.ExitError, "no data arrived in time"),  # libav's name for our timeout
)


def address_of(path: str | Path) -> str:
    """Return a file's path in absolute form: FFmpeg reads the `12` of `12:30.mp4` as a protocol."""
    return os.path.abspath(path)


def open_input(address: str | BinaryIO, **options: Any) -> InputContainer:
    """Open a file, stream or file in memory for reading; `options` are those of `av.open`."""
    # Old AVI files have titles in Latin-1, which must not make the video unreadable.
    container: InputContainer = av.open(address, metadata_errors="replace", **options)
    return container


def reason(error: Exception) -> str:
    """Return in one line why a video failed, without the file's name and FFmpeg's error number."""
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    words = " ".join(str(words).split())
    if isinstance(error, av.FFmpegError):
        return words
    if is_own(error):
        return f"a bug in Lookback, please report it: {type(error).__name__}: {words}"
    return f"damaged header or data: {words}" if isinstance(error, _UNEXPECTED_CONTENT) else words


def is_own(error: BaseException) -> bool:
    """Return whether an error was raised by this project's code and not by a library."""
    if isinstance(error, av.FFmpegError):
        return False
    frames = traceback.extract_tb(error.__traceback__)
    place = Path(frames[-1].filename) if frames else Path()
    # Tracebacks of compiled libraries have relative paths (av/stream.py).
    return place.is_relative_to(_ROOT) and place.relative_to(_ROOT).parts[0] in _ROOMS


@contextmanager
def failing_as(name: str, failure: str) -> Iterator[None]:
    """Turn an error of the block into "<name>: <failure> (<reason>)", as `video_error` does.

    Raises:
        VideoError: An error of the video was raised in the block.
    """
    try:
        yield
    except Exception as error:
        raise video_error(name, failure, error) from None


def video_error(name: str, failure: str, error: Exception) -> Exception:
    """Return the `VideoError` for an error of a video.

    An error that the video did not cause is returned unchanged: a `LookbackError`, lack of memory,
    or a programming error.

    Args:
        name: The video's name.
        failure: The operation that failed, such as "cannot be read as a video".
        error: The error that was raised. It is logged at debug level.
    """
    if isinstance(error, LookbackError) or _is_no_videos_fault(error):
        return error
    return VideoError(f"{name}: {failure} ({fault_of(name, error)})")


def fault_of(name: str, error: Exception) -> str:
    """Log an error of a video and return its reason; raise an error that no video caused."""
    if isinstance(error, LookbackError) or _is_no_videos_fault(error):
        raise error
    why = reason(error)
    # FFmpeg's errors need no traceback, and their text may hold an address with a password.
    unexpected = None if isinstance(error, av.FFmpegError) else error
    LOG.debug("%s: %s: %s", name, type(error).__name__, why, exc_info=unexpected)
    return why


def _is_no_videos_fault(error: Exception) -> bool:
    if isinstance(error, MemoryError):
        return not isinstance(error, av.FFmpegError)  # FFmpeg's: an absurd size in the header
    return isinstance(error, _PROGRAMMING_ERRORS) and is_own(error)
