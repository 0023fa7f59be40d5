"""Convert a Keras 2 model with recurrent layers (CuDNNLSTM, LSTM) to a weights file of Keras 3.

python -m sequence.convert MODEL.h5 --out FILE.weights.h5
"""

import argparse
from pathlib import Path

from recipes.command_line import CommandParser, run_command
from video.errors import UsageError


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="python -m sequence.convert",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "model", type=Path, metavar="MODEL.h5", help="model or weights file of Keras 1 or 2"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", required=True, help="FILE.weights.h5 to write"
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    chosen = _parser().parse_args(arguments)
    if chosen.out.resolve() == chosen.model.resolve():
        raise UsageError(f"--out {chosen.out}: this is the model file itself; name another file")
    # Imported here because it is slow, and not needed for --help and wrong arguments.
    from sequence.convert.cudnn_lstm import convert_file

    convert_file(chosen.model, chosen.out)
    return 0


if __name__ == "__main__":
    run_command(main)
