"""Splits given by folders: train, val or test folders that contain the class folders.

data/clips/train/<class>/**   data/clips/val/<class>/**   data/clips/test/<class>/**
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from clips.manifest import SPLITS, Entry
from recipes.commands import command
from video.errors import LookbackError

LAYOUT = (
    "put clips into clips/<class>/ or, if they are already split, into "
    "clips/train/<class>/, clips/val/<class>/ and clips/test/<class>/"
)


class LayoutError(LookbackError):
    """There are no clips in the expected place, or a clip is in no class folder."""


_SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "validate": "val",
    "test": "test",
    "testing": "test",
}


def split_of_folder(folder: str) -> str:
    """Return the split that a folder is named after, "" for any other name.

    >>> split_of_folder("Validation")
    'val'
    """
    return _SPLIT_NAMES.get(folder.strip().casefold(), "")


def split_folders(clips: list[PurePosixPath]) -> set[str]:
    """Return the folders that contain a split, not a class.

    Such a folder is named after a split and contains class folders. A single one among folders with
    other names is a class: videos of trains may be in a folder `train`.

    Args:
        clips: Paths of clips relative to the clips folder, of two parts or more.

    Raises:
        LayoutError: All folders are named after a split, and clips are directly in them.
    """
    depths: dict[str, list[PurePosixPath]] = defaultdict(list)
    for path in clips:
        depths[path.parts[0]].append(path)
    named = {folder for folder in depths if split_of_folder(folder)}
    nested = {folder for folder in named if all(len(path.parts) > 2 for path in depths[folder])}
    if named == set(depths) and nested != named:
        stray = next(path for path in sorted(clips) if len(path.parts) == 2)
        raise LayoutError(
            f"clips/{stray}: is directly in a folder that is named after a split, not in a class "
            f"folder; {LAYOUT}, or write a manifest (video,label,split)"
        )
    several = len({split_of_folder(folder) for folder in nested}) > 1
    return nested if several or nested == set(depths) else set()


@dataclass(frozen=True)
class GivenSplit:
    """The splits that folders give.

    Attributes:
        splits: Split of each video; a video that is missing here is split automatically.
        train_or_val: Videos of the training folder, if the validation clips are taken from it.
        note: One line about it for the user; "" if folders give no split.
    """

    splits: dict[str, str]
    train_or_val: frozenset[str] = frozenset()
    note: str = ""


def kept_splits(entries: list[Entry]) -> tuple[list[Entry], list[str]]:
    """Return the rows with a group per split where a group is in several, and those groups.

    An official split stands, because results on it are compared, although some scenes are on both
    sides of it.

    Args:
        entries: The rows; an empty split is train, of which a part will be val.
    """
    splits: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        splits[entry.group].add(entry.split or "train")
    crossing = sorted(group for group, found in splits.items() if len(found) > 1)
    several = set(crossing)
    divided = [
        replace(entry, group=f"{entry.group} ({entry.split or 'train'})")
        if entry.group in several
        else entry
        for entry in entries
    ]
    return divided, crossing


def given_split(folders: dict[str, str]) -> GivenSplit:
    """Return the split that folders give.

    Training needs validation clips and evaluation needs test clips. If there is only one folder
    next to the training folder, as in RWF-2000, it is the test split, and the validation clips are
    taken from the training folder.

    Args:
        folders: The split folder of each video that is in one, such as {"clips/val/a/1.mp4":
            "val"}.
    """
    splits = {video: split_of_folder(folder) for video, folder in folders.items()}
    there = set(splits.values())
    if not there:
        return GivenSplit({})
    names = ", ".join(f"clips/{folder}" for folder in sorted(set(folders.values())))
    again = f"{command('prepare')} --split 0.7/0.15/0.15 makes a new one"
    if there == set(SPLITS):
        return GivenSplit(splits, note=f"the split is taken from the folders {names}; {again}")
    if "train" not in there or len(there) == 1:
        return GivenSplit(
            {},
            note=f"{names} give no split, which needs a folder of training clips and another one; "
            "all clips are split automatically",
        )
    training = frozenset(video for video, split in splits.items() if split == "train")
    held_out = next(
        folder for folder in sorted(set(folders.values())) if split_of_folder(folder) != "train"
    )
    return GivenSplit(
        {video: "test" for video in splits if video not in training},
        training,
        f"the split is taken from the folders {names}: clips/{held_out} is the test split, and as "
        f"there is no third folder, some groups of the training clips are for validation; {again}",
    )
