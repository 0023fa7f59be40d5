"""The flags of an evaluation of alarms."""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

from recipes.loader import Settings
from video.errors import UsageError

_WANTED = 0.1


@dataclass(frozen=True)
class AlarmOptions:
    """What to evaluate.

    Attributes:
        videos: Videos without events, or folders of them.
        wanted: Wanted rate of false alarms of all classes together, per hour, more than 0.
        out: Report folder; None for `reports/<name of the model folder>`.
    """

    videos: tuple[Path, ...]
    wanted: float = _WANTED
    out: Path | None = None


def add_alarm_flags(flags: argparse.ArgumentParser) -> None:
    """Add `--alarms` and `--false-alarms-per-hour` to the flags of a command."""
    flags.add_argument(
        "--alarms",
        nargs="+",
        type=Path,
        metavar="VIDEO",
        help="measure the alarms of the recipe: false alarms in these videos without events, or in "
        "folders of them, and recall and delay on the test clips",
    )
    flags.add_argument(
        "--false-alarms-per-hour",
        metavar="X",
        help="with --alarms: rate to propose thresholds for, of all classes together (default: "
        f"{_WANTED})",
    )


def alarm_options(parsed: argparse.Namespace, settings: Settings) -> AlarmOptions | None:
    """Return what to evaluate; None without `--alarms`.

    Args:
        parsed: Parsed flags, also `--out`.
        settings: Settings of the recipe and the flags.

    Raises:
        UsageError: The flags contradict each other, or the rate is no number above 0.
    """
    rate = parsed.false_alarms_per_hour
    if not parsed.alarms:
        if rate is not None:
            raise UsageError("--false-alarms-per-hour: goes with --alarms VIDEO")
        return None
    if "evaluate.folds" in settings.flags:
        raise UsageError("--alarms and --folds: two evaluations; give one of the flags")
    try:
        wanted = _WANTED if rate is None else float(rate)
    except ValueError:
        wanted = math.nan
    if not 0 < wanted < math.inf:
        raise UsageError(f"--false-alarms-per-hour {rate}: should be a number above 0")
    return AlarmOptions(tuple(parsed.alarms), wanted, parsed.out)
