"""Check the clips of a folder, group and split them, and write manifest.csv and rejected.csv."""

from clips.flags import FLAGS, add_flags
from clips.flattening import flatten
from clips.multiplying import copied_amounts, parse_splits, write_copies
from clips.preparation import prepare
from recipes.command_line import parser, settings

__all__ = ["FLAGS", "main"]


def main(arguments: list[str] | None = None) -> int:
    flags = parser("prepare", __doc__, FLAGS)
    add_flags(flags)
    parsed = flags.parse_args(arguments)
    chosen, splits = settings(parsed), parse_splits(parsed.augment_splits)
    if parsed.augment:
        copied_amounts(chosen.recipe.finetune.augment)  # before the clips are decoded
    manifest = prepare(chosen, parsed.drop_missing)
    if parsed.augment:
        write_copies(manifest, chosen, parsed.augment, splits)
    if parsed.flatten:
        flatten(manifest, parsed.flatten)
    return 0
