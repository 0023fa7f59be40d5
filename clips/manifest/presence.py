"""Videos of a manifest whose file is missing, and videos that cannot be decoded.

Their rows stay in the manifest, because a disk may not be mounted and manual edits of the row would
be lost. Commands skip such rows and print their number.
"""

import csv
import os
from collections.abc import Iterable
from pathlib import Path

from clips.manifest.entries import Entry, Manifest
from recipes.commands import command
from video.errors import LookbackError
from video.image_folder import is_video

_MAX_MISSING = 0.5  # share of the listed videos; more is probably a wrong folder
REJECTED = "rejected.csv"


def missing_videos(manifest: Manifest) -> list[str]:
    """Return the listed videos whose file is missing, in the order of the rows."""
    folder = str(manifest.path.parent)  # a path object for each video would take most of the time
    return [video for video in manifest.videos if not is_video(os.path.join(folder, video))]


def listed_videos(count: int) -> str:
    """Return the subject and verb of a sentence about a number of listed videos."""
    return f"{count} listed video is" if count == 1 else f"{count} listed videos are"


def missing_note(missing: list[str]) -> str:
    """Return a line about listed videos whose file is missing."""
    return (
        f"{listed_videos(len(missing))} missing, such as {missing[0]}; is a disk not mounted? "
        f"(To remove their rows: {command('prepare')} --drop-missing)"
    )


def refuse_many_missing(manifest: Manifest, missing: Iterable[str]) -> None:
    """Refuse a manifest of which a whole class or more than half of the videos are missing.

    Raises:
        LookbackError: All videos of a class are missing, or more than half of all videos.
    """
    gone = set(missing)
    if not gone:
        return
    lost = sorted(
        set(_labels(manifest.entries)) - set(_labels(drop_videos(manifest, gone).entries))
    )
    if lost:
        names = ", ".join(lost[:10]) + (f" and {len(lost) - 10} more" if len(lost) > 10 else "")
        reason = f"no video is left of the class {names}"
    elif len(gone) > _MAX_MISSING * len(manifest.videos):
        reason = f"too few of the {len(manifest.videos)} videos are left"
    else:
        return
    order = [video for video in manifest.videos if video in gone]
    raise LookbackError(f"{manifest.path}: {reason}: {missing_note(order)}")


def _labels(entries: Iterable[Entry]) -> list[str]:
    return [label for entry in entries for label in entry.labels]


def drop_videos(manifest: Manifest, videos: Iterable[str]) -> Manifest:
    """Return the manifest without the rows of some videos."""
    dropped = set(videos)
    return manifest.with_entries([each for each in manifest.entries if each.video not in dropped])


def rejected_videos(folder: Path) -> set[str]:
    """Return the videos listed in the rejected.csv of a folder."""
    return set(rejected_reasons(folder))


def rejected_reasons(folder: Path) -> dict[str, str]:
    """Return the reason of each video listed in the rejected.csv of a folder."""
    path = folder / REJECTED
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            return {row.get("video") or "": row.get("reason") or "" for row in rows}
    except (UnicodeDecodeError, csv.Error):
        return {}  # prepare.py writes it again
