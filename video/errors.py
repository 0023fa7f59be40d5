"""Errors that a user can fix: one line that names the file or key and the remedy.

Every command prints that line on stderr and exits with the error's code, without a traceback.
"""

import difflib
from collections.abc import Collection


class LookbackError(Exception):
    """The command cannot continue; the message names the cause and the remedy (exit code 1)."""

    exit_code = 1


class UsageError(LookbackError):
    """The command line or the recipe is wrong (exit code 2)."""

    exit_code = 2


class VideoError(LookbackError):
    """A video cannot be read or written; the message begins with its name."""


class RefusedError(VideoError):
    """A camera or server answers, but refuses: a wrong password or path. Retries seldom help."""


def hint(name: str, known: Collection[str], section: str = "") -> str:
    """Return the end of a message about an unknown name: the closest known name, or all of them.

    >>> hint("lstn", ["lstm", "gru"])
    'did you mean lstm?'
    >>> hint("lok_back", ["look_back", "head"], section="sequence.")
    'did you mean sequence.look_back?'
    >>> hint("wavelet", ["lstm", "gru"])
    'known: lstm, gru'

    Args:
        name: The name that was given.
        known: The names that exist.
        section: The text before the closest name, such as the section of a recipe's key.
    """
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {section}{close[0]}?" if close else f"known: {', '.join(known)}"
