"""What prepare.py finds out by looking at the clips: copies, leaks, proposed groups, the report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from clips.inspection.group_file import (
    NAME,
    groups_from_file,
    is_group_file,
    print_proposal,
    write_groups,
)
from clips.inspection.leaks import leaks_of
from clips.inspection.proposals import propose
from clips.inspection.report import Inspection, correlates_in, warnings_of, write_report
from clips.inspection.sketches import Sketch
from clips.kept_likeness import kept_likeness
from clips.looking import Look
from clips.manifest import Manifest
from clips.splitting.grouping import PROPOSE
from recipes.commands import command
from recipes.loader import Settings
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)

Confirm = Callable[[str], bool]


class Unconfirmed(LookbackError):
    """Proposed groups were not accepted; nothing but their file was written."""

    exit_code = 0


def inspect(
    folder: Path,
    looks: Mapping[str, Look],
    rejected: Sequence[tuple[str, str]],
    missing: Sequence[str],
    equal: Sequence[list[str]],
    contents: Mapping[str, str],
    compared: bool,
) -> Inspection:
    """Compare the clips.

    Args:
        folder: Folder to which the videos are relative.
        looks: What was found in each usable video.
        rejected: Videos that are not used, each with the reason.
        missing: Videos whose file is missing.
        equal: Groups of videos with the same content.
        contents: SHA-256 of each video, as far as it is known.
        compared: Whether clips are compared with each other.
    """
    sketches = {video: look.sketch for video, look in looks.items() if compared and look.sketch}
    return Inspection(
        {video: look.facts for video, look in looks.items()},
        {video: look.media for video, look in looks.items()},
        {
            video: sketches[video].brightness if video in sketches else look.first_brightness
            for video, look in looks.items()
        },
        kept_likeness(folder, _once_each(sketches, equal), contents),
        rejected,
        missing,
        equal,
        contents,
    )


def _once_each(sketches: Mapping[str, Sketch], equal: Sequence[list[str]]) -> dict[str, Sketch]:
    """Return the sketches without repeated files, which are in one group already."""
    repeated = {video for videos in equal for video in videos[1:]}
    return {video: sketch for video, sketch in sketches.items() if video not in repeated}


def with_chosen_groups(
    rows: Manifest, settings: Settings, found: Inspection, confirm: Confirm | None
) -> Manifest:
    """Return the rows with the groups that `--group-by propose` or a file of groups gives.

    Other values of `--group-by` change nothing here.

    Args:
        rows: The usable rows.
        settings: The recipe, with the grouping.
        found: What was found out about the clips.
        confirm: Function that asks a question; None if nobody can be asked.

    Raises:
        Unconfirmed: The proposal was not accepted.
        LookbackError: The file of groups cannot be used.
    """
    group_by = settings.recipe.data.group_by
    if "data.group_by" not in settings.given:
        return rows
    entries = list(rows.entries)
    if is_group_file(group_by):
        return rows.with_entries(groups_from_file(Path(group_by), entries))
    if group_by != PROPOSE:
        return rows
    proposal = propose(entries, found.likeness, found.media, found.equal)
    path = rows.path.with_name(NAME)
    print_proposal(proposal, entries)
    write_groups(path, proposal, entries)
    _LOG.info(f"The proposal is in {path}")
    # Splits that folders or lists give stay, whatever the groups are.
    split = "" if any(entry.split for entry in entries) else ", with a new split"
    if confirm is None or not confirm(f"Use these groups{split}?"):
        raise Unconfirmed(
            f"groups not confirmed, nothing changed; edit {path} and give it back "
            f"({command('prepare')} --group-by {path}), or accept it ({command('prepare')} "
            "--group-by propose --yes)"
        )
    chosen = [replace(entry, group=proposal.groups[entry.video]) for entry in entries]
    return rows.with_entries(chosen)


def report(manifest: Manifest, found: Inspection, out: Path | None) -> None:
    """Print the warnings; write the report.

    Args:
        manifest: The usable rows, with their splits.
        found: What was found out about the clips.
        out: Folder of the report; None for warnings alone.
    """
    leaks = leaks_of(found.likeness, manifest.entries)
    warnings = None
    if out:
        try:
            warnings = write_report(out, manifest, found, leaks)["warnings"]
        except OSError as error:  # the manifest is written, which is what the command is for
            place = error.filename or out
            _LOG.warning(f"note: no report: {place}: {error.strerror}; --out names another folder")
    if warnings is None:
        out, warnings = None, warnings_of(manifest, leaks, correlates_in(manifest, found))
    for warning in warnings:
        _LOG.warning(f"warning: {warning}")
    copies = found.likeness.copies
    if copies:
        _LOG.warning(
            f"note: {len(copies)} pairs of clips are copies of one recording, encoded again or cut "
            f"(such as {copies[0].one} and {copies[0].other})"
        )
    if out:
        _LOG.info(f"Report with pictures: {out / 'preparation.txt'}")
