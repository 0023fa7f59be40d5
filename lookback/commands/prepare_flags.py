"""Flags of prepare.py for its report and its conversion, and what they need."""

import argparse
import sys
from pathlib import Path

from clips.converting import refuse_in_place
from clips.inspecting import Confirm
from recipes.commands import command
from storage.roles import out_folder
from video.errors import UsageError

_SMALLEST_SIDE = 16  # H.264 encoders refuse smaller pictures


def add_prepare_flags(flags: argparse.ArgumentParser) -> None:
    """Add the flags to the parser of the command."""
    flags.add_argument(
        "--out",
        type=out_folder,
        metavar="FOLDER",
        help="report folder (default: reports/<name of the data folder>)",
    )
    flags.add_argument(
        "--convert",
        type=Path,
        metavar="FOLDER",
        help="write all clips as H.264 mp4 to another data folder, and a manifest of them",
    )
    flags.add_argument(
        "--short-side",
        type=int,
        metavar="PIXELS",
        help="with --convert: short side of the new clips (default: that of each clip)",
    )


def check_conversion(parsed: argparse.Namespace, data: Path) -> None:
    """Refuse a conversion that cannot work, before the clips are checked.

    Raises:
        UsageError: The new folder would overwrite the originals, or --short-side has no meaning.
    """
    if parsed.short_side is not None and parsed.convert is None:
        raise UsageError("--short-side: only with --convert FOLDER")
    if parsed.short_side is not None and parsed.short_side < _SMALLEST_SIDE:
        raise UsageError(f"--short-side {parsed.short_side}: must be at least {_SMALLEST_SIDE}")
    if parsed.convert is not None:
        refuse_in_place(data, parsed.convert)


def check_shard(parsed: argparse.Namespace) -> None:
    """Refuse flags of what a shard does not do.

    Raises:
        UsageError: There is such a flag.
    """
    given = {
        "--out": parsed.out,
        "--convert": parsed.convert,
        "--flatten": parsed.flatten,
        "--augment": parsed.augment,
        "--yes": parsed.yes,
        "--drop-missing": parsed.drop_missing,
    }
    for flag in (flag for flag, value in given.items() if value):
        raise UsageError(
            f"{flag}: not with --shard, which only reads its clips; give it to the "
            f"{command('prepare')} without --shard that follows"
        )


def confirmation(yes: bool) -> Confirm | None:
    """Return the function that asks the user; None if there is nobody to ask.

    Args:
        yes: Whether everything is accepted unasked.
    """
    if yes:
        return lambda question: True
    if sys.stdin is None or not sys.stdin.isatty():
        return None
    return lambda question: input(f"{question} [y/N] ").strip().casefold() in ("y", "yes")
