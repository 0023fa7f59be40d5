"""Reading and writing data folders as a person does."""

import csv
from pathlib import Path

from clips import manifest as manifests
from recipes.loader import Settings, load


def settings(data: Path, **flags) -> Settings:
    dotted = {key.replace("__", "."): value for key, value in flags.items()}
    return load(None, {"data.folder": str(data), **dotted})


def splits(data: Path) -> dict[str, str]:
    return {entry.video: entry.split for entry in manifests.read(data / "manifest.csv").entries}


def rejected(data: Path) -> dict[str, str]:
    with (data / "rejected.csv").open(newline="", encoding="utf-8") as file:
        return {row["video"]: row["reason"] for row in csv.DictReader(file)}


def lines(data: Path) -> list[str]:
    return (data / "manifest.csv").read_text().splitlines()


def type_into(data: Path, video: str, typed: str) -> str:
    """Replace a row's values behind the label, as a person does; return the row."""
    rows = lines(data)
    (place,) = [number for number, row in enumerate(rows) if row.startswith(f"{video},")]
    rows[place] = ",".join(rows[place].split(",")[:2]) + "," + typed
    (data / "manifest.csv").write_text("\n".join(rows) + "\n")
    return rows[place]


def copies(data: Path, *pairs: tuple[str, str]) -> None:
    for source, target in pairs:
        (data / "clips" / target).write_bytes((data / "clips" / source).read_bytes())
