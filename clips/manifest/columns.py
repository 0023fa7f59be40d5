"""The columns of a manifest, as its first line names them."""

import difflib
from collections.abc import Iterable
from pathlib import Path

from video.errors import LookbackError

COLUMNS = ("video", "label", "split", "group", "start", "end")

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_NEARLY = 0.75  # of difflib's ratio, from 0 to 1


def column_names(path: Path, header: list[str]) -> list[str]:
    """Return the columns that a manifest's first line names.

    Args:
        path: The manifest, for the message.
        header: The values of the first line.

    Returns:
        The names without blanks around them, known ones in lower case; "" for a column without a
        name.

    Raises:
        LookbackError: video or label is missing, or two names differ only in blanks and case.
    """
    names = [_name(typed) for typed in header]
    _refuse_equal(path, header)
    missing = {"video", "label"} - set(names)
    if missing:
        raise LookbackError(
            f"{path}: the column {' and '.join(sorted(missing))} is missing"
            f"{_separator_hint(header)}; a manifest's first line is {','.join(COLUMNS)}"
        )
    return names


def _name(typed: str) -> str:
    name = typed.strip()
    return name.casefold() if name.casefold() in COLUMNS else name


def _refuse_equal(path: Path, header: list[str]) -> None:
    first: dict[str, str] = {}
    for typed in header:
        key = typed.strip().casefold()
        if key and key in first:
            raise LookbackError(
                f"{path}: the columns {first[key]!r} and {typed!r} have the same name (blanks and "
                "case do not count); rename or remove one of them"
            )
        first[key] = typed


def _separator_hint(header: list[str]) -> str:
    for separator, name in _SEPARATORS.items():
        if any(separator in typed for typed in header):
            return f" (the first line is separated by {name}, a manifest by commas)"
    return ""


def misspelled_columns(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return further columns that look like a known one that is not there, each with that one.

    >>> misspelled_columns(["video", "label", "spilt", "camera"])
    [('spilt', 'split')]
    """
    names = list(names)
    absent = [known for known in COLUMNS if known not in names]
    found = []
    for name in names:
        close = difflib.get_close_matches(name.casefold(), absent, n=1, cutoff=_NEARLY)
        if name not in COLUMNS and close:
            found.append((name, close[0]))
    return found
