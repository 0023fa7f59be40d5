"""The columns of a manifest, from its first line."""

import difflib
from collections.abc import Iterable
from pathlib import Path

from recipes.commands import command
from video.errors import LookbackError

COLUMNS = ("video", "label", "split", "group", "start", "end")

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_MIN_RATIO = 0.75  # difflib's similarity of two names, from 0 to 1


def column_names(path: Path, header: list[str]) -> list[str]:
    """Return the names of the columns in a manifest's first line.

    Args:
        path: The manifest, for messages.
        header: The values of the first line.

    Returns:
        The names without surrounding blanks, known names in lower case; "" for a column without
        a name.

    Raises:
        LookbackError: video or label is missing, or two names differ only in blanks or case.
    """
    names = [_name(typed) for typed in header]
    _refuse_equal(path, header)
    missing = {"video", "label"} - set(names)
    if missing:
        raise LookbackError(
            f"{path}: the column {' and '.join(sorted(missing))} is missing"
            f"{_separator_hint(path, header)}; a manifest's first line is {','.join(COLUMNS)}"
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
                f"{path}: the columns {first[key]!r} and {typed!r} have the same name except "
                "for blanks and case; rename or remove one of them"
            )
        first[key] = typed


def _separator_hint(path: Path, header: list[str]) -> str:
    for separator, name in _SEPARATORS.items():
        if any(separator in typed for typed in header):
            reads = f"{command('prepare')} --lists {path} takes any separator"
            return f" (the first line is separated by {name}; a manifest needs commas; {reads})"
    return ""


def misspelled_columns(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return unknown columns that look like a missing known one, each with the known name.

    >>> misspelled_columns(["video", "label", "spilt", "camera"])
    [('spilt', 'split')]
    """
    names = list(names)
    absent = [known for known in COLUMNS if known not in names]
    found = []
    for name in names:
        close = difflib.get_close_matches(name.casefold(), absent, n=1, cutoff=_MIN_RATIO)
        if name not in COLUMNS and close:
            found.append((name, close[0]))
    return found
