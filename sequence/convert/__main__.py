"""Turn a Keras 2 model of recurrent layers (CuDNNLSTM, LSTM) into a weights file of today's Keras.

python -m sequence.convert MODEL.h5 --out FILE.weights.h5
"""

import argparse
from pathlib import Path

from recipes.command_line import CommandParser, run_command
from video.errors import UsageError


def _parser() -> argparse.ArgumentParser:
    made = CommandParser(
        prog="python -m sequence.convert",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("model", type=Path, metavar="MODEL.h5", help="file of Keras 1 or 2")
    made.add_argument(
        "--out", type=Path, metavar="FILE", required=True, help="FILE.weights.h5 to write"
    )
    return made


def main(arguments: list[str] | None = None) -> int:
    chosen = _parser().parse_args(arguments)
    if chosen.out.resolve() == chosen.model.resolve():
        raise UsageError(f"--out {chosen.out}: this is the model itself")
    # Slow imports wait until the command line is known to be right.
    from sequence.convert.cudnn_lstm import convert_file

    convert_file(chosen.model, chosen.out)
    return 0


if __name__ == "__main__":
    run_command(main)
