"""Proposed groups as a table for the terminal, and as a file that can be edited and given back.

video,group,label,why
clips/fight/fi001.mp4,fight/fi001,fight,same scene
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from clips.inspection.proposals import Proposal
from clips.manifest import Entry, write_rows
from clips.splitting.grouping import is_group_file
from recipes.commands import command
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)

NAME = "groups.csv"
_LISTED = 20  # groups in the terminal

__all__ = ["NAME", "groups_from_file", "is_group_file", "print_proposal", "write_groups"]


def write_groups(path: Path, proposal: Proposal, entries: Sequence[Entry]) -> None:
    """Write a proposal as CSV, the videos of a group below each other."""
    label_of = {entry.video: entry.label for entry in entries}
    order = {group: place for place, group in enumerate(dict.fromkeys(proposal.groups.values()))}
    videos = sorted(proposal.groups, key=lambda video: (order[proposal.groups[video]], video))
    rows = [
        (video, proposal.groups[video], label_of[video], proposal.reasons[video])
        for video in videos
    ]
    write_rows(path, ["video", "group", "label", "why"], rows)


def groups_from_file(path: Path, entries: Sequence[Entry]) -> list[Entry]:
    """Return the rows with the groups that a file gives to their videos.

    Videos that the file does not list, and those with an empty group, are groups of their own.

    Raises:
        LookbackError: The file cannot be read, lacks a column, or lists none of the videos.
    """
    if not path.is_file():
        raise LookbackError(
            f"{path}: there is no such file; {command('prepare')} --group-by propose writes one"
        )
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            sample = file.readline()
            file.seek(0)
            # Spreadsheets of some languages write semicolons.
            separator = max(",;\t", key=sample.count)
            rows = csv.DictReader(file, delimiter=separator)
            columns = {name.strip().casefold(): name for name in rows.fieldnames or [] if name}
            if not {"video", "group"} <= set(columns):
                raise LookbackError(f"{path}: needs the columns video and group")
            groups = {row[columns["video"]]: (row[columns["group"]] or "").strip() for row in rows}
    except (UnicodeDecodeError, csv.Error) as error:
        raise LookbackError(f"{path}: not a CSV file in UTF-8 ({error})") from None
    if not any(entry.video in groups for entry in entries):
        raise LookbackError(
            f"{path}: lists none of the videos (the first is {entries[0].video}); its column video "
            "must have the names of the manifest"
        )
    absent = len({entry.video for entry in entries} - set(groups))
    if absent:
        _LOG.warning(f"note: {absent} clips are not in {path}; each is a group of its own")
    return [replace(entry, group=groups.get(entry.video) or entry.video) for entry in entries]


def print_proposal(proposal: Proposal, entries: Sequence[Entry]) -> None:
    """Print the evidence and the largest groups of a proposal."""
    width = max((len(each.name) for each in proposal.evidence), default=0)
    _LOG.info("\nEvidence for groups:" if proposal.evidence else "\nNothing suggests groups.")
    for each in proposal.evidence:
        clips = len({video for link in each.links for video in link})
        used = f"not used: {each.refusal}" if each.refusal else f"links {clips} clips"
        _LOG.info(f"  {each.name:<{width}}  {used}")
    label_of = {entry.video: entry.label for entry in entries}
    members: dict[str, list[str]] = defaultdict(list)
    for video, group in proposal.groups.items():
        members[group].append(video)
    several = sorted((m for m in members.values() if len(m) > 1), key=lambda m: (-len(m), m[0]))
    _LOG.info(
        f"\n{len(members)} groups of {len(proposal.groups)} clips; {len(several)} have more than "
        "one clip" + (":" if several else "")
    )
    for videos in several[:_LISTED]:
        labels = Counter(label_of[video] for video in videos)
        counts = ", ".join(f"{count} {label}" for label, count in labels.most_common(3))
        others = "" if len(labels) <= 3 else f" and {len(labels) - 3} more classes"
        reasons = Counter(why for v in videos for why in proposal.reasons[v].split("; ") if why)
        why = ", ".join(name for name, _ in reasons.most_common(3))
        names = ", ".join(Path(video).name for video in videos[:4])
        more = f" and {len(videos) - 4} more" if len(videos) > 4 else ""
        _LOG.info(f"  {len(videos):>4} clips ({counts}{others}; {why}): {names}{more}")
    if len(several) > _LISTED:
        _LOG.info(f"  and {len(several) - _LISTED} more groups")
