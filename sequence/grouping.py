"""Groups that a report keeps whole: those of the manifest, proposed ones, or named ones."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from clips.inspection.group_file import groups_from_file, is_group_file
from clips.inspection.report import CONTENT, report_folder
from clips.manifest import Manifest
from clips.splitting.grouping import group_entries
from recipes.commands import command
from sequence.dataset import LabeledSegment

MANIFEST, PROPOSED = "manifest", "proposed"


@dataclass(frozen=True)
class Grouping:
    """Groups to keep whole.

    Attributes:
        origin: `MANIFEST`, `PROPOSED` (by `prepare.py`), or the value of `evaluate.groups`.
        of_video: Group of each video; None for those of the segments.
    """

    origin: str
    of_video: Mapping[str, str] | None = None

    def regrouped(self, segments: Sequence[LabeledSegment]) -> list[LabeledSegment]:
        """Return the segments with these groups."""
        if self.of_video is None:
            return list(segments)
        return [replace(each, group=self.of_video.get(each.video, each.video)) for each in segments]

    def __str__(self) -> str:
        if self.origin == MANIFEST:
            return "groups of the manifest"
        if self.origin == PROPOSED:
            return f"groups that {command('prepare')} proposes"
        return f"groups by {self.origin}"


def grouping_of(manifest: Manifest, group_by: str | None) -> Grouping:
    """Return the groups that a report keeps whole.

    They are those that `group_by` names. Without it they are those of the manifest; where every
    video is a group of its own, they are those that the last run of `prepare.py` proposes.

    Args:
        manifest: Manifest of the clips.
        group_by: A value as for `prepare.py --group-by`, or None.

    Raises:
        LookbackError: `group_by` names a file that cannot be used.
        UsageError: `group_by` is no column, and as a pattern it matches no path.
    """
    entries = list(manifest.entries)
    if group_by is not None:
        chosen = (
            groups_from_file(Path(group_by), entries)
            if is_group_file(group_by)
            else group_entries(entries, group_by)
        )
        return Grouping(group_by, {entry.video: entry.group for entry in chosen})
    videos = {entry.video for entry in entries}
    if len({entry.group for entry in entries}) < len(videos):
        return Grouping(MANIFEST)
    proposed = _proposed(manifest)
    return Grouping(PROPOSED, proposed) if proposed else Grouping(MANIFEST)


def _proposed(manifest: Manifest) -> dict[str, str] | None:
    """Return the groups of the report of `prepare.py`; None if it proposes none for this manifest.

    The report is for people, and the user may have moved it away: evaluation does not depend on it.
    """
    try:
        path = report_folder(None, manifest.path.parent) / CONTENT
        content = json.loads(path.read_text(encoding="utf-8"))
        if Path(content["manifest"]).resolve() != manifest.path.resolve():
            return None
        found = {str(video): str(group) for video, group in content["proposed_groups"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    known = [found.get(video, video) for video in manifest.videos]
    return found if len(set(known)) < len(known) else None
