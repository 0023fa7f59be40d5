"""Data sets that come split: folders named train, val or test that hold the class folders.

data/clips/train/<class>/**   data/clips/val/<class>/**   data/clips/test/<class>/**
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath

from clips.manifest import SPLITS
from recipes.commands import command
from video.errors import LookbackError

LAYOUT = (
    "put clips into clips/<class>/, or, where they are split already, into "
    "clips/train/<class>/, clips/val/<class>/ and clips/test/<class>/"
)


class LayoutError(LookbackError):
    """There are no clips where they are looked for, or they lie in no class folder."""


_SIDES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


def split_of_folder(folder: str) -> str:
    """Return the side of the split that a folder's name means, "" for another name.

    >>> split_of_folder("Validation")
    'val'
    """
    return _SIDES.get(folder.strip().casefold(), "")


def split_folders(clips: list[PurePosixPath]) -> set[str]:
    """Return the folders that hold a side of the split rather than a class.

    They are named after a side and hold class folders. One such folder among folders with other
    names is a class: a film of trains may well lie in `train`.

    Args:
        clips: Paths of clips relative to the clips folder, at least two parts each.

    Raises:
        LayoutError: all folders are named after a side, and clips lie directly in them.
    """
    depths: dict[str, list[PurePosixPath]] = defaultdict(list)
    for path in clips:
        depths[path.parts[0]].append(path)
    named = {folder for folder in depths if split_of_folder(folder)}
    nested = {folder for folder in named if all(len(path.parts) > 2 for path in depths[folder])}
    if named == set(depths) and nested != named:
        stray = next(path for path in sorted(clips) if len(path.parts) == 2)
        raise LayoutError(
            f"clips/{stray}: lies directly in a folder that is named after a side of the split and "
            f"is no class; {LAYOUT}, or write a manifest (video,label,split)"
        )
    several = len({split_of_folder(folder) for folder in nested}) > 1
    return nested if several or nested == set(depths) else set()


@dataclass(frozen=True)
class GivenSplit:
    """The sides that folders give.

    Attributes:
        sides: By video; a video that is missing here is drawn.
        train_or_val: Videos of the training folder of which validation clips are drawn.
        note: One line about it for the user; "" where folders give no side.
    """

    sides: dict[str, str]
    train_or_val: frozenset[str] = frozenset()
    note: str = ""


def given_split(folders: dict[str, str]) -> GivenSplit:
    """Return the split that folders give.

    Training needs validation clips and a report needs test clips. Where only one folder is held out
    from training, as in RWF-2000, it is the test, and validation clips are drawn from training.

    Args:
        folders: The split folder of each video that lies in one, such as {"clips/val/a/1.mp4":
            "val"}.
    """
    sides = {video: split_of_folder(folder) for video, folder in folders.items()}
    there = set(sides.values())
    if not there:
        return GivenSplit({})
    names = ", ".join(f"clips/{folder}" for folder in sorted(set(folders.values())))
    again = f"{command('prepare')} --split 0.7/0.15/0.15 draws another"
    if there == set(SPLITS):
        return GivenSplit(sides, note=f"the split is taken from the folders {names}; {again}")
    if "train" not in there or len(there) == 1:
        return GivenSplit(
            {},
            note=f"a split needs a folder of training clips and another one, and there is only "
            f"{names}: it is drawn over all clips",
        )
    training = frozenset(video for video, side in sides.items() if side == "train")
    held_out = next(
        folder for folder in sorted(set(folders.values())) if split_of_folder(folder) != "train"
    )
    return GivenSplit(
        {video: "test" for video in sides if video not in training},
        training,
        f"the split is taken from the folders {names}: clips/{held_out} is the test, and as "
        f"there is no third folder, validation clips are drawn from training by groups; {again}",
    )
