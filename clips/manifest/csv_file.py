"""Reader and writer of a manifest's CSV file."""

import csv
import io
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from clips.manifest.columns import COLUMNS, column_names
from clips.manifest.entries import BACKGROUND, SPLITS, UNLABELED, Entry, Manifest
from metrics.label_sets import SEPARATOR, joined, labels_in
from recipes.commands import command
from video.atomic_write import atomic_write
from video.errors import LookbackError
from video.image_folder import is_video


def read(path: Path) -> Manifest:
    """Read a manifest.

    Blanks around column names and upper or lower case do not matter.

    Raises:
        LookbackError: A column is missing or a row is not valid; the message names the line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file)
            columns = column_names(path, next((row for row in rows if row), []))
            listed = tuple(
                _entry(path, rows.line_num, _cells(path, rows.line_num, columns, row))
                for row in rows
                if row
            )
    except (UnicodeDecodeError, csv.Error) as error:
        raise LookbackError(f"{path}: not a CSV file in UTF-8 ({error})") from None
    whole: dict[str, str] = {}
    for entry in listed:
        if not entry.is_part and whole.setdefault(entry.video, entry.label) != entry.label:
            raise LookbackError(
                f"{path}: {entry.video} is listed as {whole[entry.video]} and as {entry.label}; "
                "keep one row, or give both their start and end; if both hold, write one row with "
                f"{joined([whole[entry.video], entry.label])}"
            )
    manifest = Manifest.of(path, listed)
    if not manifest.entries:
        raise LookbackError(f"{path}: lists no clip; remove it and run {command('prepare')}")
    return manifest


def _cells(path: Path, line: int, columns: list[str], row: list[str]) -> dict[str, str]:
    """Return the values of a row by column, unchanged; values missing at the end are empty."""
    nameless = [value for name, value in zip(columns, row, strict=False) if not name]
    if any(value.strip() for value in (*nameless, *row[len(columns) :])):
        raise LookbackError(
            f"{path}, line {line}: a value is in a column without a name; name the column in the "
            "first line, and put values that contain a comma in double quotes"
        )
    padded = row + [""] * (len(columns) - len(row))
    return {name: value for name, value in zip(columns, padded, strict=False) if name}


def _entry(path: Path, line: int, cells: dict[str, str]) -> Entry:
    row = {name: value.strip() for name, value in cells.items()}
    where = f"{path}, line {line}"
    if not row["video"]:
        raise LookbackError(f"{where}: the column video is empty")
    split = row.get("split", "")
    if split and split not in SPLITS:
        raise LookbackError(f"{where}: split is {split!r}; it must be one of {', '.join(SPLITS)}")
    start, end = (_seconds(where, name, row.get(name, "")) for name in ("start", "end"))
    if end is not None and end <= (start or 0.0):
        raise LookbackError(f"{where}: end ({end} s) must be after start ({start or 0.0} s)")
    return Entry(
        video=_video_name(path.parent, cells["video"]),
        label=label_of(where, row["label"]),
        split=split,
        group=row.get("group", ""),
        start=start,
        end=end,
        extra=tuple((name, value) for name, value in row.items() if name not in COLUMNS),
    )


def label_of(where: str, text: str) -> str:
    """Return the label of a row: `background` if it is empty, several as `run|wave`.

    Args:
        where: File and line, for messages.
        text: Label as it is written.

    Raises:
        LookbackError: One of several labels is empty, or is `background` or `-`.
    """
    if SEPARATOR not in text:
        return text or BACKGROUND
    labels = labels_in(text)
    if "" in labels:
        raise LookbackError(
            f"{where}: label {text!r}: a label next to | is empty; | separates several labels of "
            "one clip, such as run|wave, and cannot be part of a name"
        )
    for alone, meaning in ((BACKGROUND, "no class holds"), (UNLABELED, "the time is not used")):
        if alone in labels:
            raise LookbackError(
                f"{where}: label {text!r}: {alone} means that {meaning}; remove it, or keep it "
                "alone"
            )
    return joined(labels)


def _video_name(folder: Path, typed: str) -> str:
    """Return the path in a row, with forward slashes and without blanks at its ends.

    Except on Windows, file names may contain backslashes and begin or end with blanks. The path
    stays unchanged if a file with the literal name exists.
    """
    stripped = typed.strip()
    if typed == stripped and "\\" not in typed:
        return typed
    slashed = stripped.replace("\\", "/")
    if os.sep == "\\":
        return slashed
    for name in (typed, stripped, typed.replace("\\", "/"), slashed):
        if is_video(folder / name):
            return name
    # The file does not exist, perhaps because a disk is not mounted. prepare.py writes the name
    # again, so it must not change. If it has both kinds of slash, prepare.py wrote it, and the
    # backslash is part of the name.
    return slashed if "\\" in typed and "/" not in typed else typed


def _seconds(where: str, name: str, text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise LookbackError(
            f"{where}: {name} is {text!r}; it must be a time in seconds, such as 2.5"
        )
    return value


def write(manifest: Manifest) -> None:
    """Write a manifest, replacing the file in one step."""
    write_rows(manifest.path, *_table(manifest))


def content_of(manifest: Manifest) -> bytes:
    """Return the bytes that `write` puts into the file."""
    return _csv_bytes(*_table(manifest))


def _table(manifest: Manifest) -> tuple[list[str], list[list[str]]]:
    listed = (*manifest.entries, *manifest.unlabeled)
    names = list(dict.fromkeys(name for entry in listed for name, _ in entry.extra))
    rows = []
    for entry in listed:
        times = ["" if value is None else f"{value:.12g}" for value in (entry.start, entry.end)]
        extra = dict(entry.extra)
        rows.append(
            [entry.video, entry.label, entry.split, entry.group, *times]
            + [extra.get(name, "") for name in names]
        )
    return [*COLUMNS, *names], rows


def write_rows(path: Path, header: list[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file, replacing it in one step."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(_csv_bytes(header, rows))


def _csv_bytes(header: list[str], rows: Iterable[Sequence[object]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return file.getvalue().encode("utf-8")
