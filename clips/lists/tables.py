"""Tables in text files: columns separated by tabs, semicolons, bars, commas or blanks."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from clips.finding.file_kinds import VIDEO_SUFFIXES
from clips.lists.base import lines_of
from clips.lists.columns import is_header, is_number
from video.errors import LookbackError

# A comma comes late, because it may be the decimal sign of a table with semicolons or tabs.
_SEPARATORS = ("\t", ";", "|", ",")
_HEADER = "video,label,split,group,start,end"


def read_table(path: Path) -> list[tuple[str, dict[str, str]]]:
    """Return the rows of a table by the names in its first line, each with its place for messages.

    A table without names in its first line has the columns path, label, and start and end. Lines
    that begin with # are left out.

    Raises:
        LookbackError: A line cannot be understood.
    """
    lines = [(where, line) for where, line in lines_of(path) if not line.startswith("#")]
    if not lines:
        raise LookbackError(f"{path}: is empty; write a clip and its label in each line")
    separator = _separator([line for _, line in lines])
    if separator is None:
        header = lines[0][1].split()
        if is_header(header):
            return [(where, _named(where, header, _words(line))) for where, line in lines[1:]]
        return [(where, _blank_separated(where, line)) for where, line in lines]
    cells = [(where, _cells(line, separator)) for where, line in lines]
    header = cells[0][1]
    if is_header(header):
        return [(where, _named(where, header, row)) for where, row in cells[1:]]
    return [(where, _unnamed(where, row[0], row[1:])) for where, row in cells]


def _separator(lines: Sequence[str]) -> str | None:
    """Return the separator of a table, None for blanks."""
    # After a path and a comma, a bar separates several labels of one clip: a.mp4,run|wave
    paths = (Path(_cells(line, ",")[0]) for line in lines)
    labels = all("|" not in path.name and path.suffix.lower() in VIDEO_SUFFIXES for path in paths)
    known = [each for each in _SEPARATORS if each != "|" or not labels]
    counts = {separator: {len(_cells(line, separator)) for line in lines} for separator in known}
    header = next((each for each in known if is_header(_cells(lines[0], each))), None)
    regular = (each for each in known if len(counts[each]) == 1 and min(counts[each]) > 1)
    many = (each for each in known if min(counts[each]) > 1)
    return header or next(regular, None) or next(many, None)


def _words(line: str) -> list[str]:
    return next(csv.reader([" ".join(line.split())], delimiter=" "), [])


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]


def _named(where: str, header: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    if len(row) > len(header) and any(row[len(header) :]):
        raise LookbackError(
            f"{where}: has {len(row)} values, but the first line names {len(header)} columns; put "
            "a value that contains the separator in double quotes"
        )
    padded = [*row, *[""] * (len(header) - len(row))]
    return dict(zip(header, padded, strict=False))


def _unnamed(where: str, path: str, rest: Sequence[str]) -> dict[str, str]:
    """Return the columns of a line without names: a path, a label, and perhaps times."""
    given = [cell for cell in rest if cell]
    words = [cell for cell in given if not is_number(cell)]
    times = [cell for cell in given if is_number(cell)]
    if not words and len(times) == 1:  # the number of a class
        words, times = times, []
    if len(words) > 1 or len(times) not in (0, 2) or (times and not words):
        raise LookbackError(
            f"{where}: {', '.join([path, *given])} is not a path, a label, and perhaps start and "
            f"end; name the columns in a first line, such as {_HEADER}"
        )
    start, end = times or ("", "")
    return {"video": path, "label": words[0] if words else "", "start": start, "end": end}


def _blank_separated(where: str, line: str) -> dict[str, str]:
    """Return the columns of a line that is separated by blanks; the path may contain blanks.

    The path is in double quotes, or ends in the suffix of a video, or is one word.
    """
    quoted = re.fullmatch(r'"([^"]+)"\s*(.*)', line)
    if quoted:
        return _unnamed(where, quoted[1], _label_and_times(quoted[2].split()))
    words = line.split()
    ends = [n for n, word in enumerate(words, 1) if Path(word).suffix.lower() in VIDEO_SUFFIXES]
    if len(ends) > 1:
        raise LookbackError(
            f"{where}: it is not clear where the path ends: {line}; put it in double quotes"
        )
    (end,) = ends or (1,)
    # Blanks within a path are kept as they are, also several.
    path = re.match(r"\s*".join([r"\S+"] + [r"\s+\S+"] * (end - 1)), line)
    assert path is not None
    return _unnamed(where, path[0], _label_and_times(words[end:]))


def _label_and_times(words: Sequence[str]) -> list[str]:
    """Return a label of several words as one cell, and the numbers behind it or before it."""
    label = [word for word in words if not is_number(word)]
    if len(label) < 2:
        return list(words)
    first = words.index(label[0])
    last = len(words) - 1 - list(reversed(words)).index(label[-1])
    return [*words[:first], " ".join(words[first : last + 1]), *words[last + 1 :]]
