"""The border to FFmpeg: file paths that it takes for files, its errors in plain words, and the one
place where an error inside a video becomes a `VideoError` that names the video.
"""

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from video.console import logger
from video.errors import LookbackError, VideoError

# Every error that became one line, at debug level; with its traceback where it is not FFmpeg's.
LOG = logger(__name__)

_ROOT = Path(__file__).resolve().parents[1]
_ROOMS = {"video", "clips", "recipes", "extract", "sequence", "live"}

# The errors of a library that met in a file what it did not expect.
_CONFUSED = (LookupError, AttributeError, TypeError, ValueError, ArithmeticError)

# No file can cause these: they are raised for every video, and none may be rejected for them.
_PROGRAMMING_ERRORS = (NameError, ImportError, SyntaxError, AssertionError, NotImplementedError)

_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (av.DecoderNotFoundError, "no decoder for its codec"),
    (av.DemuxerNotFoundError, "no reader for its format"),
    (av.EOFError, "it ends within its header"),
    (av.InvalidDataError, "damaged, or no video"),
    (av.PatchWelcomeError, "uses a feature that FFmpeg does not support"),
    (av.error.MemoryError, "header damaged: it asks for more memory than there is"),
    (av.ExitError, "nothing came in time"),  # what libav calls a timeout of ours
)


def address_of(path: str | Path) -> str:
    """Return a file's path as FFmpeg takes it for one: of `12:30.mp4`, `12` would be a protocol."""
    return os.path.abspath(path)


def open_input(address: str, **options: Any) -> InputContainer:
    """Open a file or stream for reading; `options` are those of `av.open`."""
    # A title in Latin-1, as old AVI files have, is no reason to refuse the pictures.
    container: InputContainer = av.open(address, metadata_errors="replace", **options)
    return container


def reason(error: Exception) -> str:
    """Return in one line why a video failed, without the file's name and FFmpeg's number."""
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    words = " ".join(str(words).split())
    if isinstance(error, av.FFmpegError):
        return words
    if is_own(error):
        return f"a bug in Lookback, please report it: {type(error).__name__}: {words}"
    return f"header or data damaged: {words}" if isinstance(error, _CONFUSED) else words


def is_own(error: BaseException) -> bool:
    """Return whether this project's code raised an error, not a library that it called."""
    if isinstance(error, av.FFmpegError):
        return False
    frames = traceback.extract_tb(error.__traceback__)
    place = Path(frames[-1].filename) if frames else Path()
    # Compiled libraries give relative names (av/stream.py).
    return place.is_relative_to(_ROOT) and place.relative_to(_ROOT).parts[0] in _ROOMS


@contextmanager
def failing_as(name: str, failure: str) -> Iterator[None]:
    """Turn an error of the block into "<name>: <failure> (<reason>)", as `video_error` does.

    Raises:
        VideoError: Something in the block failed.
    """
    try:
        yield
    except Exception as error:
        raise video_error(name, failure, error) from None


def video_error(name: str, failure: str, error: Exception) -> Exception:
    """Return the `VideoError` that stands for an error of a video, or the error itself where it is
    none: one that the project raised for the user, missing memory, or a programming error.

    Args:
        name: The video's name.
        failure: What does not work, such as "cannot be read as a video".
        error: What was raised. It goes to the logger `lookback.video` at debug level.
    """
    if isinstance(error, LookbackError) or _is_no_videos_fault(error):
        return error
    return VideoError(f"{name}: {failure} ({fault_of(name, error)})")


def fault_of(name: str, error: Exception) -> str:
    """Return the reason for an error of a video and log it; raise it where it is no video's."""
    if isinstance(error, LookbackError) or _is_no_videos_fault(error):
        raise error
    why = reason(error)
    # FFmpeg's errors need no traceback, and their text holds addresses with passwords.
    unexpected = None if isinstance(error, av.FFmpegError) else error
    LOG.debug("%s: %s: %s", name, type(error).__name__, why, exc_info=unexpected)
    return why


def _is_no_videos_fault(error: Exception) -> bool:
    if isinstance(error, MemoryError):
        return not isinstance(error, av.FFmpegError)  # FFmpeg's is the header's: an absurd size
    return isinstance(error, _PROGRAMMING_ERRORS) and is_own(error)
