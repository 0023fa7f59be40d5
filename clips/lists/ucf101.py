"""UCF101 (Soomro et al. 2012): trainlist01.txt and testlist01.txt of three official splits.

    ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1        in trainlist01.txt
    ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi          in testlist01.txt
    1 ApplyEyeMakeup                                     in classInd.txt

The group is the `gNN` of the name, as for any manifest. The official splits keep groups whole.
"""

from collections.abc import Sequence
from pathlib import Path

from clips.lists.base import DatasetLists, ListedClip, Request, lines_of, required_file
from video.errors import LookbackError


def _read(request: Request) -> Sequence[ListedClip]:
    assert request.lists is not None
    classes = _classes(request.lists)
    listed: list[ListedClip] = []
    for split in ("train", "test"):
        path = required_file(request.lists, f"{split}list{request.split:02}.txt")
        listed += [_clip(where, line, split, classes) for where, line in lines_of(path)]
    return listed


def _classes(folder: Path) -> dict[str, str]:
    """Return the classes of classInd.txt by their numbers; none without this file."""
    path = folder / "classInd.txt"
    if not path.is_file():
        return {}
    pairs = [(where, line.split(maxsplit=1)) for where, line in lines_of(path)]
    for where, pair in pairs:
        if len(pair) != 2 or not pair[0].isdecimal():
            raise LookbackError(f"{where}: must be a number and a class, such as 1 ApplyEyeMakeup")
    return {pair[0]: pair[1].strip() for _, pair in pairs}


def _clip(where: str, line: str, split: str, classes: dict[str, str]) -> ListedClip:
    name, _, number = line.partition(" ")
    label, slash, _ = name.partition("/")
    number = number.strip()
    if not slash or (number and not number.isdecimal()):
        raise LookbackError(
            f"{where}: must be CLASS/CLIP.avi and, in a train list, the number of the class; is it "
            "a list of UCF101?"
        )
    if number and classes and classes.get(number) != label:
        named = classes.get(number, "no class")
        raise LookbackError(
            f"{where}: the number {number} is {named} in classInd.txt, but the folder is {label}; "
            "take classInd.txt of the same download"
        )
    return ListedClip((name,), label, where, split)


LISTS = DatasetLists("ucf101", "trainlist01.txt, testlist01.txt and classInd.txt", _read, 3)
