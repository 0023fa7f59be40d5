"""What a list of a data set says about its clips."""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clips.lists.clip_index import ClipIndex
from clips.splitting.given_splits import split_of_folder
from video.errors import LookbackError


@dataclass(frozen=True)
class ListedClip:
    """One clip of a list.

    Attributes:
        names: Paths or names without a suffix by which its file may be found, the best first.
        label: Class; empty means background.
        where: File and line of the list, for messages.
        split: train, val, test, or empty if the list does not say.
        group: Clips that must be in one split; empty if the list does not say.
        start, end: Segment in seconds; None for the start or the end of the video.
        extra: Further columns, as (name, value) pairs.
    """

    names: tuple[str, ...]
    label: str
    where: str
    split: str = ""
    group: str = ""
    start: float | None = None
    end: float | None = None
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Request:
    """What a reader of lists gets.

    Attributes:
        lists: File or folder of the lists; None if the data set needs none.
        split: Number of the official split, from 1.
        clips: Files of the data folder.
    """

    lists: Path | None
    split: int
    clips: ClipIndex


@dataclass(frozen=True)
class DatasetLists:
    """A format of lists.

    Attributes:
        name: Name for `--dataset`.
        files: Files that it reads, for messages; "" if folders are its lists.
        read: Function that returns the listed clips.
        official_splits: Number of official splits; 1 for a single one.
        official: Whether the split stands even where groups cross it.
    """

    name: str
    files: str
    read: Callable[[Request], Sequence[ListedClip]]
    official_splits: int = 1
    official: bool = True


_SPLIT_IN_NAME = re.compile(
    r"(?<![a-z])(train|training|val|valid|validate|validation|test|testing)(?:list|set|split)?(?![a-z])"
)


def split_of_file(path: Path) -> str:
    """Return the split that a file of a list is named after, "" without one or with several.

    >>> split_of_file(Path("trainlist01.txt")), split_of_file(Path("kinetics_validation.csv"))
    ('train', 'val')
    """
    found = {split_of_folder(name) for name in _SPLIT_IN_NAME.findall(path.stem.casefold())}
    return found.pop() if len(found) == 1 else ""


def lines_of(path: Path) -> list[tuple[str, str]]:
    """Return the lines of a text file that are not blank, each with its place for messages.

    Raises:
        LookbackError: The file is not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise LookbackError(f"{path}: not a text file in UTF-8; save it as UTF-8") from None
    return [
        (f"{path}, line {number}", line.strip())
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip()
    ]


def csv_rows(path: Path, delimiter: str = ",") -> list[tuple[str, list[str]]]:
    """Return the rows of a CSV file that are not empty, each with its place for messages.

    Raises:
        LookbackError: The file is not CSV in UTF-8.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file, delimiter=delimiter)
            return [(f"{path}, line {rows.line_num}", row) for row in rows if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise LookbackError(f"{path}: not a CSV file in UTF-8 ({error}); save it as one") from None


def required_file(folder: Path, name: str) -> Path:
    """Return a file of a folder of lists.

    Raises:
        LookbackError: There is no such file.
    """
    path = folder / name
    if not path.is_file():
        raise LookbackError(f"{path}: there is no such file; --lists names the folder with it")
    return path
