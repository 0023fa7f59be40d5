"""Convert a checkpoint of a clip network (PyTorch or safetensors) to a Keras weights file.

Use the result with --backbone-weights FILE.weights.h5. The published Kinetics-400 weights need no
conversion by hand: --backbone-weights kinetics400 downloads and converts them.

python -m extract.convert x3d_s X3D_S.pyth --out x3d_s.weights.h5
python -m extract.convert --list
"""

import argparse
from pathlib import Path

from recipes.command_line import CommandParser, run_command
from recipes.commands import command
from video.errors import UsageError

# Old name of the command `python -m sequence.convert`.
_CUDNN = "cudnnlstm"


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog=command("convert"),
        description=__doc__.replace("python -m extract.convert", command("convert")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="clip network of the checkpoint, such as x3d_s",
    )
    parser.add_argument(
        "checkpoint",
        nargs="?",
        type=Path,
        metavar="CHECKPOINT",
        help="file to convert: .pth, .pyth, .pt, .bin or .safetensors; a published one, or one "
        "that was fine-tuned on other classes",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="weights file to write; its name ends in .weights.h5",
    )
    parser.add_argument(
        "--without-head", action="store_true", help="convert the network without its classifier"
    )
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help="text file with the class names, one per line in the classifier's order (default: "
        "those of config.json in the checkpoint's folder; without it, 400 classes get the names "
        "of Kinetics-400)",
    )
    parser.add_argument(
        "--list", action="store_true", help="print all known published weights and exit"
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    if chosen.list:
        from extract.convert.catalogue import print_catalogue

        print_catalogue()
        return 0
    if chosen.name == _CUDNN:
        raise UsageError(
            f"{_CUDNN}: this command is now python -m sequence.convert MODEL.h5 --out "
            "FILE.weights.h5"
        )
    for argument, value in (
        ("NAME", chosen.name),
        ("CHECKPOINT", chosen.checkpoint),
        ("--out FILE.weights.h5", chosen.out),
    ):
        if value is None:
            raise UsageError(f"{argument} is missing ({command('convert')} --help)")
    if chosen.out.resolve() == chosen.checkpoint.resolve():
        raise UsageError(f"--out {chosen.out}: this is the checkpoint itself; name another file")
    if chosen.labels and chosen.without_head:
        raise UsageError(
            "--labels FILE: does not go with --without-head, which leaves the classifier out"
        )
    _convert(chosen)
    return 0


def _convert(chosen: argparse.Namespace) -> None:
    # Check the command line first: the imports below are slow.
    from extract.convert.conversion import convert_checkpoint
    from extract.convert.weights_info import announce_licence

    info = convert_checkpoint(
        chosen.name, chosen.checkpoint, chosen.out, chosen.without_head, chosen.labels
    )
    head = (
        f"with a classifier of {info.classes} classes" if info.classes else "without a classifier"
    )
    print(
        f"{chosen.out}: weights of {info.network} {head}; training data: {info.trained_on}. "
        f"Use them with --backbone {info.network} --backbone-weights {chosen.out}."
    )
    announce_licence(info)


if __name__ == "__main__":
    run_command(main)
