"""Preparation of a folder of clips: a checked manifest with groups and splits.

prepare.py runs it, and so does every other command if there is no manifest yet.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from clips import manifest as manifests
from clips.checking import Check, check_files, look_at_new, without_short_parts
from clips.completing import add_new_clips, complete, grouped
from clips.corrections import Applied, correct, print_applied
from clips.finding.clip_files import Found, find_clips
from clips.inspecting import Confirm, report, with_chosen_groups
from clips.inspection.leaks import joinable
from clips.kept_looks import KeptLooks
from clips.lists.reading import listed_set, still_left_out, uses_lists
from clips.manifest import Entry, Manifest
from clips.manifest.duplicates import refuse_contradictions
from clips.manifest.presence import (
    REJECTED,
    drop_videos,
    listed_videos,
    missing_note,
    missing_videos,
    refuse_many_missing,
    rejected_reasons,
    rejected_videos,
)
from clips.manifest.replacing import keep_previous, writable
from clips.merging import merge_classes
from clips.reading import read_checked
from clips.shards import Shard
from clips.splitting.assignment import check_split
from clips.splitting.given_splits import GivenSplit, LayoutError
from clips.splitting.time_split import time_split_note
from clips.summary import print_notes, print_repeated, print_table
from recipes.commands import command
from recipes.loader import Settings
from video.console import logger
from video.errors import LookbackError
from video.image_folder import is_video

_LOG = logger(__name__)

_NO_CLIPS = Found([], GivenSplit({}), [], [])


def manifest_path(settings: Settings) -> Path:
    """Return the path of the manifest that the recipe names or implies."""
    data = settings.recipe.data
    return Path(data.manifest) if data.manifest else Path(data.folder) / "manifest.csv"


def load_manifest(settings: Settings, videos_needed: bool = True) -> Manifest:
    """Return the checked manifest; prepare one first if there is none.

    Rows of videos listed in rejected.csv are left out.

    Args:
        settings: The recipe, which names the manifest.
        videos_needed: Whether the videos will be read. If so, rows without a file are left out.
            Otherwise they stay, because their features may exist.

    Raises:
        LookbackError: The manifest is not valid, or the videos are needed and a whole class or
            more than half of them are missing.
    """
    path = manifest_path(settings)
    if not path.is_file():
        if settings.recipe.data.manifest:
            raise LookbackError(f"{path}: there is no such manifest; check --manifest")
        _LOG.info(f"No {path} yet: preparing one ({command('prepare')}).")
        return prepare(settings)
    manifest = read_checked(path, settings)
    skipped = rejected_videos(path.parent).intersection(manifest.videos)
    manifest = complete(drop_videos(manifest, skipped), settings)
    check_split(list(manifest.entries), str(path))
    _print_time_split(manifest)
    _print_new_clips(manifest, skipped)
    missing = missing_videos(manifest)
    if videos_needed:
        refuse_many_missing(manifest, missing)
    if missing:
        _LOG.warning(f"note: {missing_note(missing)}")
    return drop_videos(manifest, missing) if videos_needed else manifest


def prepare(
    settings: Settings,
    drop_missing: bool = False,
    out: Path | None = None,
    confirm: Confirm | None = None,
) -> Manifest:
    """Find, check, group and split the clips; write manifest.csv and rejected.csv.

    With `data.lists` or `data.dataset`, the clips are those of the lists, with their splits. Else
    the rows of an existing manifest keep their split and group, unless the user requests new ones
    (`--group-by`, `--split`, `--seed`). Rows whose file is missing or cannot be decoded stay too.
    The old manifest is saved as manifest.previous.csv, or with a number.

    Args:
        settings: The recipe, which names the folder.
        drop_missing: Whether to remove rows whose file is missing.
        out: Folder of the report; None for no report.
        confirm: Function that asks whether proposed groups are accepted; None accepts none.

    Returns:
        The usable rows, and those whose file is missing.

    Raises:
        LookbackError: No manifest can be made; or it was written, but a whole class or more than
            half of its videos are missing.
    """
    path = manifest_path(settings)
    with writable(path):
        before = path.read_bytes() if path.is_file() else None
        data = settings.recipe.data
        start, rows, applied = _rows(path, settings)
        if drop_missing:
            rows = _without_missing(rows)
        check = check_files(rows, data.min_seconds, start.left_out, data.compared_clips)
        long = without_short_parts(rows.entries, check.facts, data.min_seconds)
        rows = rows.with_entries(long)
        usable = drop_videos(rows, dict(check.rejected))
        usable = with_chosen_groups(usable, settings, check.found, confirm)
        same = [*check.equal, *_copies(usable, settings, check, start)]
        manifest = complete(usable, settings, same, start.train_or_val, start.official)
        refuse_contradictions(
            list(manifest.entries), check.equal, str(path.parent), splits=not start.official
        )
        check_split(list(manifest.entries), str(path.parent))
        whole = _with_rejected(manifest, start.listed, rows)
        previous = keep_previous(path, before, manifests.content_of(whole))
        manifests.write(whole)
    _print_outcome(manifest, check, previous)
    print_applied(applied)
    _print_time_split(manifest)
    report(manifest, check.found, out)
    _print_lost_classes(rows, manifest)
    if check.missing:
        refuse_many_missing(manifest, check.missing)
        _LOG.warning(f"note: {missing_note(check.missing)}")
    return manifest


def probe_shard(settings: Settings, shard: Shard) -> None:
    """Look at the clips of one shard, for a `prepare` that follows; write no manifest.

    What is found is kept in a file of the shard; see `clips.kept_looks`.

    Args:
        settings: The recipe, which names the folder.
        shard: The shard.

    Raises:
        LookbackError: No clips are found, or the folder cannot be written.
    """
    path = manifest_path(settings)
    with writable(path):
        _, rows, _ = _rows(path, settings)
        videos = drop_videos(rows, missing_videos(rows)).videos
        own = [video for video in videos if shard.has(video)]
        kept = KeptLooks(path.parent, own, shard)
        compared = len(videos) <= settings.recipe.data.compared_clips
        looked_at = look_at_new(path.parent, own, kept, compared)
    _LOG.info(
        f"Shard {shard}: {looked_at} clips read, {len(own) - looked_at} known before. "
        f"When all shards are done, {command('prepare')} writes the manifest."
    )


def _rows(path: Path, settings: Settings) -> tuple["_Start", Manifest, Applied | None]:
    """Return the rows before the check of their files, as found and corrected."""
    data = settings.recipe.data
    start = _from_lists(path, settings) if uses_lists(data) else _from_folders(path, settings)
    merged = merge_classes(start.rows, data.merge)
    rows, applied = correct(Manifest.of(path, [*merged, *start.unlabeled]), data.corrections)
    return start, rows, applied


@dataclass(frozen=True)
class _Start:
    """The rows before the check of their files.

    Attributes:
        rows: Rows; a split or a group may be empty.
        listed: Rows of the manifest that is replaced, which stay if their files are rejected.
        train_or_val: Videos that are split between train and val only.
        left_out: Lines of rejected.csv about clips that lists leave out.
        unlabeled: Rows of the manifest without a label.
        official: Whether the split stands where groups cross it.
    """

    rows: list[Entry]
    listed: list[Entry]
    train_or_val: frozenset[str]
    left_out: list[tuple[str, str]]
    unlabeled: tuple[Entry, ...] = ()
    official: bool = False


def _from_folders(path: Path, settings: Settings) -> _Start:
    """Return the rows of the existing manifest and of new files."""
    there = path.is_file()
    before = read_checked(path, settings) if there else Manifest(path, ())
    listed = list(before.entries)
    found = _find(path.parent, listed, settings)
    # What lists left out is not new, as long as the manifest that they made is there.
    left_out = still_left_out(rejected_reasons(path.parent)) if there else []
    skipped = {*dict(left_out), *before.left_out}
    found = replace(found, clips=[clip for clip in found.clips if clip[0] not in skipped])
    rows = add_new_clips(listed, found, settings)
    return _Start(rows, listed, found.given.train_or_val, left_out, before.unlabeled)


def _from_lists(path: Path, settings: Settings) -> _Start:
    """Return the rows of the lists that the recipe names."""
    found = listed_set(settings.recipe.data, path.parent)
    for note in found.notes:
        _LOG.info(note)
    if "data.split" not in settings.given:
        return _Start(found.entries, [], found.train_or_val, found.left_out, (), found.official)
    blank = [replace(entry, split="") for entry in found.entries]
    return _Start(blank, [], frozenset(), found.left_out)


def _copies(usable: Manifest, settings: Settings, check: Check, start: _Start) -> list[list[str]]:
    """Return the copies that are put into one group."""
    entries = grouped(list(usable.entries), settings, check.equal)
    # Clips that are split between train and val only must not join those of test.
    given = [
        replace(each, split="train") if each.video in start.train_or_val else each
        for each in entries
    ]
    return joinable(check.found.likeness, given)


def _without_missing(rows: Manifest) -> Manifest:
    missing = missing_videos(rows)
    _LOG.info(f"{listed_videos(len(missing))} missing: rows removed")
    unlabeled = tuple(each for each in rows.unlabeled if is_video(rows.place(each.video)))
    return replace(drop_videos(rows, missing), unlabeled=unlabeled)


def _print_outcome(manifest: Manifest, check: Check, previous: Path | None) -> None:
    print_notes(check.facts, check.rejected)
    repeated = print_repeated(check.equal)
    print_table(manifest, check.facts, len(check.rejected), len(check.missing), repeated)
    if previous:
        _LOG.info(f"The old manifest is saved as {previous}")


def _print_time_split(manifest: Manifest) -> None:
    if note := time_split_note(manifest.entries):
        _LOG.warning(f"note: {note}")


def _print_lost_classes(rows: Manifest, manifest: Manifest) -> None:
    """Print the classes without a readable clip, which a model would not know."""
    before, after = (
        {label for row in each.entries for label in row.labels} for each in (rows, manifest)
    )
    lost = sorted(before - after)
    for label in lost:
        reasons = rows.path.with_name(REJECTED)
        _LOG.warning(
            f"note: the class {label} is left out: none of its clips can be read; see {reasons}"
        )


def _find(folder: Path, listed: list[Entry], settings: Settings) -> Found:
    """Return the clips below a folder; none if there are only the rows of a manifest."""
    try:
        found = find_clips(folder, settings.recipe.data.frame_rate)
    except LayoutError as error:
        if listed:
            return _NO_CLIPS
        if settings.recipe.data.manifest is None:
            raise
        raise LayoutError(
            f"{error}; with --manifest, clips/ must be in the folder of the manifest, not in --data"
        ) from None
    for note in found.notes:
        _LOG.warning(f"note: {note}")
    known = {entry.video for entry in listed}
    for name, reason in found.unreachable:
        if not any(video.startswith(f"{name}/") for video in known):
            raise LookbackError(
                f"{folder / name}: the class cannot be read ({reason}); is a disk not mounted? "
                "To leave the class out, remove the folder or link"
            )
    return found


def _with_rejected(manifest: Manifest, listed: list[Entry], rows: Manifest) -> Manifest:
    """Return the manifest with the unusable listed rows back at their positions."""
    known = {entry.video for entry in listed if not entry.parent}
    # Spans between two blocks of a recording that is split in time have lost their label.
    left = {_span(entry) for entry in set(manifest.unlabeled).difference(rows.unlabeled)}
    usable = iter(manifest.entries)
    usable_videos = set(manifest.videos)
    return manifest.with_entries(
        [
            next(usable) if entry.video in usable_videos else entry
            for entry in rows.entries
            if _span(entry) not in left
            if entry.video in usable_videos or entry.video in known
        ]
    )


def _span(entry: Entry) -> tuple[str, float | None, float | None]:
    return entry.video, entry.start, entry.end


def _print_new_clips(manifest: Manifest, skipped: set[str]) -> None:
    path = manifest.path
    if skipped:
        _LOG.warning(
            f"note: {listed_videos(len(skipped))} skipped, such as {min(skipped)}: see "
            f"{path.with_name(REJECTED)}; {command('prepare')} checks again those that have changed"
        )
    try:
        found = find_clips(path.parent).videos
    except LookbackError:
        return
    new = found - rejected_videos(path.parent) - {*manifest.videos, *manifest.left_out}
    if new:
        _LOG.warning(
            f"note: {len(new)} clips are not in {path} (such as {min(new)}); "
            f"{command('prepare')} adds them"
        )
