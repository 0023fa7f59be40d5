"""Reading of a manifest with the checks that need more than the file itself."""

from pathlib import Path

from clips import manifest as manifests
from clips.copies import without_lost_copies
from clips.finding.clip_files import check_name
from clips.manifest import COLUMNS, Manifest
from clips.manifest.columns import misspelled_columns
from recipes.loader import Settings
from video.errors import LookbackError


def read_checked(path: Path, settings: Settings) -> Manifest:
    """Return a manifest, without the augmented copies whose file is missing.

    Raises:
        LookbackError: A row is not valid, a path leaves the folder, or the name of a column is
            probably misspelled.
    """
    manifest = manifests.read(path)
    for video in manifest.videos:
        check_name(path.parent, video)
    manifest = without_lost_copies(manifest)
    extra = [name for name, _ in manifest.entries[0].extra]
    for name, known in misspelled_columns([*extra, *_columns_used(manifest)]):
        # Going on would make new groups or a new split, and could put a scene into two splits.
        if name.casefold() != settings.recipe.data.group_by.casefold():
            use_it = f"use it with --group-by {name}, or " if known == "group" else ""
            raise LookbackError(
                f"{path}: there is a column {name!r}, but no column {known!r}; rename it to "
                f"{known}, or {use_it}give it a name that is less alike to keep it unused"
            )
    return manifest


def _columns_used(manifest: Manifest) -> list[str]:
    """Return the known columns with a value in some row."""
    blank = ("", None)
    return [
        name
        for name in COLUMNS
        if any(getattr(entry, name) not in blank for entry in manifest.entries)
    ]
