"""From the lists of a data set to rows of a manifest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from clips.lists.base import DatasetLists, ListedClip, Request
from clips.lists.clip_index import ClipIndex
from clips.lists.registry import dataset_lists
from clips.manifest import SPLITS, Entry
from clips.manifest.entries import BACKGROUND
from metrics.label_sets import joined, labels_in
from recipes.schema import Data
from video.errors import LookbackError, UsageError

_LISTED = 3
ABSENT = "left out: there is no such file"
UNLISTED = "left out: not in the lists"


@dataclass(frozen=True)
class ListedSet:
    """Clips of the lists that exist.

    Attributes:
        entries: Rows, in the order of the lists.
        train_or_val: Videos of which some groups become validation clips.
        left_out: Lines of rejected.csv: listed clips without a file, and files that are not listed.
        notes: Lines for the user.
        official: Whether the split stands even where groups cross it.
    """

    entries: list[Entry]
    train_or_val: frozenset[str]
    left_out: list[tuple[str, str]]
    notes: list[str]
    official: bool


def uses_lists(data: Data) -> bool:
    """Return whether a recipe names lists; two official sets need no file."""
    return data.lists is not None or data.dataset != "list"


def listed_set(data: Data, folder: Path) -> ListedSet:
    """Return the clips of the lists that a recipe names.

    Args:
        data: The recipe's section.
        folder: The data folder; the rows are relative to it.

    Raises:
        UsageError: The flags do not fit together.
        LookbackError: A list is missing or cannot be understood, or no listed clip exists.
    """
    format_ = dataset_lists(data.dataset)
    request = _request(format_, data, folder)
    listed = format_.read(request)
    found = [(clip, request.clips.find(clip.names, clip.where)) for clip in listed]
    if data.several_labels:
        found = _with_all_labels(found)
    _refuse_shared_files(found)
    there = [(clip, video) for clip, video in found if video is not None]
    if not there:
        first = listed[0] if listed else None
        example = f", such as {first.names[0]} ({first.where})" if first else ""
        raise LookbackError(
            f"{request.clips.root}: contains none of the {len(listed)} listed clips{example}; put "
            "the videos there, in any folders"
        )
    entries = list(dict.fromkeys(_entry(clip, video) for clip, video in there))
    entries, train_or_val, note = _with_test_split(entries)
    absent = [clip.names[0] for clip, video in found if video is None]
    unlisted = sorted(set(request.clips.videos) - {entry.video for entry in entries})
    left_out = [*((name, ABSENT) for name in absent), *((video, UNLISTED) for video in unlisted)]
    notes = [
        f"{len(entries)} rows from the lists of {format_.name}{_of_split(format_, data)}; {note}",
        *_left_out_note("listed clips have no file", absent),
        *_left_out_note("files are not in the lists", unlisted),
    ]
    return ListedSet(entries, train_or_val, left_out, notes, format_.official)


def _request(format_: DatasetLists, data: Data, folder: Path) -> Request:
    if data.official_split > format_.official_splits:
        count = format_.official_splits
        have = "has one split" if count == 1 else f"has the splits 1 to {count}"
        raise UsageError(f"--official-split {data.official_split}: {format_.name} {have}")
    lists = Path(data.lists) if data.lists is not None else None
    if format_.files and lists is None:
        raise UsageError(
            f"--dataset {format_.name}: name the folder with {format_.files}: --lists FOLDER"
        )
    if lists is not None and not lists.exists():
        raise LookbackError(f"{lists}: there is no such file or folder; check --lists")
    if lists is not None and lists.is_file() and format_.name not in ("list", "kinetics"):
        raise LookbackError(f"{lists}: is a file; --lists names the folder with {format_.files}")
    return Request(lists, data.official_split, ClipIndex(folder, data.frame_rate))


def _entry(clip: ListedClip, video: str) -> Entry:
    label = clip.label or BACKGROUND
    return Entry(video, label, clip.split, clip.group, clip.start, clip.end, clip.extra)


def _refuse_shared_files(found: Sequence[tuple[ListedClip, str | None]]) -> None:
    """Refuse two listed clips of different names for which the same file was found."""
    names: dict[str, ListedClip] = {}
    for clip, video in found:
        if video is not None:
            other = names.setdefault(video, clip)
            if other.names[0] != clip.names[0]:
                raise LookbackError(
                    f"{clip.where}: {clip.names[0]} and {other.names[0]} ({other.where}) are both "
                    f"{video}; keep the folders of the lists below the data folder"
                )
    labels: dict[str, ListedClip] = {}
    for clip, video in found:
        if video is not None and clip.start is None and clip.end is None:
            other = labels.setdefault(video, clip)
            if other.label != clip.label:
                raise LookbackError(
                    f"{clip.where}: {clip.names[0]} is {clip.label}, and {other.label} in "
                    f"{other.where}; keep one of the two rows, or give both start and end; if both "
                    "hold, --several-labels makes one row with both labels"
                )


def _with_all_labels(
    found: Sequence[tuple[ListedClip, str | None]],
) -> list[tuple[ListedClip, str | None]]:
    """Return one row for all rows of the same clip, or part of it, with all of their labels.

    Raises:
        LookbackError: Rows of one clip have different splits.
    """
    rows: dict[tuple[str, float | None, float | None], tuple[ListedClip, str | None]] = {}
    for clip, video in found:
        key = (video or clip.names[0], clip.start, clip.end)
        first, _ = rows.setdefault(key, (clip, video))
        if first.split != clip.split:
            raise LookbackError(
                f"{clip.where}: {clip.names[0]} is in {clip.split or 'no split'}, and in "
                f"{first.split or 'no split'} in {first.where}; give both rows the same split"
            )
        labels = [label for each in (first, clip) if each.label for label in labels_in(each.label)]
        rows[key] = (replace(first, label=joined(labels) if labels else ""), video)
    return list(rows.values())


def _with_test_split(entries: list[Entry]) -> tuple[list[Entry], frozenset[str], str]:
    """Return the rows with a test split, the videos to take validation clips from, and a note."""
    there = {entry.split for entry in entries} - {""}
    if there == set(SPLITS):
        return entries, frozenset(), "the splits are those of the lists"
    if "train" not in there or len(there) == 1:
        blank = [replace(entry, split="") for entry in entries]
        return blank, frozenset(), "the lists give no train and test split, so one is made"
    (held_out,) = there - {"train"}
    split = [replace(each, split="test" if each.split == held_out else "") for each in entries]
    training = frozenset(entry.video for entry in entries if entry.split == "train")
    role = "" if held_out == "test" else f"{held_out} of the lists is the test split; "
    return split, training, f"{role}some groups of train are taken for validation"


def _of_split(format_: DatasetLists, data: Data) -> str:
    return f", split {data.official_split}" if format_.official_splits > 1 else ""


def _left_out_note(what: str, names: list[str]) -> list[str]:
    if not names:
        return []
    shown = ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")
    return [f"{len(names)} {what} and are left out ({shown}); rejected.csv lists them"]


def still_left_out(reasons: dict[str, str]) -> list[tuple[str, str]]:
    """Return the lines of a rejected.csv that a list wrote, for the next one."""
    return [(video, why) for video, why in reasons.items() if why in (ABSENT, UNLISTED)]
