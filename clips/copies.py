"""Rows of augmented copies in a manifest: each follows its parent, or is left out.

A copy shows the scene of its parent. In another split than the parent it would be a leak, and in a
split that it was not made for it would be tested on instead of the clip.
"""

import os
from collections.abc import Sequence
from dataclasses import replace

from clips.manifest import Entry, Manifest
from video.console import logger

_LOG = logger(__name__)


def with_copies(rows: Sequence[Entry], originals: Sequence[Entry]) -> list[Entry]:
    """Return the originals in place of their rows, and the copies with group and split of theirs.

    Args:
        rows: All rows, in order.
        originals: The rows that are no copies, complete and in the same order.
    """
    parents = {(entry.video, entry.label, entry.split): entry for entry in originals}
    remaining, result, left = iter(originals), [], []
    for row in rows:
        if not row.parent:
            result.append(next(remaining))
            continue
        if parent := parents.get((row.parent, row.label, row.split)):
            result.append(replace(row, group=parent.group))
        else:
            left.append(row)
    if left:
        _LOG.warning(
            f"note: {_copies(len(left))} left out, such as {left[0].video}: the clip it was made "
            "of was removed, or has another label or split"
        )
    return result


def without_lost_copies(manifest: Manifest) -> Manifest:
    """Return the manifest without the copies whose file is missing: they can be made again."""
    lost = [
        entry
        for entry in manifest.entries
        if entry.parent and not os.path.isfile(manifest.place(entry.video))
    ]
    if not lost:
        return manifest
    _LOG.warning(f"note: {_copies(len(lost))} left out, such as {lost[0].video}: no such file")
    gone = {entry.video for entry in lost}
    return manifest.with_entries([each for each in manifest.entries if each.video not in gone])


def _copies(count: int) -> str:
    return "1 augmented copy is" if count == 1 else f"{count} augmented copies are"
