"""Corrections of a manifest: mistakes of an evaluation, to each of which a person says what to do.

    video,start,end,label,predicted,probability,action
    clips/walk/a.mp4,,,walk,run,0.9312,label=run
    clips/walk/b.mp4,,,walk,run,0.8810,drop
    clips/walk/c.mp4,4,7.5,walk,run,0.7702,more

`drop` gives the part the label `-`, so that it is not used and not found again; `label=NAME` gives
it another class, or several such as `label=run|wave`; `more` changes nothing but is listed by
class. Rows without an action are skipped.
"""

import difflib
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

from clips.lists.columns import seconds
from clips.lists.tables import read_table
from clips.manifest import BACKGROUND, UNLABELED, Entry, Manifest
from clips.manifest.csv_file import label_of
from clips.manifest.segments import segments_of
from metrics.label_sets import labels_in
from recipes.commands import command
from video.console import logger
from video.errors import LookbackError, hint

_LOG = logger(__name__)

_NEEDED = ("video", "action")
_ACTIONS = "drop, label=NAME or more"
# Times were rounded by the program that wrote the list, or by a spreadsheet.
_TOLERANCE_SECONDS = 0.02
_LISTED = 3


@dataclass(frozen=True)
class Correction:
    """What to do with one part of a video.

    Attributes:
        where: File and line, for messages.
        video: Video of the manifest.
        start, end: Part in seconds; None for the start or the end of the video.
        label: Its label when it was evaluated; empty if the list does not say.
        predicted: The label that the model gave it; empty if the list does not say.
        new: New label, `-` to leave the part out; empty for a part of which more is wanted.
    """

    where: str
    video: str
    start: float | None
    end: float | None
    label: str
    predicted: str
    new: str

    @property
    def part(self) -> str:
        """The video and its times, for messages."""
        if self.start is None and self.end is None:
            return self.video
        end = "its end" if self.end is None else f"{self.end:g} s"
        return f"{self.video} from {self.start or 0.0:g} s to {end}"


@dataclass
class Applied:
    """What a list of corrections has changed.

    Attributes:
        dropped: Number of parts left out.
        relabeled: Number of parts with another label.
        there: Number of corrections that the manifest had already.
        tested: Number of dropped and relabeled parts of the test split.
        more: Parts of which more is wanted.
    """

    dropped: int = 0
    relabeled: int = 0
    there: int = 0
    tested: int = 0
    more: list[Correction] = field(default_factory=list)


def correct(manifest: Manifest, corrections: str | None) -> tuple[Manifest, Applied | None]:
    """Return the manifest with the corrections of a file, and what they have changed.

    Corrections that the manifest has already change nothing.

    Args:
        manifest: The rows, before groups and splits are chosen.
        corrections: Path of the file; None for no corrections.

    Raises:
        LookbackError: The file cannot be read, or one of its rows cannot be applied; the message
            names the line. Nothing is changed then.
    """
    if corrections is None:
        return manifest, None
    path, applied = Path(corrections), Applied()
    for correction in read_corrections(path, manifest):
        if not correction.new:
            applied.more.append(correction)
            continue
        changed = _changed(manifest, correction)
        if changed == manifest:
            applied.there += 1
        elif correction.new == UNLABELED:
            applied.dropped += 1
        else:
            applied.relabeled += 1
        differing = set(changed.entries).symmetric_difference(manifest.entries)
        applied.tested += any(entry.split == "test" for entry in differing)
        manifest = changed
    if not manifest.entries:
        raise LookbackError(f"{path}: drops all clips of {manifest.path}; keep some")
    return manifest, applied


def read_corrections(path: Path, manifest: Manifest) -> list[Correction]:
    """Return the rows of a list that have an action, each checked against the manifest.

    Commas, semicolons and tabs separate columns; times may have a decimal comma.

    Raises:
        LookbackError: A column is missing, or a value is not valid; the message names the line.
    """
    if not path.is_file():
        raise LookbackError(
            f"{path}: there is no such file; --corrections takes the mistakes.csv of an evaluation"
        )
    rows = [(where, _folded(row)) for where, row in read_table(path)]
    missing = [name for name in _NEEDED if rows and name not in rows[0][1]]
    if missing:
        raise LookbackError(
            f"{path}: the column {' and '.join(missing)} is missing; --corrections takes the "
            f"mistakes.csv of an evaluation with {_ACTIONS} in its column action"
        )
    found: dict[tuple[str, float | None, float | None], Correction] = {}
    for where, row in rows:
        if row["action"].strip():
            correction = _correction(where, row, manifest)
            key = (correction.video, correction.start, correction.end)
            other = found.setdefault(key, correction)
            if other.new != correction.new:
                raise LookbackError(
                    f"{where}: {correction.part} has another action in "
                    f"{other.where.rpartition(', ')[2]}; keep one of the two"
                )
    return list(found.values())


