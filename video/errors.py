"""Errors that a user can mend: each is one line that names the file or key and what to do.

Every script turns them into that line on stderr and into an exit code, never into a traceback.
"""


class LookbackError(Exception):
    """Nothing usable can come out; the message names the cause and the mend (exit code 1)."""

    exit_code = 1


class UsageError(LookbackError):
    """The command or the recipe is wrong (exit code 2)."""

    exit_code = 2


class VideoError(LookbackError):
    """A video cannot be read or written; the message begins with its name."""
