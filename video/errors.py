"""Errors that a user can mend: each is one line that names the file or key and what to do.

Every script turns them into that line on stderr and into an exit code, never into a traceback.
"""

import difflib
from collections.abc import Collection


class LookbackError(Exception):
    """Nothing usable can come out; the message names the cause and the mend (exit code 1)."""

    exit_code = 1


class UsageError(LookbackError):
    """The command or the recipe is wrong (exit code 2)."""

    exit_code = 2


class VideoError(LookbackError):
    """A video cannot be read or written; the message begins with its name."""


def hint(name: str, known: Collection[str], section: str = "") -> str:
    """Return the end of a message about an unknown name: the nearest known one, or all of them.

    >>> hint("lstn", ["lstm", "gru"])
    'did you mean lstm?'
    >>> hint("lok_back", ["look_back", "head"], section="sequence.")
    'did you mean sequence.look_back?'
    >>> hint("wavelet", ["lstm", "gru"])
    'known: lstm, gru'

    Args:
        name: The name that was given.
        known: Names that exist.
        section: Text in front of the nearest name, such as the section of a recipe's key.
    """
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {section}{close[0]}?" if close else f"known: {', '.join(known)}"
