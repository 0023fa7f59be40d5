"""From a folder of clips to a manifest that can be trusted; run by prepare.py and, where there is
no manifest yet, by every script that needs one."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from clips import manifest as manifests
from clips.completing import add_new_clips, complete
from clips.finding.clip_files import Found, check_name, find_clips
from clips.finding.probing import ClipFacts, probe
from clips.manifest import COLUMNS, Entry, Manifest
from clips.manifest.columns import misspelled_columns
from clips.manifest.duplicates import equal_videos, refuse_contradictions
from clips.manifest.presence import (
    REJECTED,
    drop_videos,
    listed_videos,
    missing_note,
    missing_videos,
    refuse_many_missing,
    rejected_videos,
)
from clips.manifest.replacing import keep_previous, writable
from clips.splitting.assignment import check_split
from clips.splitting.given_splits import GivenSplit, LayoutError
from clips.summary import print_notes, print_repeated, print_table
from recipes.commands import command
from recipes.loader import Settings
from video.console import logger, progress_bar
from video.errors import LookbackError, VideoError

_LOG = logger(__name__)

_NO_CLIPS = Found([], GivenSplit({}), [], [])


def manifest_path(settings: Settings) -> Path:
    data = settings.recipe.data
    return Path(data.manifest) if data.manifest else Path(data.folder) / "manifest.csv"


def load_manifest(settings: Settings, videos_needed: bool = True) -> Manifest:
    """Return the checked manifest, preparing one first where there is none.

    Rows of videos that rejected.csv names are left out.

    Args:
        settings: The recipe, which names the manifest.
        videos_needed: Whether the videos are read. Rows whose file is not there are left out then,
            and are kept otherwise, as features of them may be there.

    Raises:
        LookbackError: the manifest cannot be used, or videos are needed and a whole class of them
            or most are not there.
    """
    path = manifest_path(settings)
    if not path.is_file():
        if settings.recipe.data.manifest:
            raise LookbackError(f"{path}: there is no such manifest")
        _LOG.info(f"No {path} yet: preparing one ({command('prepare')}).")
        return prepare(settings)
    manifest = _read(path)
    skipped = rejected_videos(path.parent).intersection(manifest.videos)
    manifest = complete(drop_videos(manifest, skipped), settings)
    check_split(list(manifest.entries), str(path))
    _print_new_clips(manifest, skipped)
    missing = missing_videos(manifest)
    if videos_needed:
        refuse_many_missing(manifest, missing)
    if missing:
        _LOG.warning(f"note: {missing_note(missing)}")
    return drop_videos(manifest, missing) if videos_needed else manifest


def prepare(settings: Settings, drop_missing: bool = False) -> Manifest:
    """Find, check, group and split the clips; write manifest.csv and rejected.csv.

    Rows of a manifest that is already there keep their split and group, unless the user asks for
    other ones (`--group-by`, `--split`, `--seed`). They also stay where their file is not there or
    cannot be decoded. The file before is kept as manifest.previous.csv, or with a number.

    Args:
        settings: The recipe, which names the folder.
        drop_missing: Whether rows go whose file is not there.

    Returns:
        The rows that can be used, and those whose file is not there.

    Raises:
        LookbackError: no manifest can be made; or one was written, but a whole class or most of the
            videos that it lists are not there.
    """
    path = manifest_path(settings)
    with writable(path):
        before = path.read_bytes() if path.is_file() else None
        listed = list(_read(path).entries) if before else []
        found = _find(path.parent, listed, settings)
        rows = Manifest(path, tuple(add_new_clips(listed, found, settings)))
        if drop_missing:
            rows = _without_missing(rows)
        check = _check_files(rows)
        usable = drop_videos(rows, dict(check.rejected))
        manifest = complete(usable, settings, check.equal, found.given.train_or_val)
        refuse_contradictions(list(manifest.entries), check.equal, str(path.parent))
        check_split(list(manifest.entries), str(path.parent))
        whole = _with_rejected(manifest, listed, rows)
        previous = keep_previous(path, before, manifests.content_of(whole))
        manifests.write(whole)
    _print_outcome(manifest, check, previous)
    _print_lost_classes(rows, manifest)
    if check.missing:
        refuse_many_missing(manifest, check.missing)
        _LOG.warning(f"note: {missing_note(check.missing)}")
    return manifest


@dataclass(frozen=True)
class _Check:
    """What the files of a manifest hold.

    Attributes:
        missing: Videos whose file is not there.
        facts: What decoding showed, by video.
        rejected: Videos that cannot be decoded, each with the reason.
        equal: Videos with the same content, those of one content together.
    """

    missing: list[str]
    facts: dict[str, ClipFacts]
    rejected: list[tuple[str, str]]
    equal: list[list[str]]


def _check_files(rows: Manifest) -> _Check:
    """Decode every video that is there; write rejected.csv."""
    folder = rows.path.parent
    missing = missing_videos(rows)
    facts, rejected = _probe_all(folder, drop_videos(rows, missing).videos)
    manifests.write_rows(folder / REJECTED, ["video", "reason"], rejected)
    if not facts:
        refuse_many_missing(rows, missing)
        raise LookbackError(f"{folder}: no clip can be read; {folder / REJECTED} tells why")
    return _Check(missing, facts, rejected, equal_videos(folder, facts))


def _without_missing(rows: Manifest) -> Manifest:
    missing = missing_videos(rows)
    _LOG.info(f"{listed_videos(len(missing))} not there: rows dropped")
    return drop_videos(rows, missing)


def _print_outcome(manifest: Manifest, check: _Check, previous: Path | None) -> None:
    print_notes(check.facts, check.rejected)
    repeated = print_repeated(check.equal)
    print_table(manifest, check.facts, len(check.rejected), len(check.missing), repeated)
    if previous:
        _LOG.info(f"The manifest before is kept: {previous}")


def _print_lost_classes(rows: Manifest, manifest: Manifest) -> None:
    """Print the classes of which no clip can be read: a model would not know them."""
    lost = sorted({row.label for row in rows.entries} - {row.label for row in manifest.entries})
    for label in lost:
        reasons = rows.path.with_name(REJECTED)
        _LOG.warning(
            f"note: the class {label} is left out, as none of its clips can be read: {reasons}"
        )


def _read(path: Path) -> Manifest:
    manifest = manifests.read(path)
    for video in manifest.videos:
        check_name(path.parent, video)
    extra = [name for name, _ in manifest.entries[0].extra]
    for name, known in misspelled_columns([*extra, *_columns_used(manifest)]):
        _LOG.warning(
            f"note: {path}: the column {name!r} is kept, but not used; is it meant as {known!r}?"
        )
    return manifest


def _columns_used(manifest: Manifest) -> list[str]:
    """Return the known columns that some row has a value in."""
    blank = ("", None)
    return [
        name
        for name in COLUMNS
        if any(getattr(entry, name) not in blank for entry in manifest.entries)
    ]


def _find(folder: Path, listed: list[Entry], settings: Settings) -> Found:
    """Return the clips below a folder; none where there is another manifest to go by."""
    try:
        found = find_clips(folder)
    except LayoutError as error:
        if listed:
            return _NO_CLIPS
        if settings.recipe.data.manifest is None:
            raise
        raise LayoutError(
            f"{error}; with --manifest, clips are looked for beside the manifest, not in --data"
        ) from None
    for note in found.notes:
        _LOG.warning(f"note: {note}")
    known = {entry.video for entry in listed}
    for name, reason in found.unreachable:
        if not any(video.startswith(f"{name}/") for video in known):
            raise LookbackError(
                f"{folder / name}: the class cannot be read ({reason}); is a disk not mounted? "
                "Remove the folder or link if there is to be no such class"
            )
    return found


def _probe_all(
    folder: Path, videos: list[str]
) -> tuple[dict[str, ClipFacts], list[tuple[str, str]]]:
    def look(video: str) -> ClipFacts | str:
        try:
            return probe(folder / video)
        except VideoError as error:
            return str(error).removeprefix(f"{folder / video}: ")

    # Decoding threads its own work; two clips at once fill the gaps between them.
    with ThreadPoolExecutor(2) as pool:
        results = list(progress_bar(pool.map(look, videos), "check", len(videos), unit="clip"))
    answers = dict(zip(videos, results, strict=True))
    facts = {video: answer for video, answer in answers.items() if isinstance(answer, ClipFacts)}
    return facts, [(video, answer) for video, answer in answers.items() if video not in facts]


def _with_rejected(manifest: Manifest, listed: list[Entry], rows: Manifest) -> Manifest:
    """Return the manifest with the listed rows that cannot be used put back in their places."""
    known = {entry.video for entry in listed}
    usable = iter(manifest.entries)
    usable_videos = set(manifest.videos)
    return manifest.with_entries(
        [
            next(usable) if entry.video in usable_videos else entry
            for entry in rows.entries
            if entry.video in usable_videos or entry.video in known
        ]
    )


def _print_new_clips(manifest: Manifest, skipped: set[str]) -> None:
    path = manifest.path
    if skipped:
        _LOG.warning(
            f"note: {listed_videos(len(skipped))} skipped, such as {min(skipped)}, as "
            f"{path.with_name(REJECTED)} has them; {command('prepare')} tries them again"
        )
    try:
        found = find_clips(path.parent).videos
    except LookbackError:
        return
    new = found - rejected_videos(path.parent) - set(manifest.videos)
    if new:
        _LOG.warning(
            f"note: {len(new)} clips are not in {path} (such as {min(new)}); "
            f"{command('prepare')} adds them"
        )
