"""Lists in JSON: clips in an array, clips by their names, and annotations as of ActivityNet."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from clips.lists.columns import known_columns, texts
from video.errors import LookbackError

_FORMS = (
    'an array of objects with "video" and "label", an object of paths and labels, or one with '
    '"annotations"'
)


def read_json(path: Path) -> list[tuple[str, dict[str, str]]]:
    """Return the rows of a JSON file, each with its place for messages.

    Raises:
        LookbackError: It is not JSON, or has another form.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise LookbackError(f"{path}: not a JSON file in UTF-8 ({error})") from None
    if isinstance(content, dict) and isinstance(content.get("database"), dict):
        content = content["database"]
    rows = list(_rows(path, content))
    if not rows:
        raise LookbackError(f"{path}: lists no clip; it must be {_FORMS}")
    return rows


def _rows(path: Path, content: Any) -> Iterator[tuple[str, dict[str, str]]]:
    if isinstance(content, list):
        named = [(f"{path}, entry {number}", "", row) for number, row in enumerate(content, 1)]
    elif isinstance(content, dict):
        named = [(f"{path}, entry {name!r}", name, row) for name, row in content.items()]
    else:
        raise LookbackError(f"{path}: must be {_FORMS}")
    for where, name, row in named:
        if isinstance(row, str | int) and name:
            yield where, {"video": name, "label": str(row)}
        elif isinstance(row, dict):
            yield from ((where, {**each}) for each in _annotated(where, name, row))
        else:
            raise LookbackError(f"{where}: must be an object with a video and a label")


def _annotated(where: str, name: str, row: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    annotations = row.get("annotations")
    whole = texts({key: value for key, value in row.items() if key != "annotations"})
    if name and "video" not in known_columns(list(whole)).values():
        whole["video"] = name
    if annotations is None:
        yield whole
        return
    # Without its own times, a part is the whole video; the video's duration is not needed.
    for each in annotations if isinstance(annotations, list) else [annotations]:
        if not isinstance(each, dict) or "label" not in each:
            raise LookbackError(f"{where}: an annotation has no label")
        part = {**whole, "label": str(each["label"])}
        segment = each.get("segment")
        if segment is not None and isinstance(annotations, list):
            if not isinstance(segment, list) or len(segment) != 2:
                raise LookbackError(f"{where}: segment must be [start, end] in seconds")
            part |= {"start": str(segment[0]), "end": str(segment[1])}
        yield part
