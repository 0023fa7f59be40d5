"""Command `lookback`: all commands under one name, from any folder."""

import sys
from importlib import import_module

import lookback
from recipes.command_line import run_command
from recipes.commands import program
from video.errors import UsageError, hint

# Module with `main`, and line in `lookback --help`, of each command.
_COMMANDS = {
    "prepare": ("lookback.commands.prepare", "check, group and split the clips of a folder"),
    "finetune": ("lookback.commands.finetune", "fine-tune a backbone on the clips"),
    "extract": ("lookback.commands.extract", "compute the features of every clip"),
    "train": ("lookback.commands.train", "train the second stage on the features"),
    "evaluate": ("lookback.commands.evaluate", "measure the model on the test clips"),
    "compare": ("sequence.compare", "compare two models on the same clips"),
    "explain": (
        "sequence.explain.__main__",
        "show which places of a video speak for a class",
    ),
    "run": ("lookback.commands.run", "classify a webcam, a video file or a network stream"),
    "quantize": ("extract.quantize", "quantize the backbone to int8 and measure the lost accuracy"),
    "convert": ("extract.convert.__main__", "convert a published checkpoint to a weights file"),
    "backbones": (
        "extract.backbones.__main__",
        "list the backbones, or the layers of one backbone",
    ),
    "doctor": ("lookback.doctor.__main__", "check the machine and the installation"),
    "preview": ("clips.preview", "show what each augmentation does to a clip"),
    "ray": ("cluster.ray", "compute the features on the machines of a Ray cluster"),
    "batch": ("cluster.batch", "compute the features in an array job of AWS Batch"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run a command: `lookback NAME ...`.

    Args:
        arguments: Arguments after the program's name; None for those of the process.

    Returns:
        The exit code.

    Raises:
        UsageError: There is no command of that name.
    """
    words = sys.argv[1:] if arguments is None else arguments
    if not words or words[0] in ("-h", "--help"):
        print(_help())
        return 0 if words else UsageError.exit_code
    if words[0] == "--version":
        print(f"lookback {lookback.__version__}")
        return 0
    if words[0] not in _COMMANDS:
        raise UsageError(
            f"{words[0]}: there is no such command; {hint(words[0], _COMMANDS)} "
            f"({_program()} --help lists them)"
        )
    code: int = import_module(_COMMANDS[words[0]][0]).main(words[1:])
    return code


def console() -> None:
    """Run the command of the process, and exit with its code."""
    run_command(main)


def _program() -> str:
    return program() or "lookback"


def _help() -> str:
    width = max(map(len, _COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, (_, text) in _COMMANDS.items()]
    return "\n".join(
        [
            f"usage: {_program()} COMMAND ...",
            "",
            "Train a two-stage video classifier from a folder of clips, and run it live.",
            "",
            *lines,
            "",
            f"{_program()} COMMAND --help lists a command's flags; --version prints the version.",
        ]
    )
