"""Flags of prepare.py."""

import argparse
from pathlib import Path

from recipes.command_line import Flag

FLAGS = (
    Flag("--dataset", "data.dataset", "format of --lists, such as ucf101 or hmdb51", "NAME"),
    Flag(
        "--lists",
        "data.lists",
        "file or folder with the lists of clips, labels and splits: any table, JSON, or the "
        "official lists of --dataset",
        "PLACE",
        "none: the clips are those below clips/",
    ),
    Flag("--official-split", "data.official_split", "which of the official splits", "N"),
    Flag(
        "--fps",
        "data.frame_rate",
        "take folders of numbered images as clips, with this many frames per second",
        "N",
        "none: images are skipped",
    ),
    Flag(
        "--corrections",
        "data.corrections",
        "mistakes.csv of an evaluation, with drop, label=NAME or more in its column action",
        "FILE",
        "none",
    ),
    Flag("--min-seconds", "data.min_seconds", "leave out clips that are shorter", "N"),
    Flag(
        "--group-by",
        "data.group_by",
        "rule that puts clips into groups; a group is never divided between train, val and test: "
        "auto (_gNN_ in the file's name, else each file is its own group), folder or folder:N (a "
        "subfolder), a column of the manifest, a regular expression whose bracket is the group, "
        "propose (groups from names, dates and pictures, to confirm), or a CSV file of groups",
        "RULE",
    ),
    Flag(
        "--split",
        "data.split",
        "fractions of the clips in train/val/test; or folds:5/1 (five folds, the first is test) or "
        "leave-one-group-out/GROUP",
        "A/B/C",
    ),
)


def add_flags(flags: argparse.ArgumentParser) -> None:
    """Add the flags that set no key of a recipe, or may be repeated."""
    flags.add_argument(
        "--merge",
        action="append",
        dest="data.merge",
        metavar="PATTERN=CLASS",
        help='join classes, such as "Golf-*=Golf"; may be repeated',
    )
    flags.add_argument(
        "--several-labels",
        action="store_const",
        const=True,
        dest="data.several_labels",
        help="with --lists: rows of one clip with different labels become one row with all of them",
    )
    flags.add_argument(
        "--flatten",
        type=Path,
        metavar="FOLDER",
        help="also make a data folder clips/CLASS/CLIP of links to the clips",
    )
    flags.add_argument(
        "--augment",
        type=int,
        default=0,
        metavar="N",
        help="write augmented copies to disk until every class has N clips in train (default: 0)",
    )
    flags.add_argument(
        "--augment-splits",
        default="train",
        metavar="SPLITS",
        help="splits that --augment fills up, such as train,val (default: train)",
    )
    flags.add_argument(
        "--drop-missing",
        action="store_true",
        help="remove the manifest rows whose video is missing (default: keep them)",
    )
    flags.add_argument("--yes", action="store_true", help="accept proposed groups unasked")
