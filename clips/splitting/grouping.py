"""Groups of clips that must stay in one split: of one scene, camera, person or source video."""

import re
from dataclasses import replace
from pathlib import PurePosixPath

from clips.manifest import Entry
from clips.splitting.given_splits import split_of_folder
from video.errors import UsageError

# Value of `--group-by` for groups that are proposed and confirmed.
PROPOSE = "propose"
# UCF101 names its clips v_<class>_g<group>_c<clip>.
_UCF_GROUP = re.compile(r"_(g\d+)(?=_|\.|$)")


def is_group_file(group_by: str) -> bool:
    """Return whether a value of `--group-by` names a file of groups."""
    return group_by.casefold().endswith(".csv")


def group_entries(entries: list[Entry], group_by: str) -> list[Entry]:
    """Return the entries with their groups, stripped of blanks as in a manifest.

    Args:
        entries: The rows of a manifest.
        group_by: `auto` (the UCF-style `_gNN_` if the name has one, else the file itself),
            `folder` (the folder of the file), `folder:N` (the N-th folder below the class), the
            name of a column of the manifest, or a regular expression that is searched in the path.
            Its first capturing group, or the whole match, is the group. A path without a match is
            its own group. With `propose` or a CSV file, the entries have their groups already.

    Raises:
        UsageError: `group_by` has none of these forms, or matches no path.
    """
    if group_by == PROPOSE or is_group_file(group_by):
        return [_by_column(entry, "group") for entry in entries]
    columns = {name for entry in entries for name, _ in entry.extra} | {"group"}
    by_folded = {name.casefold(): name for name in columns}
    if group_by.strip().casefold() in by_folded:
        name = by_folded[group_by.strip().casefold()]
        return [_by_column(entry, name) for entry in entries]
    if group_by == "auto":
        return [replace(entry, group=_matched(_UCF_GROUP, entry.video)) for entry in entries]
    if group_by == "folder" or re.fullmatch(r"folder:\d+", group_by):
        level = int(group_by.partition(":")[2] or 0)
        return [replace(entry, group=_folder(entry, level)) for entry in entries]
    try:
        pattern = re.compile(group_by)
    except re.error as error:
        raise UsageError(f"--group-by {group_by}: not a regular expression ({error})") from None
    if not any(pattern.search(entry.video) for entry in entries):
        raise UsageError(
            f"--group-by {group_by}: is no column of the manifest ({', '.join(sorted(columns))}), "
            f"and as a regular expression it matches no path (the first is {entries[0].video})"
        )
    return [replace(entry, group=_matched(pattern, entry.video)) for entry in entries]


def _matched(pattern: re.Pattern, video: str) -> str:
    found = pattern.search(video)
    if not found:
        return video.strip()
    return (found.group(1) or found.group() if pattern.groups else found.group()).strip()


def _by_column(entry: Entry, name: str) -> Entry:
    value = entry.group if name == "group" else dict(entry.extra).get(name, "")
    return replace(entry, group=value or entry.video.strip())


def _folder(entry: Entry, level: int) -> str:
    parents = PurePosixPath(entry.video).parts[:-1]
    if level == 0:
        return "/".join(parents).strip()
    # parents begin with clips, <class>, or with clips, <split>, <class>
    in_split = (
        len(parents) > 2 and split_of_folder(parents[1]) and entry.label != parents[1].strip()
    )
    below_class = parents[3:] if in_split else parents[2:]
    return (below_class[level - 1] if len(below_class) >= level else entry.video).strip()
