"""Check the clips of a folder, group and split them, and write manifest.csv and rejected.csv."""

from clips.flags import FLAGS, add_flags
from clips.flattening import flatten
from clips.preparation import prepare
from recipes.command_line import parser, settings

__all__ = ["FLAGS", "main"]


def main(arguments: list[str] | None = None) -> int:
    flags = parser("prepare", __doc__, FLAGS)
    add_flags(flags)
    parsed = flags.parse_args(arguments)
    manifest = prepare(settings(parsed), parsed.drop_missing)
    if parsed.flatten:
        flatten(manifest, parsed.flatten)
    return 0
