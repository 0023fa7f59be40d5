"""Check the clips of a folder, group and split them, and write manifest.csv and rejected.csv."""

import argparse

from clips.multiplying import copied_amounts, parse_splits, write_copies
from clips.preparation import prepare
from recipes.command_line import Flag, parser, settings

FLAGS = (
    Flag(
        "--group-by",
        "data.group_by",
        "rule that puts clips into groups; a group is never divided between train, val and test: "
        "auto (_gNN_ in the file's name, else each file is its own group), folder or folder:N (a "
        "subfolder), a column of the manifest, or a regular expression whose bracket is the group",
        "RULE",
    ),
    Flag("--split", "data.split", "fractions of the clips in train/val/test", "A/B/C"),
)


def _add_augment_flags(flags: argparse.ArgumentParser) -> None:
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


def main(arguments: list[str] | None = None) -> int:
    flags = parser("prepare", __doc__, FLAGS)
    flags.add_argument(
        "--drop-missing",
        action="store_true",
        help="remove the manifest rows whose video is missing (default: keep them)",
    )
    _add_augment_flags(flags)
    parsed = flags.parse_args(arguments)
    chosen, splits = settings(parsed), parse_splits(parsed.augment_splits)
    if parsed.augment:
        copied_amounts(chosen.recipe.finetune.augment)  # before the clips are decoded
    manifest = prepare(chosen, parsed.drop_missing)
    if parsed.augment:
        write_copies(manifest, chosen, parsed.augment, splits)
    return 0
