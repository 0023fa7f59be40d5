"""Something-Something (Goyal et al. 2017): JSON lists of version 2, CSV lists of version 1.

    {"id": "78687", "label": "holding potato", "template": "Holding [something]"}   ...-train.json
    78687;Holding something                                                        ...-train.csv

The class is the template without its brackets. The labels of the test clips are not published,
except in test-answers.csv: without it, the validation clips are the test split. Clips of version 1
are folders of frames at 12 a second.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from clips.lists.base import DatasetLists, ListedClip, Request, csv_rows, split_of_file
from video.errors import LookbackError


def _read(request: Request) -> Sequence[ListedClip]:
    assert request.lists is not None
    folder = request.lists
    files = sorted([*folder.glob("*.json"), *folder.glob("*.csv")])
    known = {path: split for path in files if (split := split_of_file(path))}
    listed: list[ListedClip] = []
    for path, split in known.items():
        read = _json_clips if path.suffix == ".json" else _csv_clips
        listed += read(path, split)
    if not listed:
        raise LookbackError(
            f"{folder}: contains no list with labels; --lists names the folder with the train and "
            "validation lists (.json or .csv) of Something-Something"
        )
    _check_labels(folder, files, listed)
    return listed


def _json_clips(path: Path, split: str) -> list[ListedClip]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise LookbackError(f"{path}: not a JSON file ({error}); download it again") from None
    listed = []
    for number, row in enumerate(rows if isinstance(rows, list) else [], 1):
        where = f"{path}, entry {number}"
        if not isinstance(row, dict) or not row.get("id"):
            raise LookbackError(f"{where}: has no id; is it a list of Something-Something?")
        label = row.get("template") or row.get("label")
        if label:
            listed.append(ListedClip((str(row["id"]),), _class(label), where, split))
    return listed


def _csv_clips(path: Path, split: str) -> list[ListedClip]:
    listed = []
    for where, row in csv_rows(path, ";"):
        if len(row) > 2 or not row[0].strip():
            raise LookbackError(
                f"{where}: must be an id and a label, such as 78687;Holding something; put a label "
                "with a semicolon in double quotes"
            )
        if len(row) == 2 and row[1].strip():  # a test list has ids alone
            listed.append(ListedClip((row[0].strip(),), _class(row[1]), where, split))
    return listed


def _class(template: str) -> str:
    return template.replace("[", "").replace("]", "").strip()


def _check_labels(folder: Path, files: list[Path], listed: list[ListedClip]) -> None:
    """Refuse a label that the list of labels does not have: a list of another version."""
    paths = [path for path in files if path.name.endswith("labels.json")]
    if not paths:
        return
    known = {_class(label) for label in json.loads(paths[0].read_text(encoding="utf-8-sig"))}
    for clip in listed:
        if clip.label not in known:
            raise LookbackError(
                f"{clip.where}: the class {clip.label!r} is not in {paths[0].name}; take all lists "
                "from one download"
            )


LISTS = DatasetLists("something_something", "the train and validation lists", _read)
