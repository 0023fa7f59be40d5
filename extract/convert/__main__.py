"""Turn a published checkpoint into a weights file of this program.

python -m extract.convert x3d_s X3D_S.pyth --out x3d_s.weights.h5
python -m extract.convert --list
"""

import argparse
from pathlib import Path

from recipes.command_line import CommandParser, run_command
from recipes.commands import command
from video.errors import UsageError

# The command that converted models of recurrent layers before `sequence.convert` did.
_CUDNN = "cudnnlstm"


def _parser() -> argparse.ArgumentParser:
    made = CommandParser(
        prog=command("convert"),
        description=__doc__.replace("python -m extract.convert", command("convert")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="clip network that the checkpoint is of",
    )
    made.add_argument(
        "checkpoint",
        nargs="?",
        type=Path,
        metavar="CHECKPOINT",
        help="official file: .pth, .pyth, .pt, .bin, .safetensors",
    )
    made.add_argument("--out", type=Path, metavar="FILE", help="FILE.weights.h5 to write")
    made.add_argument("--without-head", action="store_true", help="leave the classifier out")
    made.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help="names of the classes, one a line (default: config.json beside the checkpoint, or "
        "Kinetics-400's)",
    )
    made.add_argument("--list", action="store_true", help="what was published, and where it lies")
    return made


def main(arguments: list[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    if chosen.list:
        from extract.convert.catalogue import print_catalogue

        print_catalogue()
        return 0
    if chosen.name == _CUDNN:
        raise UsageError(
            f"{_CUDNN}: is another command now: python -m sequence.convert MODEL.h5 --out "
            "FILE.weights.h5"
        )
    for wanted, value in (
        ("NAME", chosen.name),
        ("CHECKPOINT", chosen.checkpoint),
        ("--out FILE.weights.h5", chosen.out),
    ):
        if value is None:
            raise UsageError(f"{wanted} is missing ({command('convert')} --help)")
    if chosen.out.resolve() == chosen.checkpoint.resolve():
        raise UsageError(f"--out {chosen.out}: this is the checkpoint itself")
    if chosen.labels and chosen.without_head:
        raise UsageError("--labels names the classes of the head that --without-head leaves out")
    _convert(chosen)
    return 0


def _convert(chosen: argparse.Namespace) -> None:
    # Slow imports wait until the command line is known to be right.
    from extract.convert.conversion import convert_checkpoint
    from extract.convert.weights_info import announce_licence

    info = convert_checkpoint(
        chosen.name, chosen.checkpoint, chosen.out, chosen.without_head, chosen.labels
    )
    head = f"{info.classes} classes" if info.classes else "without a classifier"
    print(f"{chosen.out}: {info.network}, {head}, trained on: {info.trained_on}.")
    announce_licence(info)


if __name__ == "__main__":
    run_command(main)
