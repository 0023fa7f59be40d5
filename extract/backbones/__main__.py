"""List all backbones, or the layers of one: output shapes, parameters, MFLOPs and memory."""

import argparse

from recipes.command_line import CommandParser, run_command
from recipes.commands import command


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    flags = CommandParser(prog=command("backbones"), description=__doc__, allow_abbrev=False)
    flags.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="backbone whose layers are listed (default: list all backbones)",
    )
    return flags.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    name = _parse(arguments).name
    # Check the command line first: the imports below are slow.
    from extract.architectures.registry import BACKBONES, spec_of
    from extract.backbones.summary import backbone_table, layer_table

    print(layer_table(spec_of(name)) if name else backbone_table(BACKBONES.values()))
    return 0


if __name__ == "__main__":
    run_command(main)
