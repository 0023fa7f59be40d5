"""Measure the model and its baselines on the test clips; with --folds, train and test by
cross-validation; with --alarms, measure false alarms on long videos."""

import math
from dataclasses import replace
from pathlib import Path

from recipes.command_line import SECOND_STAGE_FLAGS, Flag, parser, settings
from video.errors import UsageError

_WANTED = 0.1  # false alarms per hour

FLAGS = (
    Flag("--split", "evaluate.split", "clips to measure on: train, val or test", "SPLIT"),
    Flag("--folds", "evaluate.folds", "folds of a cross-validation over groups; 0: off", "N"),
    Flag("--repeats", "evaluate.repeats", "repeats of it, each with new folds", "N"),
    Flag("--views", "evaluate.views", "windows averaged per clip, evenly spaced, or all", "N"),
    Flag(
        "--head",
        "sequence.head",
        "own: evaluate the fine-tuned backbone's classifier; with --folds: head to train",
        "NAME",
        "the second stage, or own if there is none; with --folds: lstm",
    ),
    *(replace(flag, help=f"with --folds: {flag.help}") for flag in SECOND_STAGE_FLAGS),
)


def main(arguments: list[str] | None = None) -> int:
    flags = parser("evaluate", __doc__, FLAGS)
    flags.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="report folder (default: reports/<name of the model folder>)",
    )
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
    parsed = flags.parse_args(arguments)
    chosen = settings(parsed)
    wanted = _wanted(parsed.false_alarms_per_hour, parsed.alarms)
    if parsed.alarms:
        if "evaluate.folds" in chosen.flags:
            raise UsageError("--alarms and --folds: two evaluations; give one of the flags")
        from live.alarm_evaluation import AlarmOptions, evaluate_alarms

        evaluate_alarms(AlarmOptions(tuple(parsed.alarms), wanted, parsed.out), chosen)
        return 0
    # Check the command line and its files first: the imports below are slow.
    from sequence.experiment import open_experiment

    experiment = open_experiment(chosen)

    from sequence.evaluator import evaluate, evaluate_folds

    if chosen.recipe.evaluate.folds:
        evaluate_folds(experiment, chosen, parsed.out)
    else:
        evaluate(experiment, chosen, parsed.out)
    return 0


def _wanted(text: str | None, alarms: list[Path] | None) -> float:
    """Return the wanted rate of false alarms per hour; raise `UsageError` if it is none."""
    if text is None:
        return _WANTED
    if not alarms:
        raise UsageError("--false-alarms-per-hour: goes with --alarms VIDEO")
    try:
        wanted = float(text)
    except ValueError:
        wanted = math.nan
    if not 0 < wanted < math.inf:
        raise UsageError(f"--false-alarms-per-hour {text}: should be a number above 0")
    return wanted
