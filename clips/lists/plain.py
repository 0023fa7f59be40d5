"""Any list of paths and labels: a table with any separator, or JSON; or a folder of such files.

    path;class;start;end            names in the first line, in any order
    walk/a b.mp4 walk 0 2.5         without names: path, label, start and end

The split is that of a column, or of the file's name (train.csv, testlist.txt). Labels that are
numbers are replaced by the names in a file such as classes.txt next to the list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from clips.lists.base import DatasetLists, ListedClip, Request, lines_of, split_of_file
from clips.lists.columns import known_columns, seconds, split_named, texts
from clips.lists.json_lists import read_json
from clips.lists.tables import read_table
from clips.manifest.csv_file import label_of
from metrics.label_sets import joined, labels_in
from video.errors import LookbackError

_SUFFIXES = (".csv", ".tsv", ".txt", ".json", ".lst", ".list")
_CLASS_FILES = ("classInd.txt", "classes.txt", "class_names.txt", "labels.txt", "label_map.txt")
_OWN = ("manifest.csv", "rejected.csv")  # of a data folder


def _read(request: Request) -> Sequence[ListedClip]:
    assert request.lists is not None
    files = _files(request.lists)
    return [clip for path in files for clip in _with_names(path, _clips(path))]


def _files(lists: Path) -> list[Path]:
    if lists.is_file():
        return [lists]
    named = [path for path in sorted(lists.iterdir()) if path.suffix.lower() in _SUFFIXES]
    files = [path for path in named if path.name not in (*_OWN, *_CLASS_FILES)]
    if not files:
        raise LookbackError(f"{lists}: contains no list ({' '.join(_SUFFIXES)}); name the file")
    return files


def _clips(path: Path) -> list[ListedClip]:
    rows = (read_json if path.suffix.lower() == ".json" else read_table)(path)
    return [_clip(where, row, split_of_file(path)) for where, row in rows]


def _clip(where: str, row: dict[str, str], of_file: str) -> ListedClip:
    columns = known_columns(list(row))
    missing = {"video", "label"} - set(columns.values())
    if missing:
        raise LookbackError(
            f"{where}: has no {' and no '.join(sorted(missing))}; known are {', '.join(row)}; "
            "rename the column"
        )
    known = {column: row[name] for name, column in columns.items()}
    if not known["video"]:
        raise LookbackError(f"{where}: the path is empty")
    label = label_of(where, known["label"]) if known["label"] else ""
    start, end = (seconds(where, each, known.get(each, "")) for each in ("start", "end"))
    if end is not None and end <= (start or 0.0):
        raise LookbackError(f"{where}: end ({end:g} s) must be after start ({start or 0:g} s)")
    split = split_named(where, known.get("split", "")) or of_file
    extra = tuple((name, value) for name, value in texts(row).items() if name not in columns)
    group = known.get("group", "")
    return ListedClip((known["video"],), label, where, split, group, start, end, extra)


def _with_names(path: Path, clips: list[ListedClip]) -> list[ListedClip]:
    """Return the clips with the names of their classes, if their labels are numbers of classes."""
    if not all(part.isdecimal() for clip in clips for part in labels_in(clip.label)):
        return clips
    files = [path.parent / name for name in _CLASS_FILES]
    names = next((_class_names(each) for each in files if each.is_file()), None)
    if names is None:
        return clips
    return [replace(clip, label=_named(clip, names)) for clip in clips]


def _named(clip: ListedClip, names: Mapping[int, str]) -> str:
    """Return the names of a clip's classes in place of their numbers."""
    for part in labels_in(clip.label):
        if int(part) not in names:
            raise LookbackError(
                f"{clip.where}: there is no class {part} in the file of class names next to "
                "it; add it, or write the name in place of the number"
            )
    return joined(names[int(part)] for part in labels_in(clip.label))


def _class_names(path: Path) -> dict[int, str]:
    """Return the classes by number: `1 name` in each line, or a name in each, numbered from 0."""
    lines = [line for _, line in lines_of(path)]
    pairs = [line.replace(",", " ").split(maxsplit=1) for line in lines]
    if all(len(pair) == 2 and pair[0].isdecimal() for pair in pairs):
        return {int(number): name for number, name in pairs}
    return dict(enumerate(lines))


LISTS = DatasetLists("list", "a table or JSON file of paths and labels", _read, official=False)