def print_applied(applied: Applied | None) -> None:
    """Print what corrections have changed, and of which classes more is wanted."""
    if applied is None:
        return
    there = f", {applied.there} were applied before" if applied.there else ""
    _LOG.info(
        f"Corrections: {applied.dropped} dropped, {applied.relabeled} relabeled, "
        f"{len(applied.more)} to film more of{there}"
    )
    if applied.tested:
        _LOG.warning(
            f"note: {applied.tested} of them are in test. Nobody has checked the labels of test "
            "clips that the model got right, so the score may rise by the correction alone. The "
            f"mistakes of {command('evaluate')} --split train change what is learned"
        )
    by_class: dict[str, list[Correction]] = defaultdict(list)
    for correction in applied.more:
        by_class[correction.label].append(correction)
    for label in sorted(by_class):
        wanted = by_class[label]
        taken = Counter(each.predicted for each in wanted if each.predicted)
        confused = ", ".join(f"{count} taken for {name}" for name, count in taken.most_common())
        names = ", ".join(each.part for each in wanted[:_LISTED])
        others = f" and {len(wanted) - _LISTED} more" if len(wanted) > _LISTED else ""
        reason = f" ({confused})" if confused else ""
        _LOG.info(f"  film more of {label}{reason}, like {names}{others}")


def _folded(row: dict[str, str]) -> dict[str, str]:
    return {name.strip().casefold(): value for name, value in row.items()}


def _correction(where: str, row: dict[str, str], manifest: Manifest) -> Correction:
    video, label = row["video"].strip(), row.get("label", "").strip()
    start, end = (seconds(where, name, row.get(name, "")) for name in ("start", "end"))
    new = _new_label(where, row["action"].strip(), manifest)
    rows = [each for each in (*manifest.entries, *manifest.unlabeled) if each.video == video]
    if not rows:
        raise LookbackError(f"{where}: {video} is not in {manifest.path}{_meant(video, manifest)}")
    predicted = row.get("predicted", "").strip()
    made = Correction(where, video, start or None, end, label or rows[0].label, predicted, new)
    if new:
        _changed(manifest, made)  # refuses times that are no part
    return made


def _meant(video: str, manifest: Manifest) -> str:
    close = difflib.get_close_matches(video, manifest.videos, n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else "; check the column video, or remove the row"


def _new_label(where: str, action: str, manifest: Manifest) -> str:
    """Return the new label of an action, `-` for drop, empty for more."""
    if action.casefold() in ("drop", "more"):
        return UNLABELED if action.casefold() == "drop" else ""
    known = {label for entry in manifest.entries for label in entry.labels}
    # A part can become background also if no row is named so.
    known |= {BACKGROUND} if any(entry.is_part for entry in manifest.entries) else set()
    word, equals, name = (text.strip() for text in action.partition("="))
    if not equals or word.casefold() != "label":
        meant = f" (for the class, label={action})" if action in known else ""
        raise LookbackError(f"{where}: action is {action!r}; it must be {_ACTIONS}{meant}")
    for each in labels_in(name):
        if each not in known:
            raise LookbackError(
                f"{where}: label={name}: there is no class {each!r}; {hint(each, sorted(known))}"
            )
    return label_of(where, name)


def _changed(manifest: Manifest, correction: Correction) -> Manifest:
    """Return the manifest with a new label for one part.

    Raises:
        LookbackError: The video has no such part, or several.
    """
    entries, unlabeled = list(manifest.entries), list(manifest.unlabeled)
    places = [place for place, entry in enumerate(entries) if _is_of(correction, entry)]
    same = [place for place in places if entries[place].label == correction.label]
    if len(places) > 1 and len(same) != 1:
        raise LookbackError(
            f"{correction.where}: {correction.part} has {len(places)} rows in {manifest.path}; "
            "correct them there"
        )
    dropped = [entry for entry in unlabeled if _is_of(correction, entry)]
    if places:
        (place,) = same or places
        entry = replace(entries[place], label=correction.new)
        if correction.new == UNLABELED:
            del entries[place]
            unlabeled.append(entry)
        else:
            entries[place] = entry
    elif dropped:
        if correction.new != UNLABELED:
            unlabeled.remove(dropped[0])
            entries.append(replace(dropped[0], label=correction.new))
    else:
        entry = _rest(manifest, correction)
        if correction.new == BACKGROUND:
            return manifest
        (unlabeled if correction.new == UNLABELED else entries).append(entry)
    return replace(manifest, entries=tuple(entries), unlabeled=tuple(unlabeled))


def _rest(manifest: Manifest, correction: Correction) -> Entry:
    """Return a new row for a part that is background because no row lists it."""
    first = next((each for each in manifest.entries if each.video == correction.video), None)
    extra = first.extra if first else ()
    for each in segments_of(manifest):
        if each.video == correction.video and each.label == BACKGROUND:
            end = None if each.end == float("inf") else each.end
            start = each.start or None
            label, split, group = correction.new, each.split, each.group
            entry = Entry(each.video, label, split, group, start, end, extra)
            if _is_of(correction, entry):
                return entry
    if manifest.several and first and first.is_part:
        raise LookbackError(
            f"{correction.where}: {manifest.path} has no row of its own for {correction.part}, "
            "where rows overlap; correct these there"
        )
    raise LookbackError(
        f"{correction.where}: {manifest.path} has no row for {correction.part}; "
        f"{command('evaluate')} writes the list anew"
    )


def _is_of(correction: Correction, entry: Entry) -> bool:
    """Return whether a row is the part that a correction names."""
    if entry.video != correction.video:
        return False
    wanted = (correction.start or 0.0, float("inf") if correction.end is None else correction.end)
    there = (entry.start or 0.0, float("inf") if entry.end is None else entry.end)
    return all(
        one == other or abs(one - other) <= _TOLERANCE_SECONDS
        for one, other in zip(wanted, there, strict=True)
    )
