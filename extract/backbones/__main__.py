"""List the backbones, or with a name its layers with shapes, parameters and memory."""

import argparse

from recipes.command_line import CommandParser, run_command
from recipes.commands import command


def _parsed(arguments: list[str] | None) -> argparse.Namespace:
    flags = CommandParser(prog=command("backbones"), description=__doc__, allow_abbrev=False)
    flags.add_argument("name", nargs="?", metavar="NAME", help="a backbone, layer by layer")
    return flags.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    name = _parsed(arguments).name
    # Slow imports wait until the command line is known to be right.
    from extract.architectures.registry import BACKBONES, spec_of
    from extract.backbones.summary import backbone_table, layer_table

    print(layer_table(spec_of(name)) if name else backbone_table(BACKBONES.values()))
    return 0


if __name__ == "__main__":
    run_command(main)
