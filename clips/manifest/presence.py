"""Listed videos that are not there, for a while or for good, and those that cannot be decoded.

No row of a manifest is dropped on its own account: a disk may not be mounted, and what a person
typed into the row would be gone. Commands skip such rows and print how many.
"""

import csv
import os
from collections.abc import Iterable
from pathlib import Path

from clips.manifest.entries import Entry, Manifest
from recipes.commands import command
from video.errors import LookbackError

_MANY = 0.5  # of the listed videos: more of them missing is a mistake, not an exception
REJECTED = "rejected.csv"


def missing_videos(manifest: Manifest) -> list[str]:
    """Return the listed videos whose file is not there, in the order of the rows."""
    return [video for video in manifest.videos if not os.path.isfile(manifest.place(video))]


def listed_videos(count: int) -> str:
    """Return the subject of a sentence about so many videos."""
    return f"{count} listed video is" if count == 1 else f"{count} listed videos are"


def missing_note(missing: list[str]) -> str:
    """Return the line about listed videos that are not there."""
    return (
        f"{listed_videos(len(missing))} not there, such as {missing[0]}; is a disk not mounted? "
        f"(If gone for good: {command('prepare')} --drop-missing)"
    )


def refuse_many_missing(manifest: Manifest, missing: Iterable[str]) -> None:
    """Refuse to go on without a whole class or without most of the videos.

    Raises:
        LookbackError: no video of a class is there, or fewer than half of all.
    """
    gone = set(missing)
    if not gone:
        return
    lost = sorted(
        set(_labels(manifest.entries)) - set(_labels(drop_videos(manifest, gone).entries))
    )
    if lost:
        names = ", ".join(lost[:10]) + (f" and {len(lost) - 10} more" if len(lost) > 10 else "")
        reason = f"nothing is left of the class {names}"
    elif len(gone) > _MANY * len(manifest.videos):
        reason = f"that is most of the {len(manifest.videos)} that are listed"
    else:
        return
    order = [video for video in manifest.videos if video in gone]
    raise LookbackError(f"{manifest.path}: {reason}: {missing_note(order)}")


def _labels(entries: Iterable[Entry]) -> list[str]:
    return [entry.label for entry in entries]


def drop_videos(manifest: Manifest, videos: Iterable[str]) -> Manifest:
    """Return the manifest without the rows of some videos."""
    dropped = set(videos)
    return manifest.with_entries([each for each in manifest.entries if each.video not in dropped])


def rejected_videos(folder: Path) -> set[str]:
    """Return the videos that rejected.csv in a folder names."""
    path = folder / REJECTED
    if not path.is_file():
        return set()
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return {row.get("video") or "" for row in csv.DictReader(file)}
    except (UnicodeDecodeError, csv.Error):
        return set()  # prepare.py writes it again
